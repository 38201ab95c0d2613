"""What the corpus tests compare with: the same work in plain Python."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from full_w2v import _native
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.vocabulary import Vocabulary

Sentences = Sequence[Sequence[str]]


@contextmanager
def small_blocks(block_bytes: int, spill_memory: int = 0) -> Iterator[None]:
    """Lets threads take blocks of so many bytes, and spills all but `spill_memory` bytes to a file."""
    counter = partial(_native.CorpusCounter, block_bytes=block_bytes, spill_memory=spill_memory)
    with patch.object(_native, "CorpusCounter", counter):
        yield


def sentences_of(text: str) -> list[list[str]]:
    """Lines as lists of tokens; only a line feed ends a line."""
    return [line.split() for line in text.split("\n")]


def expected_counts(sentences: Sentences, min_count: int) -> list[tuple[str, int]]:
    """Words and counts, most frequent first; Counter and sort both keep the order of first appearance."""
    counts = Counter(token for sentence in sentences for token in sentence)
    frequent = [(word, count) for word, count in counts.items() if count >= min_count]
    return sorted(frequent, key=lambda item: -item[1])


def expected_sentences(sentences: Sentences, min_count: int) -> list[list[str]]:
    """Sentences without rare words, and without those that are empty then."""
    words = {word for word, _ in expected_counts(sentences, min_count)}
    kept = ([token for token in sentence if token in words] for sentence in sentences)
    return [sentence for sentence in kept if sentence]


def decoded(vocabulary: Vocabulary, corpus: EncodedCorpus) -> list[list[str]]:
    """An encoded corpus as words again."""
    borders = zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
    return [[vocabulary.words[i] for i in corpus.ids[begin:end]] for begin, end in borders]


def assert_encodes(
    encoded: tuple[Vocabulary, EncodedCorpus], sentences: Sentences, min_count: int = 1
) -> None:
    """Checks every word, count, id and offset against plain Python."""
    vocabulary, corpus = encoded
    counts = list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert counts == expected_counts(sentences, min_count)
    assert decoded(vocabulary, corpus) == expected_sentences(sentences, min_count)
    assert vocabulary.raw_tokens == corpus.raw_tokens == sum(map(len, sentences))
    assert corpus.offsets[0] == 0
    assert corpus.offsets[-1] == corpus.tokens == len(corpus.ids)
