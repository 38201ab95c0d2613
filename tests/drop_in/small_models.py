"""Small models of the drop-in class, and what they are trained on."""

from typing import Any

import numpy as np
import two_groups

from full_w2v import Word2Vec
from full_w2v.drop_in.callbacks import Callback
from full_w2v.training.report import Progress

TINY: dict[str, Any] = {"vector_size": 8, "sg": 1, "workers": 1, "epochs": 2, "sample": 0, "seed": 3}
SENTENCES = two_groups.sentences()
TOKENS = len(SENTENCES) * two_groups.WORDS_PER_SENTENCE


def built(**settings: Any) -> Word2Vec:
    model = Word2Vec(**{**TINY, **settings})
    model.build_vocab(SENTENCES)
    return model


def equal_models(one: Any, other: Any) -> bool:
    return one.wv.index_to_key == other.wv.index_to_key and all(
        np.array_equal(matrix(one), matrix(other))
        for matrix in (lambda model: model.wv.vectors, lambda model: model.syn1neg)
    )


class Rates(Callback):
    """Rates at the end of each batch and epoch."""

    def __init__(self) -> None:
        self.batches: list[Progress] = []
        self.epochs: list[float] = []

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
        assert model.epochs == progress.epochs
        self.batches.append(progress)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self.epochs.append(model.min_alpha_yet_reached)
