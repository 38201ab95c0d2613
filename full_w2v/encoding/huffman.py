"""The Huffman tree of hierarchical softmax, with the very codes that gensim gives each word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray


class _Node(float):
    """A node on the heap: its count, which alone is compared, and its number."""

    __slots__ = ("number",)
    number: int

    def __new__(cls, count: float, number: int) -> "_Node":
        node = super().__new__(cls, count)
        node.number = number
        return node


@dataclass(frozen=True, eq=False)
class HuffmanTree:
    """Each word's path from the root: the inner nodes that it passes, and where it turns at each.

    Word i's path is entries offsets[i] ... offsets[i + 1] - 1 of `points` and `codes`.

    points: inner nodes, 0 ... words - 2, int64; the root is the last one. gensim's `point` of all words.
    codes: 0 or 1, where the path turns at each of its nodes, uint8. gensim's `code` of all words.
    offsets: int64, shape [words + 1].
    """

    points: NDArray[np.int64]
    codes: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def from_counts(cls, counts: NDArray[np.int64]) -> "HuffmanTree":
        """The tree of these counts (Huffman 1952): rarest first, the two least nodes join until one is left.

        Equal counts join in the order of Python's heapq, comparing counts alone, as in gensim: these are its
        codes, ties included.
        """
        parents, turns = _joined(counts)
        words, root = len(counts), len(parents) - 1
        depths = np.zeros(words, np.int64)
        nodes = np.arange(words)
        while np.any(below := nodes != root):
            depths += below
            nodes = np.where(below, parents[nodes], root)
        offsets = np.concatenate([[0], np.cumsum(depths)])
        points, codes = np.empty(offsets[-1], np.int64), np.empty(offsets[-1], np.uint8)
        # From every leaf upwards at once, from the end of each path.
        alive, at = np.flatnonzero(depths), offsets[1:] - 1
        nodes = alive.copy()
        while alive.size:
            codes[at[alive]], points[at[alive]] = turns[nodes], parents[nodes] - words
            at[alive] -= 1
            nodes = parents[nodes]
            alive, nodes = alive[nodes != root], nodes[nodes != root]
        return cls(points, codes, offsets)

    @classmethod
    def from_paths(cls, points: Sequence[Sequence[int]], codes: Sequence[Sequence[int]]) -> "HuffmanTree":
        """The tree of the `point` and `code` that gensim keeps for each word."""
        offsets = np.cumsum([0, *map(len, points)], dtype=np.int64)
        empty = np.empty(0)  # lets a vocabulary of one word, whose path is empty, through
        return cls(
            np.concatenate([empty, *points]).astype(np.int64),
            np.concatenate([empty, *codes]).astype(np.uint8),
            offsets,
        )

    @cached_property
    def longest(self) -> int:
        """Inner nodes on the longest path."""
        return int(np.diff(self.offsets).max(initial=0))

    @property
    def steps(self) -> NDArray[np.uint32]:
        """2 * point + code of every entry, as the native trainer takes them."""
        return (2 * self.points + self.codes).astype(np.uint32)


def _joined(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Parent of each node, leaves first and the root last, and whether the node is its second child."""
    words = len(counts)
    parents, turns = np.zeros(2 * words - 1, np.int64), np.zeros(2 * words - 1, np.uint8)
    heap = [_Node(count, word) for word, count in enumerate(counts.tolist())]
    heapify(heap)
    for number in range(words, 2 * words - 1):
        first, second = heappop(heap), heappop(heap)
        parents[first.number] = parents[second.number] = number
        turns[second.number] = 1
        heappush(heap, _Node(first + second, number))
    return parents, turns
