"""One call of `Word2Vec.train`: its epochs, learning rates, hooks and log lines."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import sqrt
from queue import Queue
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from full_w2v.backends import SpanStats
from full_w2v.config import TrainConfig
from full_w2v.drop_in.callbacks import StopTraining
from full_w2v.drop_in.model_rows import ModelRows, counted_words, trained_state
from full_w2v.drop_in.sentences import CountedSentences
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import as_python, spelled
from full_w2v.model import Model
from full_w2v.training.report import Progress, nothing_trained
from full_w2v.training.run import Run
from full_w2v.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

FIRST_REPORT_SECONDS = 1.0
ADJUSTABLE = ("alpha", "window", "cbow_mean")  # of a Word2Vec, if training diverges


class TrainCall:
    """Trains a Word2Vec in place and tells its callbacks and the log.

    report_delay: seconds between two lines of progress in the log.
    """

    def __init__(self, model: Word2Vec, callbacks: Sequence[Any], report_delay: float) -> None:
        self._model = model
        self._callbacks = callbacks
        self._report_delay = report_delay
        self._began = time.perf_counter()
        self._stats = SpanStats()  # of trainings that are over
        self._raw_words = 0
        self._epoch = 0
        self._epoch_began = self._began
        self._next_report = FIRST_REPORT_SECONDS
        self._words_before = 0  # trained before this epoch
        self._between_epochs = True
        self._warnings: list[str] = []  # of the last training

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Ends with the block when a hook raises StopTraining."""
        try:
            yield
        except StopTraining as stop:
            logger.info("a callback stopped training in epoch %i: %s", self._epoch, stop)

    def notify(self, hook: str) -> None:
        """Calls one of gensim's hooks of every callback."""
        for callback in self._callbacks:
            getattr(callback, hook)(self._model)

    def train(self, sentences: CountedSentences, share: float) -> None:
        """Trains all epochs.

        share: what the sentences are of those that the learning rate is to fall over in an epoch.
        """
        model = self._model
        vocabulary = counted_words(model)
        encoded = sentences.encode(vocabulary)
        if encoded is None:
            logger.warning("the corpus of %i words holds no word of the vocabulary", sentences.tokens)
            self._raw_words = sentences.tokens * model.epochs
            return
        with encoded as corpus:
            for config, epochs in self._plans(vocabulary, share):
                self._train_epochs(corpus, trained_state(model, vocabulary, config), epochs, share)

    def end(self) -> tuple[int, int]:
        """Logs the end and tells the callbacks; returns words trained, and words read."""
        model = self._model
        seconds = max(time.perf_counter() - self._began, 1e-6)
        model._log_train_end(self._raw_words, self._stats.words, seconds, 0)
        warnings = self._warnings
        if self._raw_words and not self._stats.pairs:
            warnings = [nothing_trained(self._stats.words, float(model.sample or 0))]
        for message in warnings:
            logger.warning("%s", spelled(message, as_python))
        model.train_count += 1
        model._clear_post_train()
        with self.stoppable():
            self.notify("on_train_end")
        return self._stats.words, self._raw_words

    def _plans(self, vocabulary: Vocabulary, share: float) -> Iterator[tuple[TrainConfig, range]]:
        """Settings and the epochs that they hold for: all, or each one alone where the rate jumps between."""
        alpha, least, epochs = float(self._model.alpha), float(self._model.min_alpha), self._model.epochs
        alpha = max(alpha, least)  # gensim's rate is never below min_alpha, not even where it starts there
        if share == 1.0:
            yield self._config(vocabulary, alpha, least, epochs), range(epochs)
            return
        for epoch in range(epochs):
            fall = (alpha - least) / epochs
            start = alpha - fall * epoch
            end = max(least, start - fall * share)
            yield self._config(vocabulary, start, min(start, end), 1), range(epoch, epoch + 1)

    def _config(self, vocabulary: Vocabulary, alpha: float, min_alpha: float, epochs: int) -> TrainConfig:
        model = self._model
        return TrainConfig(
            architecture="skip-gram" if model.sg else "cbow",
            cbow_mean=bool(model.cbow_mean),
            vector_size=model.vector_size,
            window=model.window,
            shrink_windows=bool(model.shrink_windows),
            negative=model.negative,
            hierarchical_softmax=bool(model.hs),
            ns_exponent=float(model.ns_exponent),
            sample=_sample_share(float(model.sample or 0), vocabulary.tokens),
            alpha=alpha,
            min_alpha=min_alpha,
            epochs=epochs,
            # A key of its own for each: calls of one epoch each must not all draw the same negatives.
            seed=_draw_seed(model.random),
            loss=bool(model.compute_loss),
            threads=model.workers,
        )

    def _train_epochs(self, corpus: EncodedCorpus, state: Model, epochs: range, share: float) -> None:
        model = self._model
        backend = "auto" if state.locks is None else "cpu"  # no other one locks rows
        with Run(state, corpus, backend=backend, progress=self._on_progress, adjustable=ADJUSTABLE) as run:
            model._run = run
            self._rows = ModelRows(model, state)
            try:
                run.complete(
                    before=lambda epoch: self._begin_epoch(run, epochs[epoch]),
                    after=lambda epoch, stats: self._end_epoch(
                        stats, corpus.raw_tokens, epochs[epoch], share
                    ),
                )
                self._rows.adopt(run)
            except StopTraining:
                if self._between_epochs:
                    # Or the end of training would overwrite what the hook has changed.
                    self._rows.adopt(run)
                raise
            finally:
                model._run = None
                self._stats += run.stats
                self._warnings = run.warnings()

    def _begin_epoch(self, run: Run, epoch: int) -> None:
        self.notify("on_epoch_begin")
        self._rows.adopt(run)
        self._between_epochs = False
        self._epoch, self._epoch_began = epoch, time.perf_counter()
        self._next_report = FIRST_REPORT_SECONDS
        self._words_before = (self._stats + run.stats).words

    def _end_epoch(self, stats: SpanStats, raw_words: int, epoch: int, share: float) -> None:
        """Tells what an epoch did; the model's own vectors are current.

        stats: of the epoch. raw_words: of the corpus.
        """
        model = self._model
        self._rows.note(bool(self._callbacks))
        self._between_epochs = True
        seconds = max(time.perf_counter() - self._epoch_began, 1e-6)
        model.total_train_time += seconds
        self._raw_words = raw_words * (epoch + 1)
        model._clear_post_train()  # or most_similar in a callback would use norms of older vectors
        model._get_next_alpha(min(share, 1.0), epoch)  # which keeps the lowest rate, for gensim's warning
        model.running_training_loss = (self._stats + model._run.stats).loss
        model._log_epoch_end(epoch, 0, 0, raw_words, raw_words, stats.words, seconds, True)
        self.notify("on_epoch_end")

    def _on_progress(self, progress: Progress) -> None:
        """Tells those callbacks that have a hook for it, and now and then the log."""
        model = self._model
        stats = self._stats + model._run.stats
        raw_words = progress.total_words // progress.epochs
        here = progress.words - progress.epoch * raw_words
        self._raw_words = self._epoch * raw_words + here
        model.running_training_loss = stats.loss
        model.min_alpha_yet_reached = progress.learning_rate
        self._report(here, raw_words, stats.words - self._words_before)
        overall = replace(
            progress,
            epoch=self._epoch,
            epochs=model.epochs,
            words=self._raw_words,
            total_words=raw_words * model.epochs,
            seconds=time.perf_counter() - self._began,
        )
        for callback in self._callbacks:
            if hasattr(callback, "on_batch_end"):
                callback.on_batch_end(model, overall)
                self._rows.check_untouched("on_batch_end")

    def _report(self, words: int, total_words: int, trained_words: int) -> None:
        elapsed = time.perf_counter() - self._epoch_began
        if elapsed >= self._next_report:
            nothing: Queue[Any] = Queue()
            self._model._log_progress(
                None, nothing, self._epoch, 0, 0, words, total_words, trained_words, elapsed
            )
            self._next_report = elapsed + self._report_delay


def _draw_seed(random: Any) -> int:
    """A seed from gensim's generator, which for models of older versions is one of NumPy's newer class."""
    draw = random.integers if isinstance(random, np.random.Generator) else random.randint
    return int(draw(0, 2**63, dtype=np.int64))


def _sample_share(sample: float, tokens: int) -> float:
    """The `sample` of gensim as a share of all tokens; from 1 upwards it is a count, gensim's way."""
    if sample < 1:
        return sample
    return min(1.0, int(sample * (3 + sqrt(5)) / 2) / tokens)
