"""A small training for what stands around the kernels: few rows, short and long sentences."""

import numpy as np
from cuda_devices import make_model

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model


def config(**settings: object) -> TrainConfig:
    return TrainConfig(
        **{"vector_size": 20, "window": 3, "epochs": 2, "sample": 0.01, "seed": 3, "loss": True, **settings}
    )


def corpus(
    lengths: tuple[int, ...] = (40, 0, 1, 2600, 17, 1024, 1025), vocabulary: int = 60
) -> EncodedCorpus:
    random = np.random.default_rng(2)
    return EncodedCorpus.from_sentences([random.integers(0, vocabulary, length) for length in lengths])


def model(**settings: object) -> Model:
    return make_model(config(**settings), np.full(60, 80))
