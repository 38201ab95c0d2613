"""What may be trained on: sentences of every form, words of every kind."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
import two_groups
from gensim.models.word2vec import LineSentence, PathLineSentences
from small_models import SENTENCES, TINY, TOKENS, built, equal_models

from full_w2v import Word2Vec


class Restartable:
    def __iter__(self) -> Iterator[list[str]]:
        return iter(SENTENCES)


@pytest.mark.usefixtures("no_gensim_training")
@pytest.mark.parametrize("source", ["list", "tuples", "restartable", "line sentence", "corpus file"])
def test_sentences_may_come_in_every_form(corpus: Path, source: str) -> None:
    sources: dict[str, dict[str, object]] = {
        "list": {"sentences": SENTENCES},
        "tuples": {"sentences": tuple(map(tuple, SENTENCES))},
        "restartable": {"sentences": Restartable()},
        "line sentence": {"sentences": gensim.models.word2vec.LineSentence(str(corpus))},
        "corpus file": {"corpus_file": str(corpus)},
    }
    model = Word2Vec(**sources[source], **TINY)
    assert isinstance(model.wv, gensim.models.KeyedVectors)
    expected = Word2Vec(SENTENCES, **TINY)
    assert model.wv.index_to_key == expected.wv.index_to_key
    np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)
    np.testing.assert_array_equal(model.syn1neg, expected.syn1neg)


def test_sentences_of_any_length_train_whole() -> None:
    # gensim would drop all words after the first 10,000.
    line = [word for sentence in SENTENCES for word in sentence]
    assert len(line) > 10_000
    model = Word2Vec(**TINY)
    model.build_vocab([line])
    assert model.train([line], total_examples=1, epochs=1) == (TOKENS, TOKENS)


def test_train_reads_a_generator_once() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab(sentence for sentence in SENTENCES)
    model.train((sentence for sentence in SENTENCES), total_examples=1200, epochs=2)
    np.testing.assert_array_equal(model.wv.vectors, Word2Vec(SENTENCES, **TINY).wv.vectors)


class ByItself:
    """A word whose only equal is itself."""


def test_words_may_be_any_hashable_objects() -> None:
    pool: list[Any] = [1, 2.5, ("a", 1), None, "text", "\0", "\ud800", "\x000", ByItself(), frozenset({1})]
    draw = random.Random(3)
    sentences = [draw.choices(pool, k=12) for _ in range(200)]
    ours, theirs = Word2Vec(**TINY), gensim.models.Word2Vec(**TINY)
    for model in (ours, theirs):
        model.build_vocab(sentences)
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    before = ours.wv.vectors.copy()
    assert ours.train(sentences, total_examples=200, epochs=1) == (2400, 2400)
    assert (before != ours.wv.vectors).any(axis=1).all()


def test_numbers_of_words_train_like_their_texts() -> None:
    numbers = [[int(word[1:]) + 100 * (word[0] == "b") for word in sentence] for sentence in SENTENCES]
    arrays = [np.array(sentence) for sentence in numbers]
    texts = [list(map(str, sentence)) for sentence in numbers]
    expected = Word2Vec(texts, **TINY)
    for sentences in (numbers, arrays):
        model = Word2Vec(sentences, **TINY)
        assert list(map(str, model.wv.index_to_key)) == expected.wv.index_to_key
        np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)


def test_sentences_that_are_strings_are_warned_of_and_taken_apart(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(["GATTACA", "CATTAG"] * 20, **TINY)
    assert sorted(model.wv.index_to_key) == ["A", "C", "G", "T"]
    assert "Each 'sentences' item should be a list of words" in caplog.text
    assert "pass sentence.split() for words" in caplog.text


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_gensims_readers_of_lines_are_read_as_the_files_they_name(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bz2
    import gzip

    pack: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress}
    folder = tmp_path / "corpus"
    folder.mkdir()
    half = len(SENTENCES) // 2
    for name, part in (("1.txt", SENTENCES[:half]), ("2.txt", SENTENCES[half:])):
        text = "\n".join(map(" ".join, part)).encode()
        (folder / f"{name}{suffix}").write_bytes(pack.get(suffix, bytes)(text))
    expected = Word2Vec(SENTENCES, **TINY)
    monkeypatch.setattr(PathLineSentences, "__iter__", lambda _: pytest.fail("read line by line"))
    assert equal_models(Word2Vec(PathLineSentences(str(folder)), **TINY), expected)


def test_a_reader_of_some_lines_is_iterated_over(tmp_path: Path) -> None:
    path = str(two_groups.write(tmp_path / "corpus.txt"))
    some = Word2Vec(LineSentence(path, limit=100), **TINY)
    assert some.corpus_count == 100
    short = Word2Vec(LineSentence(path, max_sentence_length=6), **TINY)
    assert short.corpus_count == 2 * len(SENTENCES)


def test_the_constructor_reads_its_corpus_once() -> None:
    class Counting:
        readings = 0

        def __iter__(self) -> Iterator[list[str]]:
            self.readings += 1
            return iter(SENTENCES)

    sentences = Counting()
    model = Word2Vec(sentences, **TINY)
    assert sentences.readings == 1
    assert equal_models(model, Word2Vec(SENTENCES, **TINY))
    model.train(sentences, total_examples=model.corpus_count, epochs=3)
    assert sentences.readings == 2


def test_a_corpus_without_known_words_trains_nothing(caplog: pytest.LogCaptureFixture) -> None:
    model = built()
    before = model.wv.vectors.copy()
    assert model.train([["unknown"], []], total_examples=2, epochs=3) == (0, 3)
    np.testing.assert_array_equal(model.wv.vectors, before)
    assert "holds no word of the vocabulary" in caplog.text
