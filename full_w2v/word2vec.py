"""The drop-in: gensim's Word2Vec class, trained by our backends."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np
from gensim.models import Word2Vec as GensimWord2Vec

from full_w2v.backends import SpanStats
from full_w2v.config import TrainConfig
from full_w2v.corpus import Corpus, TokenLists, open_corpus
from full_w2v.encoded import encode_with
from full_w2v.errors import shown
from full_w2v.model import Model
from full_w2v.trainer import Training
from full_w2v.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class Word2Vec(GensimWord2Vec):  # type: ignore[misc]
    """gensim's Word2Vec with our training; constructor, attributes and methods are gensim's.

    Skip-gram with negative sampling (sg=1, hs=0, negative > 0) trains in our backend: the corpus is encoded
    once, in one pass, and every epoch reads the encoded corpus. What we do not train yet (CBOW, hierarchical
    softmax, locked vectors, words that are not str) trains in gensim's own code, and one log line says so.
    `wv` is gensim's KeyedVectors.

    Where our training differs from gensim's:
    - Sentences of any length train whole; gensim cuts those of corpus_iterable after 10,000 words.
    - Equal seeds give equal vectors in any process with workers=1. They are not gensim's vectors.
    - The loss is summed exactly, in float64, over all epochs of a call; gensim's float32 sum stops growing.
    - The learning rate falls with the words that the corpus really holds; total_examples and total_words must
      be given, as gensim demands, but need not be right.
    - `train` reads corpus_iterable once, so it may be a generator.
    - A corpus without any word of the vocabulary raises CorpusError, a setting out of range ConfigError, a
      string in place of a token list TypeError, a training that diverges BackendError.
    - Callbacks see the vectors as they are, but what they change takes effect in the next call of `train`.
    - After build_vocab(update=True), frequent words are subsampled by their counts in all corpora so far.
    - queue_factor, report_delay, batch_words, word_count and hashfxn have no effect.
    - `load` makes a Word2Vec of this class from models that gensim's class has saved, too.
    """

    alpha: float
    min_alpha: float
    epochs: int

    def train(
        self,
        corpus_iterable: Iterable[Iterable[str]] | None = None,
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
        """Trains on the corpus; parameters and errors as gensim's but for what the class describes.

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
        if kwargs:
            raise TypeError(f"train() got an unexpected keyword argument {next(iter(kwargs))!r}")
        # As gensim does: the rates given here stay with the model.
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self._check_training_sanity(epochs=epochs, total_examples=total_examples, total_words=total_words)
        self._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=1)
        assert epochs is not None  # or the first check had raised
        self.epochs = epochs
        self.compute_loss = compute_loss
        self.running_training_loss = 0.0
        corpus = (
            TokenLists(corpus_iterable)
            if corpus_iterable is not None
            else open_corpus(str(corpus_file), format="text")
        )
        return self._train_natively(corpus, list(callbacks))

    @classmethod
    def load(cls, *args: Any, rethrow: bool = False, **kwargs: Any) -> Any:
        """Loads a model that `save` wrote, this class's or gensim's; parameters as gensim's.

        A model is a pickle: load one only if you trust where it comes from.
        """
        model = super().load(*args, rethrow=rethrow, **kwargs)
        if type(model) is GensimWord2Vec:
            model.__class__ = cls
        return model

    def _why_not_native(self) -> str | None:
        if not self.sg:
            return "CBOW (sg=0)"
        if self.hs:
            return "hierarchical softmax (hs=1)"
        if not np.all(self.wv.vectors_lockf == 1.0):
            return "locked vectors (vectors_lockf)"
        if not all(isinstance(word, str) for word in self.wv.index_to_key):
            return "words that are not str"
        return None

    def _check_corpus_sanity(
        self,
        corpus_iterable: Iterable[Iterable[str]] | None = None,
        corpus_file: str | None = None,
        passes: int = 1,
    ) -> None:
        """Makes gensim's checks, and finds two mistakes that gensim trains on in silence."""
        super()._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=passes)
        if isinstance(corpus_iterable, Iterator) and passes > 1:
            raise TypeError(
                f"expected sentences that can be read {passes} times, such as a list, got a "
                f"{type(corpus_iterable).__name__}, which is empty after the first"
            )
        text = corpus_iterable
        if isinstance(text, Sequence) and not isinstance(text, (str, bytes)) and text:
            text = text[0]
        if isinstance(text, (str, bytes)):
            raise TypeError(
                f"expected sentences that are lists of tokens, got the plain string {shown(text)}; "
                "pass sentence.split() for words, list(sentence) for characters"
            )

    def _train_natively(self, source: Corpus, callbacks: list[Any]) -> tuple[int, int]:
        vocabulary = Vocabulary(self.wv.index_to_key, np.asarray(self.wv.expandos["count"], np.int64))
        model = Model(vocabulary, self._train_config(vocabulary.tokens), self.wv.vectors, self.syn1neg)
        self.add_lifecycle_event("train", msg=f"training {len(vocabulary)} words with full_w2v")
        began = time.perf_counter()
        _notify(callbacks, "on_train_begin", self)
        stats = SpanStats()
        with encode_with(source, vocabulary, threads=model.config.threads) as corpus:
            raw_words = corpus.raw_tokens * self.epochs
            with Training(model, corpus) as training:
                for epoch in range(self.epochs):
                    _notify(callbacks, "on_epoch_begin", self)
                    stats += self._train_epoch_natively(training, epoch, corpus.raw_tokens)
                    self.running_training_loss = stats.loss
                    _notify(callbacks, "on_epoch_end", self)
        self._log_train_end(raw_words, stats.words, time.perf_counter() - began, 0)
        self.train_count += 1
        _notify(callbacks, "on_train_end", self)
        return stats.words, raw_words

    def _train_epoch_natively(self, training: Training, epoch: int, raw_words: int) -> SpanStats:
        """Trains one epoch, after which the model's own vectors are current."""
        began = time.perf_counter()
        stats = training.run_epoch(epoch)
        self._clear_post_train()  # or most_similar in a callback would use norms of older vectors
        self._get_next_alpha(1.0, epoch)  # which keeps the lowest rate reached, for gensim's warning
        seconds = time.perf_counter() - began
        self._log_epoch_end(epoch, 0, 0, raw_words, raw_words, stats.words, seconds, True)
        return stats

    def _train_config(self, tokens: int) -> TrainConfig:
        """The model's settings as ours. tokens: of the vocabulary, in all corpora."""
        return TrainConfig(
            vector_size=self.vector_size,
            window=self.window,
            shrink_windows=bool(self.shrink_windows),
            negative=self.negative,
            ns_exponent=float(self.ns_exponent),
            sample=_sample_share(float(self.sample or 0), tokens),
            # gensim's rate is never below min_alpha, not even where it starts there.
            alpha=max(float(self.alpha), float(self.min_alpha)),
            min_alpha=float(self.min_alpha),
            epochs=int(self.epochs),
            # A key of its own for each call: calls of one epoch each must not all draw the same negatives.
            seed=int(self.random.randint(0, 2**63, dtype=np.int64)),
            loss=bool(self.compute_loss),
            threads=self.workers,
        )


def _sample_share(sample: float, tokens: int) -> float:
    """The `sample` of gensim as a share of all tokens; from 1 upwards it is a count, gensim's way."""
    if sample < 1:
        return sample
    return min(1.0, int(sample * (3 + sqrt(5)) / 2) / tokens)


def _notify(callbacks: list[Any], hook: str, model: Word2Vec) -> None:
    for callback in callbacks:
        getattr(callback, hook)(model)
