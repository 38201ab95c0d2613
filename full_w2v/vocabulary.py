"""The vocabulary: words and their counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from full_w2v.checks import checked_integer
from full_w2v.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words by id, most frequent first, ties in the order of first appearance.

    words: word per id.
    counts: occurrences per id, int64, shape [vocabulary], all positive.
    raw_tokens: tokens of the corpus before rare words were dropped.
    """

    words: Sequence[str]
    counts: NDArray[np.int64]
    raw_tokens: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.raw_tokens < 0:
            object.__setattr__(self, "raw_tokens", self.tokens)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.ids

    @cached_property
    def ids(self) -> dict[str, int]:
        """Id of each word."""
        return {word: i for i, word in enumerate(self.words)}

    @cached_property
    def tokens(self) -> int:
        """Tokens of the corpus that are in the vocabulary."""
        return int(self.counts.sum())

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, min_count: int = 1) -> "Vocabulary":
        """A vocabulary from word frequencies; ties keep the order of the mapping.

        counts: positive numbers by word. min_count: words of lower counts are left out.
        Raises ConfigError if a count is not a positive whole number, or all add up to 2**63 or more.
        """
        checked = {word: checked_integer("a count", count, 1, 2**63 - 1) for word, count in counts.items()}
        if sum(checked.values()) >= 2**63:
            raise ConfigError(
                f"the counts must add up to less than 2**63, got {sum(checked.values())}; divide them all"
            )
        kept = [(word, count) for word, count in checked.items() if count >= min_count]
        kept.sort(key=lambda entry: -entry[1])
        numbers = np.fromiter((count for _, count in kept), np.int64, len(kept))
        return cls([word for word, _ in kept], numbers, sum(checked.values()))

    def merged(self, *others: "Vocabulary") -> "Vocabulary":
        """The words of all vocabularies with the sums of their counts."""
        total: dict[str, int] = {}
        for vocabulary in (self, *others):
            for word, count in zip(vocabulary.words, vocabulary.counts.tolist(), strict=True):
                total[word] = total.get(word, 0) + count
        merged = Vocabulary.from_counts(total)
        raw_tokens = sum(vocabulary.raw_tokens for vocabulary in (self, *others))
        return Vocabulary(merged.words, merged.counts, raw_tokens)

    def restricted(
        self,
        *,
        min_count: int = 1,
        max_final_vocab: int | None = None,
        words: Collection[str] | None = None,
    ) -> "Vocabulary":
        """The words that are frequent enough and, if `words` is given, among those.

        max_final_vocab: at most so many words are kept; those that tie at the limit are all dropped, as
            gensim does.
        """
        keep = self.counts >= min_count
        if words is not None:
            chosen = set(words)
            keep &= np.fromiter((word in chosen for word in self.words), bool, len(self))
        if max_final_vocab is not None and int(keep.sum()) > max_final_vocab:
            keep &= self.counts > np.sort(self.counts[keep])[::-1][max_final_vocab]
        kept = np.flatnonzero(keep)
        return Vocabulary([self.words[i] for i in kept.tolist()], self.counts[kept], self.raw_tokens)
