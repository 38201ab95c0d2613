"""Vocabularies as files and values: saved, loaded, merged, restricted, and taken as they are."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import full_w2v
from full_w2v.encoding.vocabulary_file import load_vocabulary, save_vocabulary
from full_w2v.errors import ConfigError, FormatError
from full_w2v.vocabulary import Vocabulary

COUNTS = {"the": 5, "é": 9, "한국": 5, "x": 1}


def entries(vocabulary):
    return list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))


@pytest.mark.parametrize("name", ["v.txt", "v.jsonl", "vocabulary"])
def test_a_saved_vocabulary_loads_again(tmp_path, name):
    vocabulary = Vocabulary.from_counts(COUNTS)
    save_vocabulary(vocabulary, tmp_path / name)
    assert entries(load_vocabulary(tmp_path / name)) == [("é", 9), ("the", 5), ("한국", 5), ("x", 1)]
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    assert entries(load_vocabulary(packed)) == entries(vocabulary)


def test_text_is_word2vecs(tmp_path):
    path = tmp_path / "v.txt"
    save_vocabulary(Vocabulary.from_counts({"b": 2, "a": 3}), path)
    assert path.read_bytes() == b"a 3\nb 2\n"
    path.write_bytes(b"</s> 40\na 3\r\nb 2\n")  # with line ends, as word2vec.c counts them
    assert entries(load_vocabulary(path)) == [("a", 3), ("b", 2)]


@given(words=st.lists(st.text(min_size=0, max_size=8), min_size=1, unique=True))
def test_json_lines_hold_any_word(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("v") / "v.jsonl"
    vocabulary = Vocabulary.from_counts({word: len(words) - i for i, word in enumerate(words)})
    save_vocabulary(vocabulary, path)
    assert entries(load_vocabulary(path)) == entries(vocabulary)
    if any(word.split() != [word] for word in words):
        with pytest.raises(FormatError, match="empty or contains white space"):
            save_vocabulary(vocabulary, path.with_suffix(".txt"))
        assert not path.with_suffix(".txt").exists()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("v.txt", b"a 3\nb\n", "line 2 is b'b'; expected a word, a space and its count"),
        ("v.txt", b"a 0\n", "line 1 has the count 0"),
        ("v.txt", b"a 99999999999999999999\n", "expected a word, a space and its count"),
        ("v.txt", b"a 2\na 1\n", "line 2 repeats the word 'a'"),
        ("v.txt", b"\xff 2\n", "is not UTF-8"),
        ("v.txt", b"\n", "holds no words"),
        ("v.txt.gz", b"a 3\n", "the gzip data ends too early"),
        ("v.jsonl", b'{"word": "a", "count": 2}\n{"word": "b"}\n', "line 2 is b"),
        ("v.jsonl", b'{"word": "a", "count": "2"}\n', "expected"),
        ("v.jsonl", b'{"word": "a", "count": -2}\n', "has the count -2"),
        ("v.jsonl", b"[1]\n", "expected"),
        ("v.jsonl", b"{\n", "expected"),
    ],
)
def test_files_that_are_no_vocabulary(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatError) as error:
        load_vocabulary(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(data=st.binary(max_size=80), suffix=st.sampled_from([".txt", ".jsonl"]))
def test_random_bytes_are_an_error_or_a_vocabulary(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("v") / f"v{suffix}"
    path.write_bytes(data)
    try:
        counts = load_vocabulary(path).counts
    except FormatError:
        counts = np.array([1])
    assert counts.min() > 0


def test_merging_adds_counts():
    one, two = Vocabulary.from_counts(COUNTS), Vocabulary.from_counts({"x": 7, "new": 5}, min_count=6)
    merged = one.merged(two)
    assert entries(merged) == [("é", 9), ("x", 8), ("the", 5), ("한국", 5)]
    assert merged.raw_tokens == 20 + 12


def test_restricting_keeps_what_is_asked_for():
    vocabulary = Vocabulary.from_counts(COUNTS)
    assert vocabulary.restricted(min_count=5).words == ["é", "the", "한국"]
    assert vocabulary.restricted(max_final_vocab=2).words == ["é"]  # the second and third tie
    assert vocabulary.restricted(words=["x", "the", "none"]).words == ["the", "x"]
    assert vocabulary.restricted(min_count=2).raw_tokens == 20


def test_counts_that_are_wrong():
    with pytest.raises(ConfigError, match="a count must be between 1 and"):
        Vocabulary.from_counts({"a": 0})
    with pytest.raises(ConfigError, match="a count must be a whole number"):
        Vocabulary.from_counts({"a": 1.5})


def test_a_given_vocabulary_is_taken_as_it_is(tmp_path):
    vocabulary = Vocabulary.from_counts({"b": 50, "a": 40, "never": 3})
    path = tmp_path / "v.jsonl"
    save_vocabulary(vocabulary, path)
    sentences = [["a", "b", "c"]] * 9
    for given_vocabulary in (vocabulary, path):
        result = full_w2v.train(sentences, vocabulary=given_vocabulary, vector_size=4, epochs=1)
        assert entries(result.model.vocabulary) == entries(vocabulary)
        assert result.report.raw_words == 27


def test_the_command_saves_merges_and_restricts(tmp_path, capsys):
    from full_w2v.cli import main

    corpus, one, two = tmp_path / "corpus.txt", tmp_path / "1.txt", tmp_path / "2.jsonl"
    corpus.write_text("a b a c\nc a\n")
    assert main(["vocab", str(corpus), "--min-count", "1", "--output", str(one)]) == 0
    assert one.read_text() == "a 3\nc 2\nb 1\n"
    two.write_text('{"word": "b", "count": 9}\n{"word": "d", "count": 1}\n')
    merge = ["vocabulary", "--counts", str(one), str(two), "--min-count", "2", "--json"]
    assert main(merge) == 0
    assert json.loads(capsys.readouterr().out) == {"b": 10, "a": 3, "c": 2}
    assert main([*merge, "--only", str(one), "--max-final-vocab", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"b": 10}
    output = tmp_path / "v.safetensors"
    train = ["train", str(corpus), "--vocab", str(two), "--output", str(output), "--quiet"]
    assert main([*train, "--vector-size", "4", "--epochs", "1"]) == 0
    assert entries(full_w2v.load_model(output).vocabulary) == [("b", 9), ("d", 1)]


@pytest.mark.parametrize(
    "line",
    ["{} {}\n", "{}  {}\n", "{:<9}{:>7}\n", "{}\t{}\n", "{} \t {} \n", "  {} {}\r\n", "\n{} {}\n"],
    ids=repr,
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_columns_may_be_padded_and_separated_by_tabs(tmp_path, line, mark):
    path = tmp_path / "v.txt"
    path.write_text(mark + "".join(line.format(word, count) for word, count in COUNTS.items()), newline="")
    assert entries(load_vocabulary(path)) == [("é", 9), ("the", 5), ("한국", 5), ("x", 1)]


@given(counts=st.dictionaries(st.text("ab\ufeffé", min_size=1, max_size=3), st.integers(1, 9), min_size=1))
def test_a_byte_order_mark_before_any_line_changes_no_word(tmp_path_factory, counts):
    counts = {word: count for word, count in counts.items() if not word.startswith("\ufeff")} or {"a": 1}
    folder = tmp_path_factory.mktemp("v")
    vocabulary = Vocabulary.from_counts(counts)
    for name in ("v.txt", "v.jsonl"):
        save_vocabulary(vocabulary, folder / name)
        text = (folder / name).read_text()
        (folder / name).write_text("\ufeff" + text.replace("\n", "\n\ufeff\ufeff"))
        assert entries(load_vocabulary(folder / name)) == entries(vocabulary)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_first_entry_for_line_ends_is_left_out(tmp_path, count):
    path = tmp_path / "v.txt"
    path.write_text(f"</s> {count}\na 3\nb 2\n")
    assert entries(load_vocabulary(path)) == [("a", 3), ("b", 2)]
    path.write_text(f"</s> {count}\na 3\n</s> 2\n")
    assert entries(load_vocabulary(path)) == [("a", 3), ("</s>", 2)]
    path.write_text("</s> 0\n")
    with pytest.raises(FormatError, match="holds no words"):
        load_vocabulary(path)


@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("others", [{}, {"a": 2, "b": 1}])
def test_a_word_of_the_corpus_that_is_spelt_like_a_line_end_is_kept(tmp_path, count, others):
    vocabulary = Vocabulary.from_counts({"</s>": count, **others})
    for name in ("v.txt", "v.jsonl"):
        save_vocabulary(vocabulary, tmp_path / name)
        loaded = load_vocabulary(tmp_path / name)
        assert dict(entries(loaded)) == dict(entries(vocabulary))


def test_counts_that_add_up_to_more_than_numbers_hold(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text(f"a {2**62}\nb {2**62 - 1}\n")
    half = load_vocabulary(path)
    assert half.tokens == 2**63 - 1
    path.write_text(f"a {2**62}\nb {2**62}\n")
    with pytest.raises(FormatError, match=f"{path}: the counts add up to {2**63}; expected less than"):
        load_vocabulary(path)
    with pytest.raises(ConfigError, match="the counts must add up to less than"):
        half.merged(Vocabulary.from_counts({"c": 1}))


def test_messages_name_the_line_of_the_file(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("\n\na 3\n\nnew york 2\n")
    with pytest.raises(FormatError, match=r"line 5 is .*words with white space need \.jsonl"):
        load_vocabulary(path)


@pytest.mark.parametrize(
    ("text", "expected"), [("a </s>\na </s>\n", {"a": 2, "</s>": 2}), ("a b\n", {"a": 1})]
)
def test_a_first_line_end_chooses_the_word_where_the_corpus_has_it(tmp_path, capsys, text, expected):
    from full_w2v.cli import main

    corpus, only = tmp_path / "corpus.txt", tmp_path / "only.txt"
    corpus.write_text(text)
    only.write_text("\ufeff</s> 0\na 1\n")
    options = ["--only", str(only), "--min-count", "1", "--json", "--quiet"]
    assert main(["vocabulary", str(corpus), *options]) == 0
    assert json.loads(capsys.readouterr().out) == expected
