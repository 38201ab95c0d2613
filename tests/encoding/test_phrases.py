"""Phrases: the pairs, scores and joined text of gensim's Phrases and of word2phrase's formula."""

import json
import random
import signal
from collections import Counter
from itertools import groupby, pairwise

import numpy as np
import pytest
from corpora import decoded
from gensim.models.phrases import Phrases as GensimPhrases
from hypothesis import given, settings
from hypothesis import strategies as st

import full_w2v
from full_w2v import _native
from full_w2v.cli import main
from full_w2v.corpus import open_corpus
from full_w2v.encoding import phrases as module
from full_w2v.encoding.encoded_corpus import LEAST_MEMORY, encode_corpus
from full_w2v.encoding.phrases import PhraseSettings, find_phrases, join_phrases, sentences_of
from full_w2v.encoding.preparation import Preparation, prepare
from full_w2v.errors import ConfigError

words = st.sampled_from("abcdefg")
sentences = st.lists(st.lists(words, min_size=1, max_size=9), min_size=1, max_size=40)


def found(text, **wanted):
    vocabulary, corpus = encode_corpus(open_corpus(text), min_count=1)
    phrases = find_phrases(vocabulary, corpus, PhraseSettings(**wanted), threads=2)
    names = [
        (vocabulary.words[a], vocabulary.words[b]) for a, b in zip(phrases.first, phrases.second, strict=True)
    ]
    return vocabulary, corpus, phrases, names


@given(text=sentences, min_count=st.integers(1, 3), threshold=st.sampled_from([0.1, 0.5, 2.0]))
def test_scores_and_joined_text_are_gensims(text, min_count, threshold):
    vocabulary, corpus, phrases, names = found(text, min_count=min_count, threshold=threshold, score="gensim")
    model = GensimPhrases(text, min_count=min_count, threshold=threshold)
    scores = {f"{a}_{b}": score for (a, b), score in zip(names, phrases.scores.tolist(), strict=True)}
    assert scores == pytest.approx(model.export_phrases())
    assert decoded(*join_phrases(vocabulary, corpus, phrases)) == [model[sentence] for sentence in text]


@given(text=sentences)
def test_the_score_is_word2phrases(text):
    _, _, phrases, names = found(text, min_count=1, threshold=0.0)
    single = Counter(word for sentence in text for word in sentence)
    pairs = Counter(pair for sentence in text for pair in pairwise(sentence))
    expected = {
        (a, b): (count - 1) / single[a] / single[b] * sum(single.values())
        for (a, b), count in pairs.items()
        if count > 1
    }
    assert dict(zip(names, phrases.scores.tolist(), strict=True)) == pytest.approx(expected)
    assert {pair: pairs[pair] for pair in names} == dict(zip(names, phrases.counts.tolist(), strict=True))


@settings(max_examples=25)
@given(text=sentences, at_once=st.integers(1, 20), span=st.integers(1, 20))
def test_parts_and_spans_change_nothing(text, at_once, span):
    wanted = {"min_count": 1, "threshold": 0.3}
    vocabulary, corpus, phrases, names = found(text, **wanted)
    joined = decoded(*join_phrases(vocabulary, corpus, phrases))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAIRS_AT_ONCE", at_once)
        patch.setattr(module, "SPAN_TOKENS", span)
        vocabulary, corpus, phrases, again = found(text, **wanted)
        assert again == names
        assert decoded(*join_phrases(vocabulary, corpus, phrases)) == joined


def news():
    draw = random.Random(5)
    fill = [f"w{i}" for i in range(60)]
    lines = [draw.choices(fill, k=8) for _ in range(600)]
    for i, line in enumerate(lines):
        if i % 3 == 0:
            line[2:5] = ["new", "york", "times"]
    return lines


def test_two_passes_join_three_words():
    text = news()
    wanted = Preparation(min_count=3, phrases=PhraseSettings(passes=2, threshold=5.0))
    prepared = prepare(open_corpus(text), wanted)
    assert prepared.vocabulary.counts[prepared.vocabulary.ids["new_york_times"]] == 200
    assert "new" not in prepared.vocabulary
    assert prepared.encoded.raw_tokens == prepared.vocabulary.raw_tokens == 600 * 8
    assert np.bincount(prepared.encoded.ids).tolist() == prepared.vocabulary.counts.tolist()
    assert list(prepared.seconds) == ["vocabulary", "encode", "phrases"]


def test_a_memory_limit_counts_the_pairs_in_more_parts(monkeypatch):
    draw = np.random.default_rng(2)
    text = [[f"w{word}" for word in row] for row in draw.zipf(1.3, (1500, 20)) % 9000]
    vocabulary, corpus, free, _ = found(text, min_count=1, threshold=1.0)
    parts = []
    counted = module._native.count_pairs

    def spy(*arrays, **wanted):
        parts.append(wanted["parts"])
        return counted(*arrays, **wanted)

    monkeypatch.setattr(module._native, "count_pairs", spy)
    wanted = PhraseSettings(min_count=1, threshold=1.0)
    limited = find_phrases(vocabulary, corpus, wanted, threads=2, memory_limit=LEAST_MEMORY)
    assert parts == [30_000 // (LEAST_MEMORY // 2 // module.BYTES_PER_PAIR) + 1]
    assert len(free) > 0
    for name in ("first", "second", "counts", "scores"):
        np.testing.assert_array_equal(getattr(limited, name), getattr(free, name))


def test_every_phase_reports_how_far_it_is(monkeypatch):
    monkeypatch.setattr(module, "SPAN_TOKENS", 500)
    calls = []
    wanted = Preparation(min_count=3, phrases=PhraseSettings(passes=2, threshold=5.0))
    prepared = prepare(open_corpus(news()), wanted, lambda *call: calls.append(call))
    assert (
        len(list(sentences_of(prepared.vocabulary, prepared.encoded, lambda *call: calls.append(call))))
        == 600
    )
    phases = [phase for phase, group in groupby(name for name, _, _ in calls)]
    assert phases == ["vocabulary", "encode", *["pairs", "join"] * 2, "encode", "write"]
    for phase, group in groupby(calls, lambda call: call[0]):
        done, totals = zip(*[call[1:] for call in group], strict=True)
        assert list(done) == sorted(done)
        assert phase == "vocabulary" or done[-1] == totals[-1]
    joins = [call for call in calls if call[0] == "join"]
    assert len(joins) >= 2 * 2 * (600 * 7 // 500)  # two passes, each read twice, by spans


def test_a_rare_word_between_two_words_keeps_them_apart():
    text = [["new", f"rare{i}", "york"] for i in range(50)] + [["other"]] * 50
    prepared = prepare(open_corpus(text), Preparation(phrases=PhraseSettings(threshold=0.1)))
    assert set(prepared.vocabulary.words) == {"new", "york", "other"}
    assert decoded(prepared.vocabulary, prepared.encoded)[0] == ["new", "york"]


def test_the_commands(tmp_path, capsys):
    corpus, output = tmp_path / "corpus.txt", tmp_path / "joined.txt"
    corpus.write_text("\n".join(map(" ".join, news())))
    options = ["--phrases", "2", "--phrase-threshold", "5", "--quiet"]
    assert main(["phrases", str(corpus), "--output", str(output), *options]) == 0
    lines = output.read_text().splitlines()
    assert len(lines) == 600
    assert sum("new_york_times" in line for line in lines) == 200
    vectors = tmp_path / "v.txt"
    train = ["train", str(corpus), "--output", str(vectors), "--vector-size", "4", "--epochs", "1", "--json"]
    assert main([*train, *options, "--cache", str(tmp_path / "cache")]) == 0
    assert "new_york_times" in full_w2v.load_embeddings(vectors)
    report = json.loads(capsys.readouterr().out)
    assert report["settings"]["phrases"]["passes"] == 2
    assert main(["phrases", str(corpus), "--output", str(corpus)]) == 2
    assert "would be overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [{"passes": 0}, {"threshold": -1.0}, {"score": "npmi"}, {"delimiter": " "}, {"min_count": -1}]
)
def test_settings_that_are_wrong(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must"):
        PhraseSettings(**wrong)


def test_phrases_need_words_that_are_counted():
    with pytest.raises(ConfigError, match="give either phrases or vocabulary"):
        Preparation(phrases=PhraseSettings(), vocabulary="words.txt")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signals_are_handled_while_a_long_sentence_is_joined():
    """A signal that comes again and again is handled once when the call returns, and before only by polls."""
    ids = np.random.default_rng(1).integers(0, 5000, 6_000_000).astype(np.int32)
    joiner = _native.PhraseJoiner(np.arange(999, dtype=np.int32), np.ones(999, np.int32), first_id=5000)
    calls = []
    before = signal.signal(signal.SIGALRM, lambda *_: calls.append(len(calls)))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        joiner.join(ids, np.array([0, len(ids)]))
        during = len(calls)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert during > 5
