"""The whole job in one call: corpus to vocabulary to encoded corpus to a trained model."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from full_w2v.backends import Backend, open_backend
from full_w2v.config import TrainConfig
from full_w2v.corpus import Progress as ReadingProgress
from full_w2v.corpus import Source, open_corpus
from full_w2v.embeddings import Embeddings
from full_w2v.encoded import count_corpus
from full_w2v.errors import ConfigError
from full_w2v.formats import AnyPath, check_output, save_model
from full_w2v.model import Model
from full_w2v.trainer import Progress, TrainReport, train_model


@dataclass(eq=False)
class TrainResult:
    """A trained model and what training it did.

    report: its settings hold those of the vocabulary too, min_count and max_final_vocab; its seconds are of
        the phases "vocabulary", "encode" and "train", and of "save" after a call of `save`.
    corpus_files: what was read, none of which `save` overwrites.
    """

    model: Model
    report: TrainReport
    corpus_files: tuple[str, ...] = ()

    def __repr__(self) -> str:
        words, dimension = self.model.input.shape
        return f"TrainResult({words:,} words x {dimension}, backend {self.report.backend})"

    @cached_property
    def embeddings(self) -> Embeddings:
        """The word vectors, to query and evaluate."""
        return Embeddings.from_model(self.model)

    def save(self, path: AnyPath) -> None:
        """Writes the vectors in the format of the path's suffix; .safetensors holds the whole model.

        Raises as `full_w2v.save_model`, and ConfigError if the path is a file of the corpus.
        """
        check_output(path, inputs=self.corpus_files)
        with _timed(self.report.seconds, "save"):
            save_model(self.model, path)


def train(
    corpus: Source,
    *,
    min_count: int = 5,
    max_final_vocab: int | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
    backend: str | Backend = "auto",
    config: TrainConfig | None = None,
    on_phase: ReadingProgress | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Trains word vectors on a corpus: counts it, encodes it, trains on it.

    corpus: a text file with a sentence a line and words between white space, plain or .gz .bz2 .xz .zst; or a
        list of such files; or any iterable of lists of words, read once.
    min_count: words that occur less often are dropped.
    max_final_vocab: at most so many words are kept, by raising min_count.
    encoding, errors: how text is decoded, as in `bytes.decode`.
    backend: "auto", "cpu", or another one that `full-w2v backends` shows.
    config, settings: a TrainConfig, or its settings by name: vector_size=100, window=5, epochs=5, ...
    on_phase: called while the corpus is read: with "vocabulary", bytes done (of an iterable, sentences) and
        their total or None; then with "encode", words done and their total.
    on_progress: called with a Progress about four times a second while the model trains.

    With one thread, equal settings and sentences give equal vectors, bit by bit, in any process.
    Raises ConfigError, CorpusError, BackendError (all FullW2VError) or OSError; bad settings and an unusable
    backend before anything is read, BackendError also for a training that diverged.
    """
    if config is not None and settings:
        raise ConfigError(f"give either config or settings by name, got both: {', '.join(sorted(settings))}")
    config = config or TrainConfig.from_dict(settings)
    engine = open_backend(backend, config) if isinstance(backend, str) else backend
    source = open_corpus(corpus, encoding=encoding, errors=errors)
    seconds: dict[str, float] = {}
    with _timed(seconds, "vocabulary"):
        counted = count_corpus(
            source,
            min_count=min_count,
            max_final_vocab=max_final_vocab,
            threads=config.threads,
            progress=on_phase,
        )
    with counted, _timed(seconds, "encode"):
        encoded = counted.encode(progress=on_phase)
    with encoded:
        model = Model.initialize(counted.vocabulary, config)
        report = train_model(model, encoded, backend=engine, progress=on_progress)
    vocabulary_settings = {"min_count": min_count, "max_final_vocab": max_final_vocab}
    return TrainResult(
        model,
        replace(report, settings=vocabulary_settings | report.settings, seconds=seconds | report.seconds),
        tuple(map(str, source.files)),
    )


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - began
