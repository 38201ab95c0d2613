"""The encoded corpus: the token ids and sentence offsets that epochs read instead of text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """A corpus as word ids; sentence s is ids[offsets[s]:offsets[s + 1]].

    ids: int32, shape [tokens]; offsets: int64, shape [sentences + 1], from 0 to tokens. Usually memory-mapped.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def from_sentences(cls, sentences: Iterable[Sequence[int]]) -> "EncodedCorpus":
        """A corpus in memory from lists of word ids."""
        rows = [np.asarray(sentence, dtype=np.int32) for sentence in sentences]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, np.int32), *rows]), offsets)

    @property
    def tokens(self) -> int:
        """Number of token ids."""
        return len(self.ids)

    @property
    def sentences(self) -> int:
        """Number of sentences, empty ones included."""
        return len(self.offsets) - 1
