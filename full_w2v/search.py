"""The nearest of many vectors, sought by NumPy or, through cupy, on a CUDA device."""

import importlib
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import BackendError

WORD_BLOCK = 2048  # words that all targets meet at a time


def device_arrays() -> ModuleType:
    """cupy, imported here and nowhere else: it takes a second and a driver.

    Raises BackendError, with the reason, if it is not installed or finds no device.
    """
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise BackendError(f"cupy cannot be imported ({error}); pip install 'full-w2v[cuda]'") from error
    if not cupy.is_available():
        raise BackendError("cupy finds no CUDA device")
    return cupy


class Search:
    """Cosines with many vectors, computed where these are: in the host's memory or in a device's.

    arrays: numpy or cupy. vectors: an array of that module, float32, shape [words, dimension].
    norms: their Euclidean lengths on the host, shape [words]; a zero vector's cosines are 0.
    """

    def __init__(self, arrays: ModuleType, vectors: Any, norms: NDArray[np.float64]) -> None:
        self._arrays = arrays
        self._vectors = vectors
        self._divisors = arrays.asarray(np.where(norms > 0, norms, 1.0))

    def cosines(self, query: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cosine of every vector with a query of length 1, as a float32 dot product gives it; on the host."""
        products = self._vectors @ self._arrays.asarray(query.astype(np.float32))
        return self._on_host(products / self._divisors)

    def nearest(
        self, targets: NDArray[np.float32], barred: NDArray[np.int64], words: int
    ) -> NDArray[np.int64]:
        """For each target the id of the word, among the first so many, with the largest cosine.

        targets: on the host, shape [targets, dimension].
        barred: (target, word) pairs that are excluded, shape [pairs, 2]. Of equal cosines the first counts.
        Returns: on the host, shape [targets]; -1 if every word is barred.
        """
        arrays = self._arrays
        sought, rows = arrays.asarray(targets), arrays.arange(len(targets))
        nearest = arrays.full(len(targets), -1)
        largest = arrays.full(len(targets), -np.inf, np.float32)
        for begin in range(0, words, WORD_BLOCK):
            end = min(begin + WORD_BLOCK, words)
            cosines = sought @ self._unit_vectors(begin, end).T
            inside = barred[(barred[:, 1] >= begin) & (barred[:, 1] < end)]
            cosines[arrays.asarray(inside[:, 0]), arrays.asarray(inside[:, 1] - begin)] = -np.inf
            best = cosines.argmax(axis=1)
            cosine = cosines[rows, best]
            nearest = arrays.where(cosine > largest, best + begin, nearest)
            largest = arrays.maximum(largest, cosine)
        return self._on_host(nearest)

    def _unit_vectors(self, begin: int, end: int) -> Any:
        return self._vectors[begin:end] / self._divisors[begin:end].astype(np.float32)[:, None]

    def _on_host(self, values: Any) -> NDArray[Any]:
        host: NDArray[Any] = getattr(self._arrays, "asnumpy", np.asarray)(values)
        return host
