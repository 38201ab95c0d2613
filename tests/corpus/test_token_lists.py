"""Tokens as Python holds them: of every kind and length, from lists, tuples and slow generators."""

import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from full_w2v import Word2Vec, _native
from full_w2v.corpus import TokenLists
from full_w2v.encoding.encoded_corpus import count_words

# One letter of each kind in which CPython stores a str, and of each length in UTF-8.
LETTERS = [
    "a",
    "\x7f",
    "é",
    "ÿ",
    "Ā",
    "߿",
    "ࠀ",
    "東",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
]
# Short tokens are stored in one step; 15 bytes are the most that the native table keeps in a slot.
LENGTHS = [1, 2, 3, 7, 8, 9, 14, 15, 16, 17, 18, 31, 32, 33, 1000]


def frequencies(sentences: object, block_bytes: int = 1 << 19) -> dict[str, int]:
    """Words and their counts, by the native counter."""
    counter = _native.CorpusCounter(threads=2, errors="strict", directory=b"/tmp", block_bytes=block_bytes)
    counter.begin_source()
    counter.feed_sentences(sentences)
    counter.end_source()
    words = counter.finish()
    numbers = words.in_order()
    return dict(zip(words.words(numbers), words.counts(numbers).tolist(), strict=True))


@pytest.mark.parametrize("block_bytes", [1, 20, 1 << 19])
def test_tokens_of_every_kind_and_length_come_back(block_bytes: int) -> None:
    tokens = ["", *(letter * length for letter in LETTERS for length in LENGTHS)]
    tokens += [f"{letter}b" for letter in LETTERS] + ["b\0", "\0"]
    assert frequencies([tokens, tuple(tokens)], block_bytes) == dict.fromkeys(tokens, 2)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.text(max_size=20), max_size=8), max_size=8))
def test_any_sentences_are_counted_as_python_counts_them(sentences: list[list[str]]) -> None:
    expected: dict[str, int] = {}
    for sentence in sentences:
        for token in sentence:
            expected[token] = expected.get(token, 0) + 1
    assert list(frequencies(sentences, block_bytes=16).items()) == list(expected.items())


def test_counting_leaves_nothing_in_the_users_words() -> None:
    # CPython's own conversion would keep the UTF-8 in the str, for as long as that lives.
    words = [letter * 20 for letter in LETTERS]
    before = [sys.getsizeof(word) for word in words]
    assert len(frequencies([words])) == len(words)
    assert [sys.getsizeof(word) for word in words] == before


def slowly(sentences: list[list[str]]) -> Iterator[list[str]]:
    """The sentences, with pauses longer and shorter than the counting threads' own."""
    for i, sentence in enumerate(sentences):
        if i % 100 == 0:
            time.sleep(0.002 * (i % 3))
        yield sentence


def test_a_slow_generator_gives_what_a_list_gives_and_is_read_once() -> None:
    sentences = [[f"w{(i * k) % 97}" for k in range(1, 12)] for i in range(1000)]
    settings = {"vector_size": 8, "workers": 1, "epochs": 2, "min_count": 1}
    models = []
    for corpus in (sentences, slowly(sentences)):
        model = Word2Vec(**settings)
        model.build_vocab(sentences)
        model.train(corpus, total_examples=len(sentences), epochs=2)
        models.append(model)
    assert models[0].wv.vectors.tobytes() == models[1].wv.vectors.tobytes()
    generator = slowly(sentences)
    assert count_words(TokenLists(generator)).tokens == 11_000
    assert list(generator) == []
