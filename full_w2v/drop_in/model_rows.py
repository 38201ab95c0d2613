"""The part of a gensim model that is trained: the rows of its counted words, which callbacks may replace."""

from typing import Any

import numpy as np
from gensim.models import Word2Vec
from isal import isal_zlib
from numpy.typing import NDArray

from full_w2v.config import TrainConfig
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.errors import ConfigError, shown
from full_w2v.model import Model
from full_w2v.training.run import Run
from full_w2v.vocabulary import Vocabulary

Rows = NDArray[np.float32]


def counted_words(model: Word2Vec) -> Vocabulary:
    """The words that training knows, with their counts.

    Words behind them without a count, as wv.add_vector("<unk>", ...) leaves, are not trained: as in gensim
    they are never drawn. Raises ConfigError for a word without a count among the others.
    """
    words = model.wv.index_to_key
    counts = np.asarray(model.wv.expandos.get("count", ()), np.int64)[: len(words)]
    counted = int(np.flatnonzero(counts)[-1]) + 1 if counts.any() else 0
    if not (counts[:counted] > 0).all():
        word = words[int(np.flatnonzero(counts[:counted] <= 0)[0])]
        raise ConfigError(
            f"the word {shown(word)} has no count but comes before words with one; append new words after "
            'those of build_vocab, or set its count with wv.set_vecattr(word, "count", n)'
        )
    return Vocabulary(words[:counted], counts[:counted])


def trained_state(model: Word2Vec, vocabulary: Vocabulary, config: TrainConfig) -> Model:
    """The rows of the counted words, which training changes in place, and gensim's Huffman tree.

    Matrices that the user has put into the model in another type or layout are converted, and the model keeps
    them so. Raises ConfigError for those of a wrong shape and for values that are not finite.
    """
    words = len(vocabulary)
    model.wv.vectors = vectors = _trainable("wv.vectors", model.wv.vectors, len(model.wv), model)
    output, inner, tree = np.zeros_like(vectors[:words]) if not model.negative else None, None, None
    if output is None:
        model.syn1neg = _trainable("syn1neg", model.syn1neg, words, model)
        output = model.syn1neg[:words]
    if model.hs:
        model.syn1 = _trainable("syn1", model.syn1, words, model)
        inner = model.syn1[:words]
        points, codes = (model.wv.expandos[name][:words] for name in ("point", "code"))
        tree = HuffmanTree.from_paths(points, codes)
    return Model(vocabulary, config, vectors[:words], output, inner, tree, _locks(model, words))


def _trainable(name: str, matrix: Any, words: int, model: Word2Vec) -> Rows:
    """A matrix as training needs it: itself, or a writeable float32 copy in C order."""
    given = np.asarray(matrix)
    if given.dtype.kind not in "fiu":
        raise ConfigError(f"{name} must hold numbers, got an array of {given.dtype}")
    if given.ndim != 2 or given.shape[0] < words or given.shape[1] != model.vector_size:
        raise ConfigError(
            f"{name} must have the shape [{words}, {model.vector_size}], words by vector_size, "
            f"got {list(given.shape)}"
        )
    if given.dtype != np.float32 or not given.flags.c_contiguous or not given.flags.writeable:
        given = np.array(given, np.float32, order="C")
    if not np.isfinite(given).all():
        row = int(np.flatnonzero(~np.isfinite(given).all(axis=1))[0])
        raise ConfigError(f"{name} must hold finite values, got others in row {row}")
    return given


def _locks(model: Word2Vec, words: int) -> Rows | None:
    """The lock of each row, which gensim repeats where there are fewer; None if they lock nothing.

    After reset_from a model has no locks; gensim could not train it then.
    """
    locks = np.asarray(getattr(model.wv, "vectors_lockf", 1.0), np.float32)
    return None if np.all(locks == 1.0) else np.resize(locks, len(model.wv))[:words]


class ModelRows:
    """Notices what callbacks do to a model between two epochs, and lets training go on with it.

    A backend trains copies, where gensim trains the model's own arrays: without this a callback's changes
    would be overwritten, and arrays that it has replaced would never learn again.
    """

    def __init__(self, model: Word2Vec, state: Model) -> None:
        self._model = model
        self._state = state
        self._words = tuple(model.wv.index_to_key[:1]), len(model.wv)
        self._noted = self._marks(contents=True)

    def note(self, contents: bool) -> None:
        """Remembers the model as training left it. contents: whether somebody may change values in place."""
        self._noted = self._marks(contents)

    def adopt(self, run: Run) -> None:
        """Loads what the model holds now, if that has changed since `note`.

        Raises ConfigError if its vocabulary has, or if what it holds cannot be trained.
        """
        if len(self._model.wv) != self._words[1]:
            raise ConfigError(
                f"a callback changed the vocabulary in training, from {self._words[1]} words to "
                f"{len(self._model.wv)}; call build_vocab(update=True) between two calls of train"
            )
        if self._marks(contents=self._noted[1] is not None) == self._noted:
            return
        self._state = trained_state(self._model, self._state.vocabulary, self._state.config)
        run.reload(self._state)
        self._noted = self._marks(contents=True)

    def check_untouched(self, hook: str) -> None:
        """Raises ConfigError if arrays were replaced within an epoch, where they cannot be adopted."""
        if self._marks(contents=False)[0] != self._noted[0]:
            raise ConfigError(
                f"{hook} replaced an array of the model in the middle of an epoch; do that in on_epoch_begin "
                "or on_epoch_end"
            )

    def _marks(self, contents: bool) -> tuple[list[int], list[int] | None]:
        """Which arrays the model has, and a checksum of their values."""
        model = self._model
        arrays = [
            model.wv.vectors,
            *([model.syn1neg] if model.negative else []),
            *([model.syn1] if model.hs else []),
        ]
        locks = np.asarray(getattr(model.wv, "vectors_lockf", 1.0))
        sums = (
            [isal_zlib.crc32(np.ascontiguousarray(array)) for array in [*arrays, locks]] if contents else None
        )
        return [id(array) for array in arrays], sums
