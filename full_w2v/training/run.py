"""A run: a model in training on an encoded corpus, as a state that moves on span by span.

There is one loop over epochs and spans, `Run.complete`, for the command line, the Python API and the drop-in.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from full_w2v.backends import Backend, SpanStats, open_backend
from full_w2v.backends.schedule import learning_rate
from full_w2v.config import Kind, TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError, ConfigError, CorpusError, DivergenceError, setting
from full_w2v.model import Model
from full_w2v.training.divergence import ADJUSTABLE, DivergenceWatch
from full_w2v.training.report import Progress, TrainReport, nothing_trained

# A span is one call of the backend: long enough that its threads seldom wait for each other, short enough
# that progress is shown and Ctrl-C obeyed at once.
SPAN_SECONDS = 0.25
# The smallest one is still work for several threads: the CPU engine cuts it into 16 chunks.
FIRST_SPAN_TOKENS = 1 << 13
SMALLEST_SPAN_TOKENS = 1 << 12

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunState:
    """The position of a run; together with the model's matrices, all that is needed to continue it.

    epoch: the one in progress, from 0; position: the token of the corpus that it continues at.
    seconds: trained so far. stats: of each epoch begun, words, pairs and loss.
    corpus: key of the encoded corpus. settings: of the model and its optimization.
    """

    epoch: int
    position: int
    seconds: float
    stats: tuple[SpanStats, ...]
    corpus: str
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The state as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunState":
        """A state from `to_dict`."""
        stats = tuple(SpanStats(**one) for one in values["stats"])
        return cls(**{**values, "stats": stats})


class Run:
    """A model in training; a context manager that owns the backend.

        with Run(model, corpus) as run:
            run.complete()

    model: trained in place; its matrices are current after each epoch, after `sync` and when the context
        ends, however it does. Only of a training that diverged it keeps what the last sane epoch left.
    corpus: encoded with the model's vocabulary.
    progress: called about four times a second; an exception from it passes through.
    adjustable: settings that the caller can change, for advice when training diverges.
    state: continues a run where `state()` of it was taken; the model holds the matrices of that moment. With
        one thread the result equals, bit for bit, that of a run without a break.

    Raises CorpusError for a corpus that is empty, encoded with a vocabulary of another size or not that of
    the state; ConfigError for settings that are not those of the state; BackendError if the backend cannot be
    used or fails; DivergenceError, which is one, if training diverges.
    """

    def __init__(
        self,
        model: Model,
        corpus: EncodedCorpus,
        *,
        backend: str | Backend = "auto",
        progress: Callable[[Progress], None] | None = None,
        adjustable: Collection[str] = ADJUSTABLE,
        state: RunState | None = None,
    ) -> None:
        if corpus.tokens == 0:
            raise CorpusError("the corpus has no tokens to train on: no word of it is in the vocabulary")
        if corpus.words not in (-1, len(model.vocabulary)):
            raise CorpusError(
                f"the corpus was encoded with {corpus.words} words, but the model's vocabulary has "
                f"{len(model.vocabulary)}; encode it with the model's vocabulary"
            )
        self._model = model
        self._corpus = corpus
        self._backend = open_backend(backend, model.config) if isinstance(backend, str) else backend
        self._progress = progress
        self._watch = DivergenceWatch(
            self._backend, model.config, len(model.input), corpus.tokens, adjustable
        )
        self._span_tokens = FIRST_SPAN_TOKENS
        self._epoch, self._position = 0, 0
        self._epochs: list[SpanStats] = []
        self._seconds_before = 0.0
        if state is not None:
            self._restore(state)
        self._began = time.perf_counter()

    def __enter__(self) -> "Run":
        try:
            self._backend.load(self._model)
        except BaseException:
            self._backend.close()  # __exit__ is not called when this fails
            raise
        self._began = time.perf_counter()
        logger.info("training on %s (%s)", self._backend.name, self._backend.description)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, DivergenceError):
                self.sync()
        except Exception as reason:
            if error is None:
                raise
            # What ended training says more than that the backend could not be read after it.
            logger.warning("the model keeps its last vectors: %s", reason)
        finally:
            self._backend.close()

    @property
    def done(self) -> bool:
        """Whether all epochs are trained."""
        return self._epoch >= self._model.config.epochs

    @property
    def epoch(self) -> int:
        """The epoch in progress, from 0; the number of epochs when all are trained."""
        return self._epoch

    @property
    def position(self) -> int:
        """The token of the corpus at which the next step begins; 0 between two epochs."""
        return self._position

    @property
    def stats(self) -> SpanStats:
        """What was trained so far, all epochs together."""
        return sum(self._epochs, SpanStats())

    def step(self) -> SpanStats:
        """Trains the next span, and ends the epoch with the last one: then the model is current.

        Raises DivergenceError as soon as rows or the loss are absurd; the model then holds what the last sane
        epoch left. Raises RuntimeError if the run is done.
        """
        if self.done:
            raise RuntimeError(f"all {self._epoch} epochs are trained")
        epoch, begin = self._epoch, self._position
        if begin == 0:
            self._epochs.append(SpanStats())
            self._watch.begin_epoch()
        end = min(begin + self._span_tokens, self._corpus.tokens)
        stats = self._train_span(begin, end)
        ended = end == self._corpus.tokens
        # Before anything that may raise: what was trained is not trained again.
        self._epoch, self._position = (epoch + 1, 0) if ended else (epoch, end)
        self._show_progress(epoch, end)
        self._corpus.release()
        if ended:
            self._check_words()
            self.sync()
        return stats

    def run_epoch(self) -> SpanStats:
        """Steps to the end of the epoch in progress; returns what it trained in all."""
        epoch = self._epoch
        while self._epoch == epoch:
            self.step()
        return self._epochs[-1]

    def complete(
        self,
        before: Callable[[int], None] | None = None,
        after: Callable[[int, SpanStats], None] | None = None,
    ) -> None:
        """Trains all epochs that are left.

        before, after: called with the epoch, and what it trained, around each; between two of them `reload`
            may replace the matrices.
        """
        while not self.done:
            epoch = self._epoch
            if before is not None and self._position == 0:
                before(epoch)
            stats = self.run_epoch()
            if after is not None:
                after(epoch, stats)

    def reload(self, model: Model) -> None:
        """Goes on with other matrices of the same settings and vocabulary, between two epochs."""
        self._backend.close()
        self._backend.load(model)
        self._model = model

    def sync(self) -> None:
        """Copies the matrices as they now are into the model.

        Raises DivergenceError if they are absurd; the model keeps what it holds then.
        """
        self._watch.check_all()
        self._backend.read(self._model)

    def state(self) -> RunState:
        """The state of the run; call `sync` first, so that the model matches it."""
        return RunState(
            epoch=self._epoch,
            position=self._position,
            seconds=self.seconds,
            stats=tuple(self._epochs),
            corpus=self._corpus.key,
            settings=_lasting(self._model.config),
        )

    @property
    def seconds(self) -> float:
        """Trained so far, before the state that it continues from too."""
        return self._seconds_before + time.perf_counter() - self._began

    def report(self) -> TrainReport:
        """What the epochs trained so far did. Call it inside the context."""
        config = self._model.config
        total = self.stats
        return TrainReport(
            settings=config.to_dict(),
            backend=f"{self._backend.name} ({self._backend.description})",
            raw_words=self._corpus.raw_tokens * len(self._epochs),
            trained_words=total.words,
            pairs=total.pairs,
            seconds={"train": self.seconds},
            loss=[_mean_loss(stats) for stats in self._epochs] if config.loss else [],
            warnings=self.warnings(),
        )

    def warnings(self) -> list[str]:
        """What the user should know of the training so far, for `errors.spelled`."""
        total = self.stats
        if not total.pairs:
            return [nothing_trained(total.words, self._model.config.sample)]
        return self._watch.warnings()

    def _restore(self, state: RunState) -> None:
        if state.corpus != self._corpus.key:
            raise CorpusError("the corpus is not the one that this run was trained on; use the same files")
        begun_with = _lasting(TrainConfig()) | state.settings
        for name, value in _lasting(self._model.config).items():
            if begun_with[name] != value:
                raise ConfigError(
                    f"{setting(name)} must be {begun_with[name]!r} as when this run began, got {value!r}"
                )
        begun = state.epoch + (state.position > 0)
        within = 0 <= state.position < self._corpus.tokens and 0 <= begun <= self._model.config.epochs
        if not within or len(state.stats) != begun:
            raise ConfigError(
                f"expected a state within {self._model.config.epochs} epochs of {self._corpus.tokens} tokens,"
                f" got epoch {state.epoch}, token {state.position} with {len(state.stats)} epochs begun"
            )
        self._epoch, self._position = state.epoch, state.position
        self._epochs = list(state.stats)
        self._seconds_before = state.seconds

    def _train_span(self, begin: int, end: int) -> SpanStats:
        self._watch.before_span()
        before = time.perf_counter()
        stats = self._backend.train(self._corpus, begin, end, self._epoch)
        seconds = max(time.perf_counter() - before, 1e-6)
        self._epochs[-1] += stats
        self._watch.after_span(stats, end - begin)
        wanted = int((end - begin) * SPAN_SECONDS / seconds)
        self._span_tokens = max(SMALLEST_SPAN_TOKENS, min(wanted, 4 * self._span_tokens))
        return stats

    def _check_words(self) -> None:
        """Raises BackendError if the backend has left words out of an epoch in which none may be dropped."""
        words, tokens = self._epochs[-1].words, self._corpus.tokens
        if self._model.config.sample == 0 and words != tokens:
            raise BackendError(
                f"the {self._backend.name} backend ({self._backend.description}) trained {words} words of an "
                f"epoch of {tokens} without reporting an error; use another backend, and report this"
            )

    def _show_progress(self, epoch: int, token: int) -> None:
        if self._progress is None:
            return
        config = self._model.config
        passed = epoch * self._corpus.tokens + token
        self._progress(
            Progress(
                epoch=epoch,
                epochs=config.epochs,
                words=passed * self._corpus.raw_tokens // self._corpus.tokens,
                total_words=self._corpus.raw_tokens * config.epochs,
                learning_rate=float(learning_rate(config, self._corpus.tokens, epoch, token)),
                loss=_mean_loss(self._epochs[-1]) if config.loss else None,
                seconds=self.seconds,
            )
        )


def train_model(
    model: Model,
    corpus: EncodedCorpus,
    *,
    backend: str | Backend = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> TrainReport:
    """Trains a model in place for all its epochs; parameters and errors as for `Run`.

    After a KeyboardInterrupt the model holds the matrices as they were at that moment.
    """
    with Run(model, corpus, backend=backend, progress=progress) as run:
        run.complete()
        return run.report()


def _lasting(config: TrainConfig) -> dict[str, Any]:
    """The settings that a run must keep when it continues."""
    return config.of_kind(Kind.MODEL) | config.of_kind(Kind.OPTIMIZATION)


def _mean_loss(stats: SpanStats) -> float:
    return stats.loss / stats.pairs if stats.pairs else 0.0
