"""Which rows of a file to load, and how to treat damaged keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from full_w2v.checks import checked_integer
from full_w2v.corpus import ERRORS
from full_w2v.errors import ConfigError, FormatError, setting, shown
from full_w2v.word_vectors import WordVectors

DUPLICATES = ("refuse", "first")


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How much of a file is loaded, and how its damaged keys are treated. The defaults refuse all damage.

    limit: load only the first so many rows, as gensim's load_word2vec_format does; None loads all.
    errors: for keys that are not UTF-8: "strict" refuses them, "replace" and "ignore" do what they do in
        bytes.decode (gensim's unicode_errors).
    duplicates: "refuse" a key that appears twice, or keep the "first" row, as gensim does.

    Raises ConfigError for any other value.
    """

    limit: int | None = None
    errors: str = "strict"
    duplicates: str = "refuse"

    def __post_init__(self) -> None:
        if self.limit is not None:
            checked_integer("limit", self.limit, 1, 2**63 - 1)
        for name, known in (("errors", ERRORS), ("duplicates", DUPLICATES)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"{setting(name)} must be one of {', '.join(known)}, got {value!r}")

    def rows(self, available: int) -> int:
        """How many of the available rows to load."""
        return available if self.limit is None else min(available, self.limit)

    def decoded(self, word: bytes, place: str) -> str:
        """A word from UTF-8; raises FormatError that names the place, unless `errors` says otherwise."""
        try:
            return word.decode("utf-8", self.errors)
        except UnicodeDecodeError as error:
            byte = word[error.start]
            raise FormatError(
                f"{place}: the word {shown(word)} is not UTF-8 (byte 0x{byte:02x}); "
                f"{setting('errors', 'replace')} would load it"
            ) from None

    def vectors(
        self, words: Sequence[Any], vectors: NDArray[Any], counts: ArrayLike | None = None
    ) -> WordVectors:
        """Word vectors of the first `limit` rows, without the later rows of a key if that is asked for."""
        known = None if counts is None else np.asarray(counts)
        if self.limit is not None:
            words, vectors = words[: self.limit], vectors[: self.limit]
            known = None if known is None else known[: self.limit]
        if not all(isinstance(word, str) for word in words) or len(words) != len(vectors):
            return WordVectors(words, vectors, known)  # which refuses them
        first: dict[str, int] = {}
        for row, word in enumerate(words):
            if first.setdefault(word, row) < row and self.duplicates == "refuse":
                raise FormatError(
                    f"the word {shown(word)} appears more than once, in rows {first[word] + 1} and "
                    f"{row + 1}; "
                    f"{setting('duplicates', 'first')} would keep the first"
                )
        if len(first) < len(words):
            rows = list(first.values())
            words, vectors = list(first), vectors[rows]
            known = None if known is None else known[rows]
        return WordVectors(words, vectors, known)
