"""The whole job in one call: corpus to vocabulary to encoded corpus to a trained model."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from full_w2v.aliases import ALIASES
from full_w2v.any_path import AnyPath
from full_w2v.backends import Backend, open_backend
from full_w2v.config import TrainConfig, setting_names
from full_w2v.corpus import Progress as ReadingProgress
from full_w2v.corpus import ReadSettings, Source, open_corpus
from full_w2v.embeddings import Embeddings
from full_w2v.encoding.phrases import PhraseSettings
from full_w2v.encoding.preparation import Preparation, prepare, timed
from full_w2v.errors import ConfigError, TrainingWarning, as_python, spelled
from full_w2v.formats import check_output, save_model
from full_w2v.model import Model
from full_w2v.training.report import Progress, TrainReport
from full_w2v.training.run import train_model
from full_w2v.vocabulary import Vocabulary


@dataclass(eq=False)
class TrainResult:
    """A trained model and what training it did.

    report: its settings hold those of the vocabulary too, min_count and max_final_vocab; its seconds are of
        the phases "vocabulary", "encode" and "train", and of "save" after a call of `save`.
    corpus_files: the files that were read; `save` does not overwrite them.
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
        with timed(self.report.seconds, "save"):
            save_model(self.model, path)


def train(
    corpus: Source,
    *,
    reading: ReadSettings | None = None,
    preparation: Preparation | None = None,
    backend: str | Backend = "auto",
    config: TrainConfig | None = None,
    on_phase: ReadingProgress | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_vocabulary: Callable[[Vocabulary], None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Trains word vectors on a corpus: counts it, encodes it, trains on it.

    corpus: what `full_w2v.corpus.open_corpus` takes: paths of text, JSON lines, Parquet or Arrow, plain or
        compressed, a dataset of Hugging Face, or any iterable of lists of words, read once.
    reading, preparation, config: ReadSettings, Preparation and TrainConfig.
    settings: theirs by name: lowercase=True, min_count=5, cache="folder", vector_size=100, epochs=5, ...
        phrases may be a number of passes.
    backend: "auto", "cpu", or another one that `full-w2v backends` shows.
    on_phase: called while the corpus is read: with "vocabulary", bytes done (of an iterable, items) and
        their total or None; then with "encode", words done and their total; with phrases, "pairs" and "join"
        for each pass and "encode" again.
    on_progress: called with a Progress about four times a second while the model trains.
    on_vocabulary: called with the Vocabulary as soon as it is known, before training; what it raises ends the
        call. `full_w2v.formats.check_words` can tell there whether a format can hold the words.

    With one thread, equal settings and sentences give equal vectors, bit by bit, in any process that uses
    the same instruction set: others round differently (report.backend names it, FULL_W2V_SIMD caps it).
    Warns (TrainingWarning) if nothing was trained, or if vectors have grown long without diverging.
    Raises ConfigError, CorpusError, BackendError (all FullW2VError) or OSError; bad settings and an unusable
    backend before anything is read, BackendError also for a training that diverged.
    """
    reading = replace(reading or ReadSettings(), **_taken(settings, ReadSettings))
    wanted = replace(preparation or Preparation(), **_with_phrases(_taken(settings, Preparation)))
    if config is not None and settings:
        raise ConfigError(f"give either config or settings by name, got both: {', '.join(sorted(settings))}")
    _check_names(settings)
    config = config or TrainConfig.from_dict(settings)
    engine = open_backend(backend, config) if isinstance(backend, str) else backend
    source = open_corpus(corpus, reading=reading)
    prepared = prepare(source, replace(wanted, threads=config.threads), on_phase, on_vocabulary)
    with prepared.encoded as encoded:
        model = Model.initialize(prepared.vocabulary, config)
        report = train_model(model, encoded, backend=engine, progress=on_progress)
    for message in report.warnings:
        warnings.warn(spelled(message, as_python), TrainingWarning, stacklevel=2)
    return TrainResult(
        model,
        replace(
            report, settings=wanted.settings() | report.settings, seconds=prepared.seconds | report.seconds
        ),
        tuple(source.files),
    )


def _with_phrases(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of Preparation, in which phrases may be a number of passes."""
    passes = settings.get("phrases")
    if isinstance(passes, int):
        settings["phrases"] = PhraseSettings(passes=passes) if passes else None
    return settings


def _check_names(settings: dict[str, Any]) -> None:
    """Raises ConfigError for a setting that no class of settings has, with the name that it has here."""
    kinds = (ReadSettings, Preparation, TrainConfig)
    known = sorted({name for kind in kinds for name in setting_names(kind)})
    for name in settings:
        if name in known:
            continue
        near = get_close_matches(name, known, cutoff=0.5)
        if name in ALIASES:
            hint = f"here it is {ALIASES[name]}"
        else:
            hint = f"did you mean {' or '.join(near)}" if near else f"known are {', '.join(known)}"
        raise ConfigError(f"unknown setting {name}; {hint}")


def _taken(settings: dict[str, Any], kind: type[ReadSettings] | type[Preparation]) -> dict[str, Any]:
    """Those of the settings that are of one kind, taken away from the others."""
    names = set(setting_names(kind)) - {"threads"}  # of TrainConfig, for all phases
    return {name: settings.pop(name) for name in list(settings) if name in names}
