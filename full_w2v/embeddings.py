"""Trained word vectors and what is asked of them: a word's vector, its neighbours, analogies."""

import os
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from full_w2v.any_path import AnyPath
from full_w2v.errors import BackendError, ConfigError, UnknownWordError, setting, shown
from full_w2v.formats import load_vectors, save_embeddings
from full_w2v.model import Model
from full_w2v.search import Search, device_arrays
from full_w2v.word_vectors import WordVectors, gensim_parts

NORM_BLOCK = 4096  # rows converted to float64 at a time
SPELLING_CANDIDATES = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class Embeddings(WordVectors):
    """Words and their vectors, to query and evaluate; read-only.

    words, vectors, counts, and errors: as for `WordVectors`.
    """

    @classmethod
    def of(cls, found: WordVectors) -> "Embeddings":
        """The same words and vectors, which were checked before."""
        made = cls.__new__(cls)
        made.__dict__.update(found.__dict__)
        return made

    @classmethod
    def from_model(cls, model: Model) -> "Embeddings":
        """The input rows of a model, with its words and counts."""
        return cls(model.vocabulary.words, model.input, model.vocabulary.counts)

    @classmethod
    def from_gensim(cls, source: Any) -> "Embeddings":
        """Embeddings from gensim's KeyedVectors, or from a gensim model that holds them as `wv`.

        Counts are kept if gensim has a positive one for every word. Raises FormatError for other objects and
        for keys that are not strings.
        """
        return cls(*gensim_parts(source))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        limit: int | None = None,
        errors: str = "strict",
        duplicates: str = "refuse",
    ) -> "Embeddings":
        """Embeddings from a file whose suffix names the format: see `full_w2v.load_embeddings`."""
        return load_embeddings(path, limit=limit, errors=errors, duplicates=duplicates)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file whose suffix names the format: see `full_w2v.save_embeddings`."""
        save_embeddings(self, path)

    def __repr__(self) -> str:
        return f"<Embeddings: {len(self)} words, {self.dimension} dimensions>"

    def __contains__(self, word: object) -> bool:
        return word in self.ids

    @cached_property
    def norms(self) -> NDArray[np.float64]:
        """Euclidean length of each vector, shape [words]."""
        norms = np.empty(len(self))
        for begin in range(0, len(self), NORM_BLOCK):
            block = self.vectors[begin : begin + NORM_BLOCK].astype(np.float64)
            norms[begin : begin + NORM_BLOCK] = np.sqrt((block * block).sum(axis=1))
        return norms

    def unit_vectors(self, ids: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Vectors scaled to length 1, zero vectors left as they are; shape [ids, dimension]."""
        norms = np.where(self.norms[ids] > 0, self.norms[ids], 1.0).astype(np.float32)
        unit: NDArray[np.float32] = self.vectors[ids] / norms[:, None]
        return unit

    @cached_property
    def search(self) -> Search:
        """Where cosines with all words are computed: the host, or the device of `on_device`."""
        return Search(np, self.vectors, self.norms)

    def on_device(self, matrix: object = None) -> "Embeddings":
        """The same embeddings, but `neighbours`, `analogy` and evaluation compute on a CUDA device by cupy.

        matrix: what holds these vectors there already, by __cuda_array_interface__, and must go on doing so,
            as the first of CudaBackend.device_matrices() does until close(); None copies them.
        Raises BackendError, with the reason, if cupy cannot be used here or the device has no room for them;
        ValueError for a matrix of another shape or type.
        """
        arrays = device_arrays()
        try:
            vectors = arrays.asarray(self.vectors if matrix is None else matrix)
        except MemoryError as error:  # cupy's is one
            raise BackendError(f"the vectors do not fit on the CUDA device: {error}") from error
        if vectors.shape != self.vectors.shape or vectors.dtype != np.float32:
            raise ValueError(
                f"expected a float32 matrix of shape {self.vectors.shape} on the device,"
                f" got {vectors.dtype} of shape {vectors.shape}"
            )
        placed = copy(self)
        placed.__dict__["search"] = Search(arrays, vectors, self.norms)
        return placed

    def id(self, word: str) -> int:
        """Id of a word; raises UnknownWordError (a KeyError) that names words of similar spelling."""
        found = self.ids.get(word)
        if found is None:
            raise UnknownWordError(self._unknown(word))
        return found

    def vector(self, word: str) -> NDArray[np.float32]:
        """Vector of a word, read-only, shape [dimension]; raises UnknownWordError (a KeyError)."""
        row: NDArray[np.float32] = self.vectors[self.id(word)]
        return row

    def neighbours(self, word_or_vector: str | ArrayLike, count: int = 10) -> list[tuple[str, float]]:
        """Words whose vectors have the largest cosine with a word's vector or with a given one.

        word_or_vector: a word, which is not its own neighbour, or a vector of shape [dimension].
        count: how many; fewer only if there are not enough words.
        Returns: (word, cosine), largest first; equal cosines in order of id. A zero vector's cosine is 0.
        Raises UnknownWordError for an unknown word, ConfigError for a count below 1, ValueError for a vector
        of another shape or with a value that is not finite.
        """
        if isinstance(word_or_vector, str):
            word = self.id(word_or_vector)
            return self._nearest(self.vectors[word].astype(np.float64), count, {word})
        query = np.asarray(word_or_vector, np.float64)
        if query.shape != (self.dimension,) or not np.isfinite(query).all():
            raise ValueError(f"expected a vector of {self.dimension} finite values, got shape {query.shape}")
        return self._nearest(query, count, set())

    def analogy(self, a: str, b: str, c: str, count: int = 10) -> list[tuple[str, float]]:
        """Answers to "a is to b as c is to ...": the words nearest to b - a + c, but for these three.

        Vectors are scaled to length 1 before they are added (3CosAdd, Levy and Goldberg 2014). Returns and
        raises as `neighbours`.
        """
        ids = [self.id(word) for word in (a, b, c)]
        a_unit, b_unit, c_unit = self.unit_vectors(np.array(ids)).astype(np.float64)
        return self._nearest(b_unit - a_unit + c_unit, count, set(ids))

    def _nearest(
        self, query: NDArray[np.float64], count: int, exclude: Collection[int]
    ) -> list[tuple[str, float]]:
        if count < 1:
            raise ConfigError(f"{setting('count')} must be at least 1, got {count}")
        count = min(count, len(self) - len(exclude))
        if count < 1:
            return []
        query = query / (np.sqrt((query * query).sum()) or 1.0)
        candidates = self._candidates(query, count, exclude)
        cosines = self._cosines(candidates, query)
        best = np.lexsort((candidates, -cosines))[:count]
        return [(self.words[candidates[i]], float(cosines[i])) for i in best]

    def _candidates(
        self, query: NDArray[np.float64], count: int, exclude: Collection[int]
    ) -> NDArray[np.int64]:
        """Ids, ascending, that hold the `count` nearest to a query of length 1 for certain."""
        cosines = self.search.cosines(query)
        cosines[list(exclude)] = -np.inf
        threshold = np.partition(cosines, -count)[-count]
        # A float32 dot product of unit vectors is off by at most (d + 2) * 2^-24 (Higham, Accuracy and
        # Stability of Numerical Algorithms, 3.1), on either side of the comparison.
        return np.flatnonzero(cosines >= threshold - (self.dimension + 2) * 2.0**-23)

    def _cosines(self, ids: NDArray[np.int64], query: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cosines with a query of length 1 in float64, each row summed in the same order: equal rows tie."""
        products: NDArray[np.float64] = (self.vectors[ids] * query).sum(axis=1)
        return np.clip(products / np.where(self.norms[ids] > 0, self.norms[ids], 1.0), -1.0, 1.0)

    def _unknown(self, word: str) -> str:
        close = self._similar_spellings(word)
        if not close:
            return f"unknown word {shown(word)}; none of the {len(self)} words is spelled like it"
        return f"unknown word {shown(word)}; did you mean {', '.join(map(shown, close))}?"

    def _similar_spellings(self, word: str) -> list[str]:
        """Up to three; sought among frequent words with the same first letter only, which takes no time."""
        first = word[:1].casefold()
        candidates = [
            candidate
            for candidate in self.words[:SPELLING_CANDIDATES]
            if candidate[:1].casefold() == first and abs(len(candidate) - len(word)) <= 2
        ]
        return get_close_matches(word, candidates, 3)


def load_embeddings(
    path: AnyPath, *, limit: int | None = None, errors: str = "strict", duplicates: str = "refuse"
) -> Embeddings:
    """Embeddings from a file, in the format that its suffix names.

    Parameters and errors: as for `full_w2v.formats.load_vectors`.
    """
    return Embeddings.of(load_vectors(path, limit=limit, errors=errors, duplicates=duplicates))
