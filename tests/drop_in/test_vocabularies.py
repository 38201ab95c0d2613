"""Vocabularies: the same words, counts and order as gensim's."""

import random
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
import two_groups
from gensim.utils import RULE_DEFAULT, RULE_DISCARD
from small_models import SENTENCES, TINY, TOKENS, built

from full_w2v import Word2Vec


def test_a_sample_from_1_upwards_is_a_count() -> None:
    # gensim's formula: words are kept less often above 2.618 * sample * 2.618 occurrences.
    counts = {word: sum(sentence.count(word) for sentence in SENTENCES) for word in two_groups.GROUPS["a"]}
    assert min(counts.values()) > 250
    settings = {**TINY, "epochs": 1}
    for sample, all_kept in ((1, False), (30, False), (1000, True)):
        ours, theirs = (kind(**{**settings, "sample": sample}) for kind in (Word2Vec, gensim.models.Word2Vec))
        trained = []
        for model in (ours, theirs):
            model.build_vocab(SENTENCES)
            trained.append(model.train(SENTENCES, total_examples=1200, epochs=1)[0])
        assert (trained[0] == TOKENS) is all_kept
        # Two binomial counts of at least 1,000 words: 5 standard deviations of their difference.
        assert abs(trained[0] - trained[1]) <= 5 * np.sqrt(2 * trained[1])


def test_new_words_can_be_added() -> None:
    model = Word2Vec(SENTENCES, **TINY)
    more = [["new", "words", *sentence] for sentence in SENTENCES[:100]]
    model.build_vocab(more, update=True)
    assert len(model.wv) == 42
    before = model.wv["new"].copy()
    model.train(more, total_examples=len(more), epochs=1)
    assert not np.array_equal(model.wv["new"], before)


@pytest.mark.parametrize("settings", [{"sorted_vocab": 0}, {"null_word": 1}, {"max_final_vocab": 20}])
def test_vocabularies_of_every_kind_train(settings: dict[str, Any]) -> None:
    model = Word2Vec(SENTENCES, **TINY, **settings)
    untrained = Word2Vec(**TINY, **settings)
    untrained.build_vocab(SENTENCES)
    changed = (model.wv.vectors != untrained.wv.vectors).any(axis=1)
    assert changed.sum() == len(model.wv) - settings.get("null_word", 0)


def test_counts_may_come_from_elsewhere() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab_from_freq({f"{group}{i}": 400 - i for group in "ab" for i in range(20)})
    assert model.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def zipf_sentences() -> list[list[str]]:
    """Sentences with frequent words, rare ones, ties, empty sentences and words of many alphabets."""
    draw = random.Random(5)
    words = [f"w{i}" for i in range(300)] + ["naïve", "東京", "new york", "", "\u00a0", "😀"]
    weights = [1 / (1 + i) for i in range(len(words))]
    return [draw.choices(words, weights, k=draw.randrange(30)) for _ in range(400)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"min_count": 1},
        {"min_count": 20},
        {"sorted_vocab": 0},
        {"max_final_vocab": 50},
        {"max_vocab_size": 60},
        {"null_word": 1},
        {"sample": 1e-3},
        {"ns_exponent": -0.5},
        {"hs": 1, "negative": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("as_file", [False, True], ids=["list", "file"])
def test_build_vocab_makes_what_gensims_does(tmp_path: Path, settings: dict[str, Any], as_file: bool) -> None:
    corpus: dict[str, Any] = {"corpus_iterable": zipf_sentences()}
    if as_file:
        path = tmp_path / "corpus.txt"
        path.write_text("\n".join(map(" ".join, zipf_sentences())), encoding="utf-8")
        corpus = {"corpus_file": str(path)}
    ours, theirs = (kind(**{**TINY, **settings}) for kind in (Word2Vec, gensim.models.Word2Vec))
    for model in (ours, theirs):
        model.build_vocab(keep_raw_vocab=True, **corpus)
    assert list(ours.raw_vocab.items()) == list(theirs.raw_vocab.items())
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    assert (ours.corpus_count, ours.corpus_total_words) == (theirs.corpus_count, theirs.corpus_total_words)
    for name in ("count", "sample_int"):
        np.testing.assert_array_equal(ours.wv.expandos[name], theirs.wv.expandos[name])
    np.testing.assert_array_equal(ours.wv.vectors, theirs.wv.vectors)
    if ours.negative:
        # NumPy's power and Python's may differ in the last bit of 53, which 2^31 - 1 steps do not show twice.
        assert np.abs(ours.cum_table.astype(np.int64) - theirs.cum_table).max() <= 1


def test_gensims_own_way_to_set_attributes_of_words_is_left_as_it_was() -> None:
    model = built()
    assert "set_vecattr" not in vars(model.wv)
    model.wv.set_vecattr("a1", "kind", "letter")
    assert model.wv.get_vecattr("a1", "kind") == "letter"


def test_a_trim_rule_chooses_words() -> None:
    def rule(word: str, count: int, min_count: int) -> int:
        assert count >= 1
        assert min_count == 5
        return RULE_DISCARD if word.startswith("a") else RULE_DEFAULT

    model = Word2Vec(SENTENCES, trim_rule=rule, **TINY)
    assert sorted(model.wv.index_to_key) == sorted(two_groups.GROUPS["b"])
