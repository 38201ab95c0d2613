"""What files and Python objects mean as a corpus: marks, JSON, outputs in folders, paths, numbers."""

import json
import logging
import os
import time
from pathlib import Path
from threading import Thread

import numpy as np
import orjson
import pytest
from corpora import assert_encodes
from hypothesis import given, settings
from hypothesis import strategies as st

import full_w2v
from full_w2v.cli import main
from full_w2v.corpus import open_corpus
from full_w2v.corpus.own_outputs import has_vector_header
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.errors import ConfigError, CorpusError, FullW2VError

TINY = {"min_count": 1, "vector_size": 4, "epochs": 1, "sample": 0, "threads": 1}
SENTENCES = [["a", "b", "c"], ["b", "a"]]


def encode(source, **reading):
    return encode_corpus(open_corpus(source, **reading), min_count=1, threads=1)


def failure(source, **reading):
    with pytest.raises((CorpusError, ConfigError)) as error:
        count_corpus(open_corpus(source, **reading), min_count=1, threads=1)
    assert "\n" not in str(error.value)
    return str(error.value)


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


READINGS = [
    {},
    {"lowercase": True},
    {"pattern": r"\S+"},
    {"sentences": "document"},
    {"pattern": r"\S+", "sentences": "document"},
    {"sentences": 2},
]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@settings(max_examples=30)
@given(lines=st.lists(st.text("ab\ufeffé ", max_size=9), min_size=1, max_size=6), marks=st.integers(0, 2**6))
def test_a_byte_order_mark_before_a_line_changes_no_word(tmp_path_factory, reading, lines, marks):
    folder = tmp_path_factory.mktemp("t")
    lines = [line.lstrip("\ufeff") for line in lines] + ["end"]
    marked = "\n".join("\ufeff" * (marks >> i & 1) + line for i, line in enumerate(lines))
    plain, joined = write(folder / "p", "\n".join(lines)), write(folder / "j", marked)
    (words, expected), (found_words, found) = encode(plain, **reading), encode(joined, **reading)
    assert words.words == found_words.words
    np.testing.assert_array_equal(expected.ids, found.ids)
    np.testing.assert_array_equal(expected.offsets, found.offsets)


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_byte_order_marks_in_json_lines_are_skipped(tmp_path, suffix):
    path = write(tmp_path / f"t{suffix}", '\ufeff{"text": "a b c"}\n\ufeff"b a"\n')
    assert_encodes(encode(path), SENTENCES)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"text": "a b c"}, {"text": "b a"}]),
        json.dumps([{"text": "a b c"}, {"text": "b a"}], indent=2),
        json.dumps(["a b c", "b a"]),
        json.dumps(SENTENCES),
        json.dumps(SENTENCES, indent=1),
        '["a", "b", "c"]\n["b", "a"]\n',
        '"a b c"\n\n"b a"',
        '{"text": "a b c"}\n{"text": "b a"}\n',
        json.dumps({"text": "a b c\nb a"}, indent=2),
        "\ufeff" + json.dumps(["a b c", "b a"], indent=4),
    ],
)
def test_json_files_are_arrays_or_lines(tmp_path, text):
    assert_encodes(encode(write(tmp_path / "t.json", text)), SENTENCES)
    assert_encodes(encode(write(tmp_path / "t", text), format="json"), SENTENCES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"text": "a"},\n', "line 1 starts neither a JSON array nor JSON lines"),
        ("a b c\n", "neither a JSON array nor JSON lines"),
        ('[{"text": "a"}, {"body": 1}]', "item 1 has no column 'text'"),
        ('"a"\n"b\n', "line 2 is not JSON"),
        ('\n\n"a"\n"\\u0000"\n', "line 4 holds a NUL"),
        ("", "holds no tokens"),
    ],
)
def test_json_that_is_wrong_is_one_error(tmp_path, text, message):
    path = write(tmp_path / "t.json", text)
    assert failure(path).startswith(f"{path}: ")
    assert message in failure(path)


@pytest.mark.parametrize("reading", [{}, {"pattern": r"\S+"}, {"lowercase": True}])
def test_a_nul_in_json_lines_names_its_line(tmp_path, reading):
    records = ["a\nb\nc", None, "d\ne", "f\0", "g"]
    path = write(tmp_path / "t.jsonl", "\n".join(orjson.dumps({"text": r}).decode() for r in records))
    assert failure(path, **reading) == f"{path}: line 4 holds a NUL; read with errors='replace'"
    assert "record 3 holds a NUL" in failure([{"text": r} for r in records], column="text", **reading)


def test_a_nul_in_text_for_a_pattern_names_file_and_line(tmp_path):
    path = write(tmp_path / "t", "a\nb\n\0\n")
    assert failure(path, pattern=".+").startswith(f"{path}: line 3 holds a NUL")


def outputs_in(folder):
    """Every kind of file that the package writes, in a folder with a corpus of one file."""
    write(folder / "corpus.txt", "a b c d\nb a c d\n" * 3)
    result = full_w2v.train(folder, cache=folder / "cache", **TINY)
    for suffix in (".txt", ".vec", ".bin", ".kv", ".safetensors", ".glove.txt", ".npz", ".tsv"):
        result.save(folder / f"vectors{suffix}")
    for name in ("vocabulary", "vocabulary.txt", "vocabulary.jsonl"):
        options = ["--min-count", "1", "--quiet", "--output", str(folder / name)]
        assert main(["vocabulary", str(folder / "corpus.txt"), *options]) == 0
    return result


@pytest.mark.parametrize("vector_size", [1, 4, 700])
def test_what_was_written_into_a_corpus_folder_does_not_become_corpus(tmp_path, caplog, vector_size):
    write(tmp_path / "corpus.txt", "a b c d\nb a c d\n" * 3)
    result = outputs_in(tmp_path)
    full_w2v.train(tmp_path / "corpus.txt", **TINY | {"vector_size": vector_size}).save(tmp_path / "more.txt")
    with caplog.at_level(logging.WARNING):
        again = full_w2v.train(tmp_path, cache=tmp_path / "cache", **TINY)
    assert again.corpus_files == (str(tmp_path / "corpus.txt"),)
    assert again.report.raw_words == result.report.raw_words
    assert "cache" in caplog.text
    assert "name a file to read it" in caplog.text
    assert_encodes(encode(str(tmp_path / "*.txt")), [list("abcd"), list("bacd")] * 3)
    output = tmp_path / "vectors.txt"
    options = ["--output", str(output), "--quiet", "--min-count", "1", "--vector-size", "4", "--sample", "0"]
    assert main(["train", str(tmp_path), *options]) == 0  # the same output again


def test_a_folder_of_outputs_alone_is_an_error(tmp_path):
    write(tmp_path / "v.txt", "2 3\na 1 2 3\nb 4 5 6\n")
    assert "holds no text, only" in failure(tmp_path)


def test_vectors_that_are_named_as_a_corpus_are_refused(tmp_path):
    path = write(tmp_path / "v.txt", "2 3\na 1 2 3\nb 4 5 6\n")
    assert "holds word vectors, not a corpus" in failure(path)
    assert encode(path, format="text")[1].tokens == 10


@pytest.mark.parametrize(
    "text",
    ["2 3\na b c d\n", "10 200\n", "1984 5\n7 8\n", "a 1\nb 2\n", "word 5\n", "1.5 2.5 3.5\n", "x\n3 4"],
)
def test_text_with_numbers_stays_text(tmp_path, text):
    write(tmp_path / "t.txt", text)
    assert_encodes(encode(tmp_path), [line.split() for line in text.splitlines()])


def test_a_list_of_strings_without_files_names_the_remedy(tmp_path):
    for texts in (["a b", "c d"], ["cat", "dog"], ["a b c"]):
        message = failure(texts)
        assert "strings are treated as paths; a sentence must be a list of tokens" in message
        assert "text.split()" in message
    assert failure(["missing"]) == "missing: no such file"
    path = write(tmp_path / "there.txt", "a b c\nb a\n")
    assert "missing words: no such file" in failure([str(path), "missing words"])


@pytest.mark.parametrize("split", [{"tokenizer": str.split}, {"pattern": r"\S+"}])
def test_a_list_of_strings_is_text_where_something_splits_it(tmp_path, split):
    assert_encodes(encode(["a b c", "b a"], **split), SENTENCES)
    assert_encodes(encode(("a b c", "b a"), **split), SENTENCES)
    path = write(tmp_path / "there.txt", "a b c\nb a\n")
    assert_encodes(encode([str(path)], **split), SENTENCES)
    for wrong in ("mistyped.txt", "folder/mistyped", "http://x/y"):
        with pytest.raises(FullW2VError):
            encode([wrong, "a b"], **split)


def test_the_command_takes_every_argument_for_a_path(capsys):
    arguments = ["vocabulary", "no such", "files", "--pattern", r"\w", "--min-count", "1"]
    assert main(arguments) == 1
    assert "no such: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
def test_whole_numbers_are_words(tmp_path, kind):
    sentences = [[kind(1), kind(2), kind(3)], [kind(2), kind(1), "x"]]
    expected = [["1", "2", "3"], ["2", "1", "x"]]
    assert_encodes(encode(sentences), expected)
    assert_encodes(encode(({"ids": s} for s in sentences), column="ids"), expected)
    assert set(full_w2v.train(sentences, **TINY).embeddings.words) == {"1", "2", "3", "x"}
    assert_encodes(encode(np.array([[1, 2], [2, 1]])), [["1", "2"], ["2", "1"]])
    assert_encodes(encode(write(tmp_path / "t.jsonl", "[1, 2, 3]\n[2]\n")), [["1", "2", "3"], ["2"]])


@pytest.mark.parametrize("token", [True, None, 1.5, b"a", (1, 2)])
def test_tokens_that_are_neither_text_nor_whole_numbers_are_refused(token):
    assert f"token of type {type(token).__name__} at 1" in failure([["a", token]])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(?=(\w{3}))", ["ACG", "CGT", "GTA"]),
        (r"\w(?=(\w)?)", ["C", "G", "T", "A"]),
        (r"(?:A|C)G?", ["A", "CG", "A"]),
        (r"(A)|CG", ["A", "A"]),
    ],
)
def test_a_patterns_group_is_the_token(tmp_path, pattern, words):
    assert_encodes(encode(write(tmp_path / "t", "ACGTA\n"), pattern=pattern), [words])
    assert_encodes(encode(["ACGTA"], pattern=pattern), [words])


def test_a_pattern_with_two_groups_is_refused():
    with pytest.raises(ConfigError, match="pattern must have at most one group"):
        full_w2v.train(["ab"], pattern="(a)(b)")


class OwnError(ValueError):
    """A user's own."""


def raising(*_):
    raise OwnError("mine")
    yield  # a generator


def raising_at_once(*_):
    raise OwnError("mine")


USERS_CODE = {
    "sentences": lambda: full_w2v.train(raising(), **TINY),
    "a sentence": lambda: full_w2v.train([["a"], raising()], **TINY),
    "a sentence in lower case": lambda: full_w2v.train([["a"], raising()], lowercase=True, **TINY),
    "records": lambda: full_w2v.train(raising(), column="text", **TINY),
    "a tokenizer": lambda: full_w2v.train(["a b"], tokenizer=raising_at_once, **TINY),
    "tokens": lambda: full_w2v.train(["a b"], tokenizer=raising, **TINY),
    "on_phase": lambda: full_w2v.train([["a"]], on_phase=raising_at_once, **TINY),
    "on_vocabulary": lambda: full_w2v.train([["a"]], on_vocabulary=raising_at_once, **TINY),
}


@pytest.mark.parametrize("place", USERS_CODE)
def test_what_the_users_code_raises_passes_through(place):
    with pytest.raises(OwnError) as error:
        USERS_CODE[place]()
    assert type(error.value) is OwnError
    assert error.value.args == ("mine",)
    assert error.traceback[-1].name in ("raising", "raising_at_once")


class Sentences:
    """Raises behind its first sentence."""

    def __iter__(self):
        yield ["a"]
        raise OwnError("mine")


@pytest.mark.parametrize("sentences", [Sentences, lambda: [["a"], raising()]])
def test_what_the_users_code_raises_passes_through_the_drop_in(sentences):
    gensim_like = pytest.importorskip("full_w2v.drop_in.word2vec")
    with pytest.raises(OwnError):
        gensim_like.Word2Vec(sentences(), vector_size=4, min_count=1, workers=1)


def tiny_files(folder, number):
    folder.mkdir()
    for i in range(number):
        write(folder / f"{i:04}.txt", f"a b w{i % 50}\nc\n")
    return folder


def seconds_to_read(folder):
    began = time.perf_counter()
    encode(folder)
    return time.perf_counter() - began


def test_many_tiny_files_give_what_one_file_of_them_gives_in_proportional_time(tmp_path):
    few, many = tiny_files(tmp_path / "few", 250), tiny_files(tmp_path / "many", 1000)
    whole = write(tmp_path / "whole", "".join(file.read_text() for file in sorted(many.iterdir())))
    (words, expected), (found_words, found) = encode(whole), encode(many)
    assert words.words == found_words.words
    np.testing.assert_array_equal(expected.ids, found.ids)
    np.testing.assert_array_equal(expected.offsets, found.offsets)
    # Four times the files; the rest is for other work of the machine.
    assert min(seconds_to_read(many) for _ in range(3)) < 12 * min(seconds_to_read(few) for _ in range(3))


def test_a_fault_in_one_of_many_tiny_files_names_file_and_line(tmp_path):
    folder = tiny_files(tmp_path / "t", 60)
    (folder / "0030.txt").write_bytes(b"a\nb \xff\n")
    assert failure(folder).startswith(f"{folder / '0030.txt'}: line 2 is not UTF-8 (byte 0xff at 4)")


@pytest.mark.parametrize("text", ["2 0\nGoals by Smith\n", "0 3\na 1 2 3\n", f"{'9' * 5000} 2\na 1 2\n"])
def test_two_numbers_that_are_no_sizes_begin_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "scores.txt").write_text(text)
    assert not has_vector_header(text.encode())
    with count_corpus(open_corpus(tmp_path / "scores.txt"), min_count=1, threads=1) as counted:
        assert counted.raw_tokens == len(text.split())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_that_a_pattern_finds_is_opened_once(tmp_path: Path) -> None:
    """To look into it and close it again would end its writer."""
    os.mkfifo(tmp_path / "pipe.txt")
    written: list[bool] = []

    def write() -> None:
        with (tmp_path / "pipe.txt").open("w") as pipe:
            pipe.write("a b\n" * 20_000)
        written.append(True)

    writer = Thread(target=write, daemon=True)
    writer.start()
    with count_corpus(open_corpus(str(tmp_path / "p*.txt")), min_count=1, threads=1) as counted:
        assert counted.raw_tokens == 40_000
    writer.join(timeout=30)
    assert written == [True]
