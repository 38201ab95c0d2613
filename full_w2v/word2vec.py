"""The drop-in: gensim's Word2Vec class, trained by our backends."""

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
from gensim.models import Word2Vec as GensimWord2Vec

from full_w2v.backends import SpanStats
from full_w2v.config import TrainConfig
from full_w2v.corpus import open_corpus
from full_w2v.encoded import encode_with
from full_w2v.model import Model
from full_w2v.trainer import Training
from full_w2v.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class Word2Vec(GensimWord2Vec):  # type: ignore[misc]
    """gensim's Word2Vec with our training; constructor, attributes and methods are gensim's.

    Skip-gram with negative sampling (sg=1, hs=0, negative > 0) trains in our backend: the corpus is encoded
    once, in one pass, and every epoch reads the encoded corpus. What we do not train yet (CBOW, hierarchical
    softmax, locked vectors) trains in gensim's own code, and a log line says so. `wv` is gensim's
    KeyedVectors.

    Differences from gensim: sentences of any length train whole; `compute_loss` sums the exact loss in
    float64; with workers=1 equal seeds give equal vectors in any process.
    """

    def train(
        self,
        corpus_iterable: Iterable[list[str]] | None = None,
        corpus_file: str | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        **kwargs: Any,
    ) -> tuple[int, int]:
        """Trains on the corpus; parameters as gensim's. queue_factor and report_delay are not needed.

        Returns: words trained, and words read, in all epochs.
        """
        reason = self._why_not_native()
        if reason:
            logger.warning("full_w2v does not train %s yet: gensim's own code does", reason)
            trained: tuple[int, int] = super().train(
                corpus_iterable=corpus_iterable,
                corpus_file=corpus_file,
                total_examples=total_examples,
                total_words=total_words,
                epochs=epochs,
                start_alpha=start_alpha,
                end_alpha=end_alpha,
                word_count=word_count,
                queue_factor=queue_factor,
                report_delay=report_delay,
                compute_loss=compute_loss,
                callbacks=callbacks,
                **kwargs,
            )
            return trained
        # As gensim does: the rates given here stay with the model.
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self.epochs = epochs
        self.compute_loss = compute_loss
        self.running_training_loss = 0.0
        self._check_training_sanity(epochs=epochs, total_examples=total_examples, total_words=total_words)
        self._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=1)
        self.add_lifecycle_event("train", msg="training with full_w2v")
        return self._train_natively(corpus_file or corpus_iterable, list(callbacks))

    def _why_not_native(self) -> str | None:
        if not self.sg:
            return "CBOW (sg=0)"
        if self.hs or self.negative <= 0:
            return "hierarchical softmax (hs=1)"
        if not np.all(self.wv.vectors_lockf == 1.0):
            return "locked vectors (vectors_lockf)"
        return None

    def _train_natively(self, source: Any, callbacks: list[Any]) -> tuple[int, int]:
        counts = np.asarray(self.wv.expandos["count"], np.int64)
        vocabulary = Vocabulary(self.wv.index_to_key, counts, max(self.corpus_total_words, int(counts.sum())))
        model = Model(vocabulary, self._train_config(), self.wv.vectors, self.syn1neg)
        stats = SpanStats()
        _notify(callbacks, "on_train_begin", self)
        with encode_with(open_corpus(source), vocabulary) as corpus:
            raw_words = corpus.raw_tokens * self.epochs
            with Training(model, corpus) as training:
                for epoch in range(self.epochs):
                    _notify(callbacks, "on_epoch_begin", self)
                    stats += training.run_epoch(epoch)
                    training.sync()
                    self.running_training_loss = stats.loss
                    _notify(callbacks, "on_epoch_end", self)
        self.train_count += 1
        self._clear_post_train()
        _notify(callbacks, "on_train_end", self)
        return stats.words, raw_words

    def _train_config(self) -> TrainConfig:
        return TrainConfig(
            vector_size=self.vector_size,
            window=self.window,
            shrink_windows=bool(self.shrink_windows),
            negative=self.negative,
            ns_exponent=float(self.ns_exponent),
            sample=float(self.sample),
            alpha=float(self.alpha),
            min_alpha=float(self.min_alpha),
            epochs=self.epochs,
            seed=self.seed % 2**64,
            loss=bool(self.compute_loss),
            threads=self.workers,
        )


def _notify(callbacks: list[Any], hook: str, model: Word2Vec) -> None:
    for callback in callbacks:
        getattr(callback, hook)(model)
