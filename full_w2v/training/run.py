"""Training: one loop over epochs and spans of the encoded corpus, whatever the backend."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from full_w2v.backends import Backend, SpanStats, open_backend
from full_w2v.backends.schedule import learning_rate
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import CorpusError, DivergenceError, as_python, setting, spelled
from full_w2v.model import Model
from full_w2v.training.divergence import ADJUSTABLE, Watch

# A span is one call of the backend: long enough that its threads seldom wait for each other, short enough
# that progress is shown and Ctrl-C obeyed at once.
SPAN_SECONDS = 0.25
# The smallest one is still work for several threads: the CPU engine cuts it into 16 chunks.
FIRST_SPAN_TOKENS = 1 << 13
SMALLEST_SPAN_TOKENS = 1 << 12

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where training stands. Words are raw: tokens of the corpus before rare and frequent words are dropped.

    learning_rate: of the next span. loss: mean per pair in this epoch so far, None unless asked for.
    seconds: since training began.
    """

    epoch: int
    epochs: int
    words: int
    total_words: int
    learning_rate: float
    loss: float | None
    seconds: float


@dataclass(frozen=True)
class TrainReport:
    """What training did.

    raw_words: tokens read in all epochs, before rare and frequent words are dropped.
    trained_words: centre words trained. pairs: (context, output) pairs trained.
    seconds: duration of each phase. loss: mean loss per pair of each epoch; empty unless asked for.
    warnings: what the user should know, such as that nothing was trained; for `errors.spelled`.
    """

    settings: dict[str, Any]
    backend: str
    raw_words: int
    trained_words: int
    pairs: int
    seconds: dict[str, float]
    loss: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def words_per_second(self) -> float:
        """Raw words trained per second, without the time for vocabulary, encoding and saving."""
        return self.raw_words / self.seconds["train"] if self.seconds["train"] > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return {
            "settings": self.settings,
            "backend": self.backend,
            "raw_words": self.raw_words,
            "trained_words": self.trained_words,
            "pairs": self.pairs,
            "seconds": self.seconds,
            "words_per_second": self.words_per_second,
            "loss": self.loss,
            "warnings": [spelled(message, as_python) for message in self.warnings],
        }


class Training:
    """A model in training on an encoded corpus; a context manager that owns the backend.

        with Training(model, corpus) as training:
            for epoch in range(model.config.epochs):
                training.run_epoch(epoch)

    model: trained in place; its matrices are current after each epoch, after `sync` and when the context
        ends, however it does. Only of a training that diverged it keeps what the last sane epoch left.
    corpus: encoded with the model's vocabulary.
    progress: called about four times a second; an exception from it passes through.
    adjustable: settings that the caller can change, for advice when training diverges.

    Raises CorpusError for a corpus that is empty or encoded with a vocabulary of another size, BackendError
    if the backend cannot be used or fails, DivergenceError, which is one, if training diverges.
    """

    def __init__(
        self,
        model: Model,
        corpus: EncodedCorpus,
        *,
        backend: str | Backend = "auto",
        progress: Callable[[Progress], None] | None = None,
        adjustable: Collection[str] = ADJUSTABLE,
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
        self._watch = Watch(self._backend, model.config, len(model.input), corpus.tokens, adjustable)
        self._span_tokens = FIRST_SPAN_TOKENS
        self._epochs: list[SpanStats] = []
        self._began = time.perf_counter()

    def __enter__(self) -> "Training":
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

    def run_epoch(self, epoch: int) -> SpanStats:
        """Trains the whole corpus once, as epoch 0, 1, ... of the model's settings.

        Raises DivergenceError as soon as rows or the loss are absurd; the model is then as it was before.
        """
        self._epochs.append(SpanStats())
        self._watch.begin_epoch()
        begin = 0
        while begin < self._corpus.tokens:
            end = min(begin + self._span_tokens, self._corpus.tokens)
            self._train_span(begin, end, epoch)
            self._show_progress(epoch, end)
            self._corpus.release()
            begin = end
        self.sync()
        return self._epochs[-1]

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

    @property
    def stats(self) -> SpanStats:
        """What was trained so far, all epochs together."""
        return sum(self._epochs, SpanStats())

    def report(self) -> TrainReport:
        """What the epochs run so far did. Call it inside the context."""
        config = self._model.config
        total = self.stats
        return TrainReport(
            settings=config.to_dict(),
            backend=f"{self._backend.name} ({self._backend.description})",
            raw_words=self._corpus.raw_tokens * len(self._epochs),
            trained_words=total.words,
            pairs=total.pairs,
            seconds={"train": time.perf_counter() - self._began},
            loss=[_mean_loss(stats) for stats in self._epochs] if config.loss else [],
            warnings=[] if total.pairs else [nothing_trained(total.words, config.sample)],
        )

    def _train_span(self, begin: int, end: int, epoch: int) -> None:
        self._watch.before_span()
        before = time.perf_counter()
        stats = self._backend.train(self._corpus, begin, end, epoch)
        seconds = max(time.perf_counter() - before, 1e-6)
        self._epochs[-1] += stats
        self._watch.after_span(stats, end - begin)
        wanted = int((end - begin) * SPAN_SECONDS / seconds)
        self._span_tokens = max(SMALLEST_SPAN_TOKENS, min(wanted, 4 * self._span_tokens))

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
                seconds=time.perf_counter() - self._began,
            )
        )


def train_model(
    model: Model,
    corpus: EncodedCorpus,
    *,
    backend: str | Backend = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> TrainReport:
    """Trains a model in place for all its epochs; parameters and errors as for `Training`.

    After a KeyboardInterrupt the model holds the matrices as they were at that moment.
    """
    with Training(model, corpus, backend=backend, progress=progress) as training:
        for epoch in range(model.config.epochs):
            training.run_epoch(epoch)
        return training.report()


def nothing_trained(words: int, sample: float) -> str:
    """What to tell whoever trained without a single pair, with settings for `errors.spelled`.

    words: that survived subsampling in all epochs. sample: the threshold of subsampling.
    """
    remedies = ["put the words of a sentence, basket or walk on one line"]
    if sample > 0:
        remedies.append(
            f"raise {setting('sample')}, which was {sample:g} and drops frequent words (0 keeps them all)"
        )
    remedies.append(f"lower {setting('min_count')}")
    left = f"of {words} words left by {setting('min_count')} and {setting('sample')}"
    return (
        f"nothing was trained: {left} none had another one in its sentence, and the vectors are random; "
        f"{', or '.join(remedies)}"
    )


def _mean_loss(stats: SpanStats) -> float:
    return stats.loss / stats.pairs if stats.pairs else 0.0
