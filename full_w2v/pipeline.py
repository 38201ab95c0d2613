"""The whole job in one call: corpus to vocabulary to encoded corpus to a trained model."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from full_w2v.config import TrainConfig
from full_w2v.corpus import open_corpus
from full_w2v.embeddings import Embeddings
from full_w2v.encoded import count_corpus
from full_w2v.errors import ConfigError
from full_w2v.formats import save_embeddings, save_model
from full_w2v.model import Model
from full_w2v.trainer import Progress, TrainReport, train_model

AnyPath = str | os.PathLike[str]
Source = AnyPath | Iterable[AnyPath] | Iterable[list[str]]


@dataclass
class TrainResult:
    """A trained model and what training it did."""

    model: Model
    report: TrainReport

    @property
    def embeddings(self) -> Embeddings:
        """The word vectors, to query and evaluate."""
        return Embeddings.from_model(self.model)

    def save(self, path: AnyPath) -> None:
        """Writes the vectors in the format of the path's suffix; .safetensors holds the whole model.

        The time taken is added to the report as the phase "save".
        """
        with _timed(self.report.seconds, "save"):
            if os.fspath(path).endswith(".safetensors"):
                save_model(self.model, path)
            else:
                save_embeddings(self.embeddings, path)


def train(
    corpus: Source,
    *,
    min_count: int = 5,
    max_final_vocab: int | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
    backend: str = "auto",
    config: TrainConfig | None = None,
    on_phase: Callable[[str, float, float | None], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Trains word vectors on a corpus: counts it, encodes it, trains on it.

    corpus: a text file with a sentence a line and words between white space, plain or .gz .bz2 .xz .zst; or
        several such files; or any iterable of lists of words, read once.
    min_count: words that occur less often are dropped.
    max_final_vocab: at most so many words are kept, by raising min_count.
    encoding, errors: how text is decoded, as in `bytes.decode`.
    backend: "auto", "cpu", or another one that `full-w2v backends` shows.
    config, settings: a TrainConfig, or its settings by name: vector_size=100, window=5, epochs=5, ...
    on_phase: called while the corpus is read, with "vocabulary" or "encode", what is done, and of how much.
    on_progress: called with a Progress about four times a second while the model trains.

    Raises ConfigError, CorpusError, BackendError (all FullW2VError) or OSError.
    """
    if config is not None and settings:
        raise ConfigError(f"give either config or settings by name, got both: {', '.join(sorted(settings))}")
    config = config or TrainConfig.from_dict(settings)
    seconds: dict[str, float] = {}
    source = open_corpus(corpus, encoding=encoding, errors=errors)
    with _timed(seconds, "vocabulary"):
        counted = count_corpus(
            source,
            min_count=min_count,
            max_final_vocab=max_final_vocab,
            threads=config.threads,
            progress=on_phase,
        )
    with counted:
        with _timed(seconds, "encode"):
            encoded = counted.encode()
        with encoded:
            model = Model.initialize(counted.vocabulary, config)
            report = train_model(model, encoded, backend=backend, progress=on_progress)
    return TrainResult(model, replace(report, seconds=seconds | report.seconds))


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - began
