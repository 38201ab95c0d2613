"""The drop-in: gensim's Word2Vec class, trained by our backends."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import wraps
from inspect import signature
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
from gensim.models import KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.models.word2vec import logger as gensim_logger
from gensim.utils import PICKLE_PROTOCOL

from full_w2v.checks import checked_integer
from full_w2v.config import MAX_THREADS, MAX_VECTOR_SIZE, MAX_WINDOW
from full_w2v.drop_in.callbacks import checked_callbacks
from full_w2v.drop_in.gensim_names import gensim_messages
from full_w2v.drop_in.sentences import CountedSentences, count_sentences
from full_w2v.drop_in.train_call import TrainCall
from full_w2v.errors import ConfigError, CorpusError, shown
from full_w2v.output.atomic_write import atomic_files
from full_w2v.training.run import Run

_SIGNATURE = signature(GensimWord2Vec.__init__)
# Of this process alone: neither saved nor copied.
_TRANSIENT = ("_scan", "_keep_scan", "_run", "_trained_by", "_corpus_files")


class _Scan(NamedTuple):
    """A corpus that `build_vocab` has read, for the `train` that follows it in the constructor."""

    source: object
    sentences: CountedSentences


class Word2Vec(GensimWord2Vec):  # type: ignore[misc]
    """gensim's Word2Vec with our training; constructor, attributes and methods are gensim's.

    Skip-gram and CBOW, with negative sampling, hierarchical softmax or both, train in our backend: the corpus
    is encoded once, in one pass on native threads, and every epoch reads the encoded corpus. `wv` is gensim's
    KeyedVectors.

    README.md names every difference; those of training are:
    - Sentences of any length train whole; gensim cuts those of corpus_iterable after 10,000 words.
    - Equal seeds give equal vectors in any process with workers=1. They are not gensim's vectors.
    - The loss is summed exactly, in float64, over all epochs of a call; gensim's float32 sum stops growing.
    - `train` reads corpus_iterable once, so it may be a generator, and all epochs see the same sentences. The
      constructor reads its corpus once too.
    - An empty one-shot iterator, such as a generator that was read before, raises CorpusError, a setting out
      of range ConfigError, a string instead of sentences TypeError, a training that diverges DivergenceError.
    - Callbacks see the vectors as they are. Training goes on with what on_epoch_begin and on_epoch_end change
      or replace; if they change the vocabulary, that is an error. `full_w2v.drop_in.callbacks` has more
      hooks, checkpoints and a way to stop.
    - After build_vocab(update=True), frequent words are subsampled by their counts in all corpora so far.
    - queue_factor, batch_words, word_count and hashfxn have no effect.
    - `save` replaces a file only when the new one is complete, and refuses the file of the corpus.
    - `load` makes a Word2Vec of this class from models that gensim's class has saved, too.
    """

    alpha: float
    min_alpha: float
    epochs: int

    _scan: _Scan | None = None
    _keep_scan = False
    _run: Run | None = None
    _trained_by: int | None = None  # thread of a call of `train`, from its first callback to its last
    _corpus_files: frozenset[str] = frozenset()

    @wraps(GensimWord2Vec.__init__)  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with gensim_messages():
            _check_arguments(args, kwargs)
            self._keep_scan = True
            try:
                super().__init__(*args, **kwargs)
            finally:
                self._keep_scan = False
                self._scan = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _TRANSIENT}

    def scan_vocab(
        self,
        corpus_iterable: Iterable[Iterable[Any]] | None = None,
        corpus_file: str | None = None,
        progress_per: int = 10000,
        workers: int | None = None,
        trim_rule: Any = None,
    ) -> tuple[int, int]:
        """Counts the words of a corpus into raw_vocab, on native threads.

        With max_vocab_size gensim's own code counts: it prunes rare words while it reads.
        Returns: raw words, and sentences. Raises CorpusError if the corpus cannot be read.
        """
        if self.max_vocab_size:
            counted: tuple[int, int] = super().scan_vocab(
                corpus_iterable, corpus_file, progress_per, workers, trim_rule
            )
            return counted
        gensim_logger.info("collecting all words and their counts")
        with gensim_messages():
            sentences = self._count(corpus_iterable, corpus_file, progress_per)
        self.raw_vocab = sentences.frequencies()
        gensim_logger.info(
            "collected %i word types from a corpus of %i raw words and %i sentences",
            len(self.raw_vocab),
            sentences.tokens,
            sentences.examples,
        )
        if self._keep_scan:
            self._scan = _Scan(corpus_file if corpus_iterable is None else corpus_iterable, sentences)
        return sentences.tokens, sentences.examples

    @wraps(GensimWord2Vec.prepare_vocab)
    def prepare_vocab(self, *args: Any, **kwargs: Any) -> dict[str, int]:
        """Chooses the words of the vocabulary from raw_vocab; parameters and result as gensim's."""
        with _quick_attributes(self.wv):
            report: dict[str, int] = super().prepare_vocab(*args, **kwargs)
        return report

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Makes gensim's table of the noise distribution, which our backends do not use, in one go."""
        counts = np.asarray(self.wv.expandos.get("count", ()), np.float64)[: len(self.wv.index_to_key)]
        cumulative = np.cumsum(counts ** float(self.ns_exponent))
        self.cum_table = np.rint(cumulative / cumulative[-1:] * domain).astype(np.uint32)

    def train(
        self,
        corpus_iterable: Iterable[Iterable[Any]] | None = None,
        corpus_file: str | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,  # noqa: ARG002 (gensim's)
        queue_factor: int = 2,  # noqa: ARG002 (gensim's)
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        **kwargs: Any,
    ) -> tuple[int, int]:
        """Trains on the corpus; parameters and errors as gensim's but for what the class describes.

        total_examples, total_words: where they are more than the corpus holds, the learning rate falls by the
            corpus's share of them in each epoch.
        report_delay: seconds between two lines of progress in the log.
        Returns: words trained, and words read, in all epochs.
        """
        if kwargs:
            raise TypeError(f"train() got an unexpected keyword argument {next(iter(kwargs))!r}")
        hooks = checked_callbacks(callbacks)
        if self._trained_by is not None:
            raise RuntimeError(
                "this model is in training: train() was called from one of its callbacks"
                if self._trained_by == get_ident()
                else "another thread is training this model; wait for it, or give each thread its own model"
            )
        # As gensim does: the rates given here stay with the model.
        self.alpha = start_alpha or self.alpha
        self.min_alpha = end_alpha or self.min_alpha
        self._check_training_sanity(epochs=epochs, total_examples=total_examples, total_words=total_words)
        self._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=1)
        assert epochs is not None  # or the first check had raised
        self.epochs = int(epochs)
        self.compute_loss = compute_loss
        self.running_training_loss = 0.0
        self._log_train_begin()
        call = TrainCall(self, hooks, report_delay)
        self._trained_by = get_ident()
        try:
            with gensim_messages(), call.stoppable():
                call.notify("on_train_begin")
                sentences = self._sentences_to_train(corpus_iterable, corpus_file)
                call.train(sentences, _share(sentences, total_examples, total_words))
            return call.end()
        finally:
            self._trained_by = None

    def sync_vectors(self) -> None:
        """Makes vectors and output weights current, in a hook that is called in the middle of an epoch."""
        if self._run is not None:
            self._run.sync()
            self._clear_post_train()

    def save(
        self,
        fname_or_handle: Any,
        separately: list[str] | None = None,
        sep_limit: int = 10 * 1024**2,
        ignore: Iterable[str] = frozenset(),
        pickle_protocol: int = PICKLE_PROTOCOL,
    ) -> None:
        """Saves the model as gensim does, so that gensim can load it where this package is not installed.

        Parameters are gensim's. Files are written aside and moved into place, large arrays' first.
        Raises ConfigError if the path is that of the corpus, OSError if it cannot be written.
        """
        options: dict[str, Any] = {
            "separately": separately,
            "sep_limit": sep_limit,
            "ignore": ignore,
            "pickle_protocol": pickle_protocol,
        }
        model = self._for_gensim()
        if not isinstance(fname_or_handle, (str, os.PathLike)) or "://" in os.fspath(fname_or_handle):
            GensimWord2Vec.save(model, fname_or_handle, **options)  # an open file, or one on another machine
            return
        path = os.fspath(fname_or_handle)
        if os.path.realpath(path) in self._corpus_files:
            raise ConfigError(f"{path}: is the corpus and would be overwritten; choose another path")
        self.add_lifecycle_event(
            "saving", fname_or_handle=path, separately=str(separately), sep_limit=sep_limit
        )
        with atomic_files(Path(path)) as aside:
            model._smart_save(str(aside), **options)

    @classmethod
    def load(cls, *args: Any, rethrow: bool = False, **kwargs: Any) -> Any:
        """Loads a model that `save` wrote, this class's or gensim's; parameters as gensim's.

        A model is a pickle: load one only if you trust where it comes from.
        """
        model = super().load(*args, rethrow=rethrow, **kwargs)
        if type(model) is GensimWord2Vec:
            model.__class__ = cls
        return model

    def _for_gensim(self) -> Any:
        """The model as an object of gensim's class that shares all it holds; a subclass stays what it is."""
        model = copy(self)
        if type(self) is Word2Vec:
            model.__class__ = GensimWord2Vec
        return model

    def _check_corpus_sanity(
        self, corpus_iterable: Any = None, corpus_file: str | None = None, passes: int = 1
    ) -> None:
        """Makes gensim's checks, and finds mistakes that gensim trains on in silence."""
        super()._check_corpus_sanity(corpus_iterable=corpus_iterable, corpus_file=corpus_file, passes=passes)
        if isinstance(corpus_iterable, Iterator) and passes > 1:
            raise TypeError(
                f"expected sentences that can be read {passes} times, such as a list, got a "
                f"{type(corpus_iterable).__name__}, which is empty after the first"
            )
        if isinstance(corpus_iterable, (str, bytes)):
            raise TypeError(
                f"expected a list of sentences, got the plain string {shown(corpus_iterable)}; "
                "pass [sentence.split()] for one sentence of words, corpus_file=... for a file"
            )

    def _count(self, corpus_iterable: Any, corpus_file: str | None, report_every: int) -> CountedSentences:
        if corpus_file is not None:
            self._corpus_files |= {os.path.realpath(corpus_file)}
        return count_sentences(
            corpus_iterable, corpus_file, threads=max(self.workers, 0), report_every=report_every
        )

    def _sentences_to_train(self, corpus_iterable: Any, corpus_file: str | None) -> CountedSentences:
        """The corpus, which the constructor does not read again after it has built the vocabulary."""
        scan, self._scan = self._scan, None
        if scan is not None and scan.source is (corpus_file if corpus_iterable is None else corpus_iterable):
            return scan.sentences
        sentences = self._count(corpus_iterable, corpus_file, 10_000)
        if sentences.examples == 0 and isinstance(corpus_iterable, Iterator):
            raise CorpusError(
                f"the {type(corpus_iterable).__name__} of sentences is empty: it can be read only once, and "
                "probably build_vocab did; pass a list, or an object whose __iter__ starts over"
            )
        return sentences

    def _log_train_begin(self) -> None:
        self.add_lifecycle_event(
            "train",
            msg=(
                f"training model with {self.workers} workers on {len(self.wv)} vocabulary and "
                f"{self.layer1_size} features, using sg={self.sg} hs={self.hs} sample={self.sample} "
                f"negative={self.negative} window={self.window} shrink_windows={self.shrink_windows}"
            ),
        )


def _check_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Checks what would otherwise fail only behind the counting of the corpus."""
    given = _SIGNATURE.bind(None, *args, **kwargs).arguments
    checked_integer("vector_size", given.get("vector_size", 1), 1, MAX_VECTOR_SIZE)
    checked_integer("window", given.get("window", 1), 1, MAX_WINDOW)
    checked_integer("threads", given.get("workers", 1), 1, MAX_THREADS)
    checked_callbacks(given.get("callbacks", ()))


@contextmanager
def _quick_attributes(vectors: KeyedVectors) -> Iterator[None]:
    """Speeds up gensim's loops over words, which check the type and size of a whole column at each step."""

    def set_vecattr(key: Any, name: str, value: Any) -> None:
        column = vectors.expandos.get(name)
        if column is None or len(column) != len(vectors.index_to_key):
            vectors.allocate_vecattrs(attrs=[name], types=[type(value)])
            column = vectors.expandos[name]
        column[vectors.get_index(key)] = value

    vectors.set_vecattr = set_vecattr
    try:
        yield
    finally:
        del vectors.set_vecattr


def _share(sentences: CountedSentences, total_examples: int | None, total_words: int | None) -> float:
    """Ratio of a corpus to the announced total."""
    if total_examples:
        return sentences.examples / total_examples
    return sentences.tokens / total_words if total_words else 1.0
