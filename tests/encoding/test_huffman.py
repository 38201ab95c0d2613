import heapq
from fractions import Fraction

import numpy as np
import pytest
from gensim.models import Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st

from full_w2v.encoding.huffman import HuffmanTree

SOME_COUNTS = st.lists(st.integers(1, 12), min_size=1, max_size=60)


def tree(counts: list[int]) -> HuffmanTree:
    return HuffmanTree.from_counts(np.array(counts, np.int64))


def paths(huffman: HuffmanTree) -> list[tuple[list[int], list[int]]]:
    """Nodes and codes of each word."""
    bounds = zip(huffman.offsets[:-1], huffman.offsets[1:], strict=True)
    return [(huffman.points[a:b].tolist(), huffman.codes[a:b].tolist()) for a, b in bounds]


def gensim_paths(counts: list[int]) -> list[tuple[list[int], list[int]]]:
    model = Word2Vec(vector_size=1, min_count=1, hs=1, negative=0)
    model.build_vocab_from_freq({str(word): count for word, count in enumerate(counts)})
    words = range(len(counts))
    return [tuple(list(model.wv.get_vecattr(word, name)) for name in ("point", "code")) for word in words]


@given(SOME_COUNTS)
@settings(max_examples=25, deadline=None)
def test_codes_and_nodes_are_gensims_ties_included(counts: list[int]) -> None:
    falling = sorted(counts, reverse=True)
    assert paths(tree(falling)) == gensim_paths(falling)


@pytest.mark.parametrize("words", [3000, 4097])  # heapq takes another way through lists above 2,500
def test_a_large_vocabulary_has_gensims_codes(words: int) -> None:
    counts = np.sort(np.random.default_rng(1).zipf(1.5, words).clip(max=10**6))[::-1].tolist()
    assert paths(tree(counts)) == gensim_paths(counts)


@given(SOME_COUNTS)
def test_codes_are_complete_and_of_least_length(counts: list[int]) -> None:
    lengths = [len(codes) for _, codes in paths(tree(counts))]
    assert len({tuple(codes) for _, codes in paths(tree(counts))}) == len(counts)
    assert sum(Fraction(1, 2**length) for length in lengths) == 1  # Kraft: no word's code begins another's
    # The least sum of count * length is the sum of all counts that join.
    heap, least = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        least += joined
        heapq.heappush(heap, joined)
    assert sum(np.multiply(counts, lengths)) == least
    assert tree(counts).longest == max(lengths)


@given(SOME_COUNTS)
def test_a_tree_comes_back_from_gensims_lists(counts: list[int]) -> None:
    huffman = tree(counts)
    again = HuffmanTree.from_paths(*zip(*paths(huffman), strict=True))
    for name in ("points", "codes", "offsets", "steps"):
        np.testing.assert_array_equal(getattr(again, name), getattr(huffman, name))
        assert getattr(again, name).dtype == getattr(huffman, name).dtype


def test_three_words_by_hand() -> None:
    """2 and 3 join to node 0; of the two fives the word comes first, and both join to the root."""
    huffman = tree([5, 3, 2])
    assert paths(huffman) == [([1], [0]), ([1, 0], [1, 1]), ([1, 0], [1, 0])]
    assert huffman.steps.tolist() == [2, 3, 1, 3, 0]
