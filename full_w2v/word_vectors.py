"""Words with their vectors and counts: the record that every format writes and reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from full_w2v.errors import FormatError, shown
from full_w2v.model import Model

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True, eq=False, repr=False)
class WordVectors:
    """Words and their vectors; read-only.

    words: word per id, all different, usually most frequent first.
    vectors: float32, shape [words, dimension], all finite; other types are converted. Not copied if it can
        be helped, so leave the array alone afterwards.
    counts: occurrences per word id, int64, shape [words], all positive; None where they are not known.

    Raises FormatError (a ValueError) if the three do not fit together or a value is not finite.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]
    counts: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", _listed(self.words))
        object.__setattr__(self, "vectors", _read_only(self.vectors))
        if self.counts is not None:
            object.__setattr__(self, "counts", _read_only_counts(self.counts))
        self._check_shapes()
        self._check_words()
        self._check_values()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimension(self) -> int:
        """Number of components of each vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of each word."""
        return {word: i for i, word in enumerate(self.words)}

    def to_gensim(self, *, copy: bool = True) -> "KeyedVectors":
        """A gensim KeyedVectors, with counts if they are known.

        copy: give it vectors of its own; otherwise it shares ours, which stay read-only.
        """
        from gensim.models import KeyedVectors

        keyed = KeyedVectors(self.dimension)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = dict(self.ids)
        keyed.next_index = len(self)
        keyed.vectors = self.vectors.copy() if copy else self.vectors
        if self.counts is not None:
            keyed.expandos["count"] = self.counts.copy()
        return keyed

    def _check_shapes(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise FormatError(
                f"expected one vector for each of {len(self.words)} words, got shape {self.vectors.shape}"
            )
        if 0 in self.vectors.shape:
            raise FormatError(f"expected at least one word and one dimension, got shape {self.vectors.shape}")
        if self.counts is not None and self.counts.shape != (len(self.words),):
            raise FormatError(f"expected {len(self.words)} counts, got shape {self.counts.shape}")

    def _check_words(self) -> None:
        for word in self.words:
            if not isinstance(word, str):
                raise FormatError(f"words must be strings, got {shown(word)}")
        if len(self.ids) < len(self.words):  # ids holds each word's last position
            row, word = next((i, word) for i, word in enumerate(self.words) if self.ids[word] != i)
            raise FormatError(f"the word {shown(word)} appears more than once; first in row {row + 1}")

    def _check_values(self) -> None:
        row = first_not_finite(self.vectors)
        if row is not None:
            raise FormatError(f"the vector of {shown(self.words[row])} holds a value that is not finite")
        if self.counts is not None and self.counts.min() < 1:
            word = self.words[int(self.counts.argmin())]
            raise FormatError(f"counts must be positive, got {self.counts.min()} for {shown(word)}")


def vectors_of(model: Model) -> WordVectors:
    """The input rows of a model, with its words and counts."""
    return WordVectors(model.vocabulary.words, model.input, model.vocabulary.counts)


def first_not_finite(rows: NDArray[np.float32]) -> int | None:
    """Index of the first row that holds an infinity or a NaN; None if all are finite."""
    if np.isfinite(rows.min()) and np.isfinite(rows.max()):  # takes no memory, unlike isfinite of all
        return None
    return next(i for i, row in enumerate(rows) if not np.isfinite(row).all())


def _listed(words: Iterable[str]) -> tuple[str, ...]:
    """Words as a tuple; raises FormatError for a single string, whose characters are not words."""
    if isinstance(words, (str, bytes)):
        raise FormatError(f"expected a list of words, got {shown(words)}")
    return tuple(words.tolist() if isinstance(words, np.ndarray) else words)


def gensim_parts(source: Any) -> tuple[Sequence[str], NDArray[Any], NDArray[np.int64] | None]:
    """Words, vectors and counts of gensim's KeyedVectors, or of a model that holds them as `wv`.

    Counts are None unless gensim has a positive one for every word. Raises FormatError for other objects.
    """
    keyed = getattr(source, "wv", source)
    words = getattr(keyed, "index_to_key", None)
    vectors = getattr(keyed, "vectors", None)
    if not isinstance(words, (list, tuple)) or not isinstance(vectors, np.ndarray):
        found = (
            ""
            if words is None
            else (f" with index_to_key as {type(words).__name__} and vectors as {type(vectors).__name__}")
        )
        raise FormatError(f"expected gensim KeyedVectors, got {type(source).__name__}{found}")
    columns = getattr(keyed, "expandos", None)
    counts = np.asarray(columns.get("count", ()) if isinstance(columns, dict) else ())
    known = counts.shape == (len(words),) and counts.dtype.kind in "iu" and (counts > 0).all()
    return words, vectors, counts.astype(np.int64) if known else None


def _numbers(values: ArrayLike, what: str) -> NDArray[Any]:
    """Real numbers as an array of their own type; raises FormatError for anything else."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that needs its gradient
        raise FormatError(f"expected {what} as an array of numbers: {error}") from error
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise FormatError(f"expected {what} without masked values")
    if array.dtype.kind == "O" and array.ndim > 0:
        array = _from_objects(array)
    if array.dtype.kind not in "fiu":
        raise FormatError(f"expected {what} as an array of numbers, got {array.dtype} of shape {array.shape}")
    return array


def _from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Python's numbers as NumPy's; anything else as it is."""
    if not all(isinstance(value, Real) for value in array.ravel().tolist()):
        return array
    return array.astype(np.float64)


def _read_only(values: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and that is refused
        view = np.ascontiguousarray(_numbers(values, "vectors"), np.float32).view()
    view.flags.writeable = False
    return view


def _read_only_counts(values: ArrayLike) -> NDArray[np.int64]:
    counts = _numbers(values, "counts")
    with np.errstate(invalid="ignore"):
        whole = np.ascontiguousarray(counts, np.int64)
    unequal = np.flatnonzero(whole.ravel() != counts.ravel())  # 1.5, NaN, and what int64 cannot hold
    if len(unequal):
        raise FormatError(f"counts must be whole numbers below 2^63, got {counts.ravel()[unequal[0]]}")
    view = whole.view()
    view.flags.writeable = False
    return view
