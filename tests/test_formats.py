import errno
import json
import os
import pickle
import resource
import signal
import stat
import struct
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from full_w2v.config import TrainConfig
from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError
from full_w2v.formats import (
    check_output,
    load_embeddings,
    load_model,
    save_embeddings,
    save_model,
    suffixes,
)
from full_w2v.huffman import HuffmanTree
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

WORD2VEC = [".txt", ".vec", ".bin"]
ALL = [*WORD2VEC, ".kv", ".safetensors"]
C_WHITE_SPACE = set(" \t\n\v\f\r")

any_text = st.text(st.characters(codec=None))  # lone surrogates too
some_words = st.lists(any_text, min_size=1, max_size=6, unique=True)
unhurried = settings(deadline=None)  # a busy machine is no failure
finite_float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def some_embeddings(words=20, dimension=5, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((words, dimension), dtype=np.float32)
    return Embeddings([f"w{i}" for i in range(words)], vectors, np.arange(words, 0, -1))


def some_model(words=20, dimension=5):
    vocabulary = Vocabulary([f"w{i}" for i in range(words)], np.arange(words, 0, -1), raw_tokens=1000)
    model = Model.initialize(vocabulary, TrainConfig(vector_size=dimension, epochs=3, alpha=0.05))
    model.output[:] = np.random.default_rng(1).standard_normal(model.output.shape)
    return model


def assert_same(found, expected, *, counts=False):
    assert found.words == expected.words
    assert found.vectors.view(np.uint32).tolist() == expected.vectors.view(np.uint32).tolist()
    if counts:
        assert found.counts.tolist() == expected.counts.tolist()


def read_with_gensim(path):
    return KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that hypothesis's examples share."""
    return tmp_path_factory.mktemp("formats")


# Round trips


def test_every_suffix_is_listed():
    exports = [".glove.txt", ".npz", ".parquet", ".tsv", ".model2vec", ".usearch"]  # test_exports.py
    assert sorted(suffixes()) == sorted([*ALL, *exports])


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize(("words", "dimension"), [(1, 1), (20, 5), (1025, 3), (2049, 1)])
def test_words_and_vectors_come_back_bit_by_bit(tmp_path, suffix, words, dimension):
    embeddings = some_embeddings(words, dimension)
    save_embeddings(embeddings, tmp_path / f"x{suffix}")
    assert_same(load_embeddings(tmp_path / f"x{suffix}"), embeddings, counts=suffix not in WORD2VEC)


@pytest.mark.parametrize("suffix", [".kv", ".safetensors"])
def test_unknown_counts_stay_unknown(tmp_path, suffix):
    Embeddings(["a"], [[1.0]]).save(tmp_path / f"x{suffix}")
    assert Embeddings.load(tmp_path / f"x{suffix}").counts is None


@pytest.mark.parametrize("suffix", WORD2VEC)
@unhurried
@given(values=st.lists(finite_float32, min_size=1, max_size=20))
def test_every_float32_comes_back_bit_by_bit_and_through_gensim(folder, suffix, values):
    path = folder / f"floats{suffix}"
    embeddings = Embeddings(["a", "b"], np.array([values, values[::-1]], np.float32))
    save_embeddings(embeddings, path)
    assert_same(load_embeddings(path), embeddings)
    assert_same(Embeddings.from_gensim(read_with_gensim(path)), embeddings)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_one_float32_whose_shortest_digits_mislead_a_double_comes_back(tmp_path, sign):
    value = np.array([0x15AE43FD], np.uint32).view(np.float32) * sign
    assert np.float32(float(str(value[0]))) != value[0]  # what is special about it
    embeddings = Embeddings(["a"], [[1.0, value[0], 2.0]])
    save_embeddings(embeddings, tmp_path / "x.txt")
    assert_same(load_embeddings(tmp_path / "x.txt"), embeddings)
    assert_same(Embeddings.from_gensim(read_with_gensim(tmp_path / "x.txt")), embeddings)


def test_text_has_the_fewest_digits(tmp_path):
    Embeddings(["a"], [[0.1, 1 / 3, 1e-5, -2.0]]).save(tmp_path / "x.txt")
    assert (tmp_path / "x.txt").read_bytes() == b"1 4\na 0.1 0.33333334 0.00001 -2.0\n"


def test_binary_is_word2vec_cs(tmp_path):
    Embeddings(["a", "é"], [[1.0], [-2.0]]).save(tmp_path / "x.bin")
    expected = b"2 1\na " + struct.pack("<f", 1) + "\né ".encode() + struct.pack("<f", -2) + b"\n"
    assert (tmp_path / "x.bin").read_bytes() == expected


@pytest.mark.parametrize("suffix", [".kv", ".safetensors"])
@unhurried
@given(words=some_words)
def test_any_words_come_back_from_the_formats_that_hold_any(folder, suffix, words):
    path = folder / f"any{suffix}"
    embeddings = Embeddings(words, np.ones((len(words), 2)), range(1, len(words) + 1))
    if suffix == ".safetensors" and any(has_surrogate(word) for word in words):
        with pytest.raises(FormatError, match="lone surrogate") as caught:
            save_embeddings(embeddings, path)
        assert str(caught.value).isprintable()
    else:
        save_embeddings(embeddings, path)
        assert_same(load_embeddings(path), embeddings, counts=True)


@pytest.mark.parametrize("suffix", WORD2VEC)
@unhurried
@given(words=some_words)
def test_word2vec_formats_hold_a_word_exactly_or_refuse_it(folder, suffix, words):
    path = folder / f"words{suffix}"
    path.unlink(missing_ok=True)
    embeddings = Embeddings(words, np.full((len(words), 2), 0.25))
    if any(not word or has_surrogate(word) or C_WHITE_SPACE & set(word) for word in words):
        with pytest.raises(FormatError, match="the word ") as caught:
            save_embeddings(embeddings, path)
        assert str(caught.value).isprintable()
        assert not path.exists()
    else:
        save_embeddings(embeddings, path)
        assert_same(load_embeddings(path), embeddings)
        assert_same(Embeddings.from_gensim(read_with_gensim(path)), embeddings)


def has_surrogate(word):
    return any("\ud800" <= c <= "\udfff" for c in word)


@pytest.mark.parametrize("word", ["new york", "a\nb", "a\tb", "a\rb", ""])
@pytest.mark.parametrize("suffix", WORD2VEC)
def test_a_refused_word_is_named_with_what_to_do(tmp_path, suffix, word):
    with pytest.raises(FormatError, match=r"save as \.safetensors or \.kv") as caught:
        Embeddings(["fine", word], np.ones((2, 2))).save(tmp_path / f"x{suffix}")
    assert repr(word) in str(caught.value)
    assert str(tmp_path / f"x{suffix}") in str(caught.value)


@pytest.mark.parametrize("name", ["x", "x.", "x.npy", "x.txt.gz", ".bin"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    for act in (load_embeddings, load_model, check_output, lambda path: some_embeddings().save(path)):
        with pytest.raises(FormatError, match=r"ends in \.txt, \.vec, \.bin, \.kv, \.safetensors, .* got"):
            act(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_suffix_may_be_in_capitals(tmp_path):
    some_embeddings().save(tmp_path / "X.BIN")
    assert_same(load_embeddings(tmp_path / "X.BIN"), some_embeddings())


# Files of other tools


def word2vec_c_binary(embeddings, newline):
    rows = zip(embeddings.words, embeddings.vectors, strict=True)
    head = f"{len(embeddings)} {embeddings.dimension}\n".encode()
    return head + b"".join(word.encode() + b" " + row.tobytes() + newline for word, row in rows)


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_binary_loads_with_and_without_newlines(tmp_path, newline):
    path = write(tmp_path / "x.bin", word2vec_c_binary(some_embeddings(), newline))
    assert_same(load_embeddings(path), some_embeddings())


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_binary_values_that_look_like_spaces_and_newlines_are_values(tmp_path, newline):
    vectors = np.frombuffer(b"  \n \n\n\n\n    \n \n ", np.float32).reshape(2, 2)
    embeddings = Embeddings(["a", "b"], vectors)
    path = write(tmp_path / "x.bin", word2vec_c_binary(embeddings, newline))
    assert_same(load_embeddings(path), embeddings)


@pytest.mark.parametrize("binary", [False, True])
def test_what_gensim_writes_loads(tmp_path, binary):
    path = tmp_path / ("x.bin" if binary else "x.txt")
    some_embeddings().to_gensim().save_word2vec_format(str(path), binary=binary)
    assert_same(load_embeddings(path), some_embeddings())


@pytest.mark.parametrize(
    "text",
    [
        "2 3\na 0.5 1 -2e-3\nb 1 2 3\n",
        "2 3\na 0.5 1 -2e-3 \nb 1 2 3 \n",  # word2vec.c and fastText end lines with a space
        "2 3\r\na 0.5 1 -2e-3\r\nb 1 2 3\r\n",
        "2 3\na 0.5 1 -2e-3\nb 1 2 3",
        "2\t3\na\t0.5\t1\t-2e-3\nb\t1\t2\t3\n\n",
        "a 0.5 1 -2e-3\nb 1 2 3\n",  # GloVe has no first line
        "a  0.5  1  -.002\nb +1 2. 3",
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".vec"])
def test_text_loads_as_other_tools_write_it(tmp_path, suffix, text):
    found = load_embeddings(write(tmp_path / f"x{suffix}", text))
    assert_same(found, Embeddings(["a", "b"], [[0.5, 1, -2e-3], [1, 2, 3]]))


def test_words_with_spaces_load_where_they_can_be_told_from_values(tmp_path):
    path = write(tmp_path / "x.txt", "to 1 2\n. . . 3 4\nat name@domain.com 5 6\n")
    assert load_embeddings(path).words == ("to", ". . .", "at name@domain.com")


def test_words_that_are_numbers_load(tmp_path):
    embeddings = Embeddings(["7", "1e5", "nan"], [[1, 2], [3, 4], [5, 6]])
    embeddings.save(tmp_path / "x.txt")
    assert_same(load_embeddings(tmp_path / "x.txt"), embeddings)


@pytest.mark.parametrize("make", [Word2Vec, FastText])
def test_kv_files_of_gensim_load(tmp_path, make):
    model = make([["a", "b", "c"]] * 5, vector_size=8, min_count=1, workers=1)
    model.wv.save(str(tmp_path / "x.kv"))
    assert (load_embeddings(tmp_path / "x.kv").vector("b") == model.wv["b"]).all()


def test_kv_files_with_npy_files_beside_them_load(tmp_path):
    some_embeddings().to_gensim().save(str(tmp_path / "x.kv"), sep_limit=1)
    assert (tmp_path / "x.kv.vectors.npy").exists()
    assert_same(load_embeddings(tmp_path / "x.kv"), some_embeddings(), counts=True)


def test_gensim_reads_our_kv(tmp_path):
    some_embeddings().save(tmp_path / "x.kv")
    keyed = KeyedVectors.load(str(tmp_path / "x.kv"))
    assert_same(Embeddings.from_gensim(keyed), some_embeddings(), counts=True)
    assert keyed.vectors.flags.writeable
    assert keyed.most_similar("w3", topn=1)[0][0] == some_embeddings().neighbours("w3", 1)[0][0]


def test_kv_is_one_file_even_where_gensim_would_make_two(tmp_path):
    large = Embeddings(["a", "b"], np.zeros((2, 5_300_000), np.float32))
    large.save(tmp_path / "x.kv")
    assert [path.name for path in tmp_path.iterdir()] == ["x.kv"]
    assert Embeddings.load(tmp_path / "x.kv").vectors.shape == (2, 5_300_000)


def test_a_file_depends_on_nothing_but_its_content(tmp_path):
    for suffix in ALL:
        for name in ("first", "second"):
            some_embeddings().save(tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"first{suffix}").read_bytes() == (tmp_path / f"second{suffix}").read_bytes()


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
def test_every_format_converts_to_every_other(tmp_path, source, target):
    some_embeddings().save(tmp_path / f"x{source}")
    load_embeddings(tmp_path / f"x{source}").save(tmp_path / f"y{target}")
    assert_same(load_embeddings(tmp_path / f"y{target}"), some_embeddings())


# Models


def test_a_model_comes_back_whole_and_trainable(tmp_path):
    model = some_model()
    save_model(model, tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert list(found.vocabulary.words) == model.vocabulary.words
    assert found.vocabulary.counts.tolist() == model.vocabulary.counts.tolist()
    assert found.vocabulary.raw_tokens == 1000
    assert found.config == model.config
    assert (found.input == model.input).all()
    assert (found.output == model.output).all()
    assert found.input.flags.writeable
    assert found.output.flags.writeable


def test_a_model_of_hierarchical_softmax_keeps_its_inner_nodes(tmp_path):
    model = some_model()
    config = replace(model.config, hierarchical_softmax=True)
    inner = np.random.default_rng(3).random(model.input.shape, np.float32)
    save_model(replace(model, config=config, inner=inner), tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert found.config == config
    assert (found.inner == inner).all()
    assert found.inner.flags.writeable
    assert (found.tree.offsets == HuffmanTree.from_counts(model.vocabulary.counts).offsets).all()


def test_a_models_file_is_safetensors_with_json_metadata(tmp_path):
    save_model(some_model(), tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", "numpy") as file:
        assert sorted(file.keys()) == ["counts", "input", "output", "word_bytes", "word_offsets"]
        metadata = file.metadata()
    assert (metadata["format"], metadata["version"], metadata["raw_tokens"]) == ("full-w2v", "1", "1000")
    assert json.loads(metadata["config"])["epochs"] == 3


@pytest.mark.parametrize("suffix", ALL)
def test_a_model_saves_as_embeddings_in_every_format(tmp_path, suffix):
    model = some_model()
    save_model(model, tmp_path / f"m{suffix}")
    assert_same(load_embeddings(tmp_path / f"m{suffix}"), Embeddings.from_model(model))


@pytest.mark.parametrize("suffix", [*WORD2VEC, ".kv"])
def test_a_model_does_not_load_from_other_formats(tmp_path, suffix):
    some_embeddings().save(tmp_path / f"x{suffix}")
    with pytest.raises(FormatError, match=r"word vectors only; a model is read from a \.safetensors file"):
        load_model(tmp_path / f"x{suffix}")


def test_a_model_does_not_load_from_embeddings(tmp_path):
    some_embeddings().save(tmp_path / "x.safetensors")
    with pytest.raises(FormatError, match="holds embeddings only"):
        load_model(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            np.zeros((20, 4), np.float32),
            "expected the output matrix as float32 \\(20, 5\\), got float32 \\(20, 4",
        ),
        (np.zeros((20, 5)), "got float64"),
        (np.full((20, 5), np.nan, np.float32), "output row of 'w0' holds a value that is not finite"),
    ],
)
def test_a_model_with_a_wrong_output_matrix_is_not_saved(tmp_path, output, message):
    model = some_model()
    model.output = output
    with pytest.raises(FormatError, match=message):
        save_model(model, tmp_path / "m.safetensors")
    assert not any(tmp_path.iterdir())


# Damage


def native_parts(**changes):
    """Tensors and metadata of a small model file, some of them replaced; None leaves one out."""
    parts = {
        "input": np.ones((2, 3), np.float32),
        "output": np.ones((2, 3), np.float32),
        "counts": np.array([2, 1]),
        "word_bytes": np.frombuffer(b"abc", np.uint8),
        "word_offsets": np.array([0, 1, 3]),
        "format": "full-w2v",
        "version": "1",
        "config": json.dumps(TrainConfig(vector_size=3).to_dict()),
        "raw_tokens": "3",
    }
    return {name: value for name, value in (parts | changes).items() if value is not None}


def write_native(path, **changes):
    parts = native_parts(**changes)
    tensors = {name: value for name, value in parts.items() if isinstance(value, np.ndarray)}
    save_file(tensors, path, {name: value for name, value in parts.items() if isinstance(value, str)})
    return path


PATH_CONFIG = '{"vector_size": 3, "hierarchical_softmax": true}'


def test_a_file_by_the_safetensors_library_loads(tmp_path):
    assert list(load_model(write_native(tmp_path / "m.safetensors")).vocabulary.words) == ["a", "bc"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None}, "not one that full-w2v wrote"),
        ({"format": "pt"}, "not one that full-w2v wrote"),
        ({"version": "2"}, "expected version 1 of the format, got '2'; update full-w2v"),
        ({"version": None}, "expected version 1 of the format, got None"),
        ({"input": None}, "the tensor input is missing"),
        ({"counts": None}, "the tensor counts is missing"),
        ({"word_bytes": None}, "the tensor word_bytes is missing"),
        ({"word_offsets": None}, "the tensor word_offsets is missing"),
        ({"input": np.ones((2, 3))}, "expected input as F32 .2, 'any'., got F64 .2, 3."),
        ({"input": np.ones((3, 3), np.float32)}, "expected input as F32 .2, 'any'., got F32 .3, 3."),
        ({"input": np.ones(6, np.float32)}, "expected input as F32"),
        ({"input": np.ones((2, 0), np.float32)}, "expected output as F32 .2, 0."),
        ({"input": np.full((2, 3), np.nan, np.float32)}, "vector of 'a' holds a value that is not finite"),
        ({"output": np.ones((2, 4), np.float32)}, "expected output as F32 .2, 3., got F32 .2, 4."),
        ({"output": np.full((2, 3), np.inf, np.float32)}, "output row of 'a' holds a value that is not"),
        ({"config": PATH_CONFIG}, "the tensor inner is missing"),
        (
            {"config": PATH_CONFIG, "inner": np.full((2, 3), np.inf, np.float32)},
            "inner row of node 0 holds a value that is not finite",
        ),
        ({"counts": np.array([2, 0])}, "counts must be positive, got 0 for 'bc'"),
        ({"counts": np.array([2])}, "expected counts as I64 .2., got I64 .1."),
        ({"counts": np.array([2, 1], np.int32)}, "expected counts as I64 .2., got I32"),
        (
            {"word_bytes": np.frombuffer(b"a\xffc", np.uint8)},
            "row 2: the word b'.xffc' is not UTF-8 .byte 0xff",
        ),
        ({"word_bytes": np.frombuffer(b"abc", np.int8)}, "expected word_bytes as U8"),
        ({"word_offsets": np.array([0, 1, 4])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([1, 1, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([0, 5, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([0, 2**63 - 1, -5, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.empty(0, np.int64)}, "word_offsets do not rise"),
        ({"word_offsets": np.array([0, 0, 0, 3])}, "expected input as F32 .3, 'any'."),
        (
            {"word_bytes": np.frombuffer(b"aa", np.uint8), "word_offsets": np.array([0, 1, 2])},
            "'a' stands in row 1",
        ),
        ({"config": None}, "expected the settings as JSON, got ''"),
        ({"config": "["}, "expected the settings as JSON, got '\\['"),
        ({"config": "[" * 100_000}, "expected the settings as JSON, got '\\[\\["),
        ({"config": "[]"}, "settings as a JSON object"),
        ({"config": '{"speed": 1}'}, "settings are not valid: unknown setting speed"),
        ({"config": '{"vector_size": -1}'}, "settings are not valid: vector_size must be between"),
        ({"config": "{}"}, "the settings say 100 dimensions, the matrices have 3"),
        ({"raw_tokens": None}, "raw_tokens as a whole number, got ''"),
        ({"raw_tokens": "-1"}, "raw_tokens as a whole number, got '-1'"),
        ({"raw_tokens": "9" * 5000}, "raw_tokens as a whole number"),
        ({"raw_tokens": "\u0663"}, "raw_tokens as a whole number"),
    ],
)
def test_a_wrong_part_of_a_model_file_is_named(tmp_path, changes, message):
    path = write_native(tmp_path / "m.safetensors", **changes)
    with pytest.raises(FormatError, match=message) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def safetensors_bytes(**header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"1234"


HUGE = 10**18
DAMAGED = {
    "empty.txt": (b"", "line 1, got b''"),
    "word.txt": (b"word\n", "line 1, got b'word"),
    "zero.txt": (b"0 5\n", "at least one word and one dimension, line 1 says 0 and 5"),
    "flat.txt": (b"5 0\n", "at least one word and one dimension, line 1 says 5 and 0"),
    "rows.txt": (b"%d 2\na 1 2\n" % HUGE, "for which the file is too short"),
    "columns.txt": (b"1 %d\na 1 2\n" % HUGE, "for which the file is too short"),
    "digits.txt": (b"%s 2\na 1 2\n" % (b"9" * 9999), "line 2: expected a word and 1 values, got more values"),
    "short.txt": (b"3 2\na 1.0 2.0\nb 1.0 2.0\n", "line 1 says 3 words, got 2; the file is cut short"),
    "cut.txt": (b"2 2\na 1.0 2.0\nb 1.0", "line 3: expected a word and 2 values, got 2 fields"),
    "long.txt": (b"1 2\na 1 2\nb 1 2\n", "line 3: expected the end after 1 words"),
    "few.txt": (b"1 3\na 1.0 2.0\n", "line 2: expected a word and 3 values, got 3 fields"),
    "more.txt": (b"1 1\na 1.0 2.0\n", "line 2: expected a word and 1 values, got more values"),
    "glove.txt": (b"a 1 2 3\nb 1 2\n", "line 2: expected a word and 3 values, got 3 fields"),
    "text.txt": (b"Call me Ishmael.\nSome years ago\n", "line 1: expected 2 values, got b'me'"),
    "nan.txt": (b"1 2\na 1 nan\n", "vector of 'a' holds a value that is not finite"),
    "over.txt": (b"1 2\na 1 1e39\n", "vector of 'a' holds a value that is not finite"),
    "twice.txt": (b"2 1\na 1\na 2\n", "'a' stands in row 1 and again"),
    "utf8.txt": (b"1 1\n\xff\xfe 1\n", "line 2: the word b'.xff.xfe' is not UTF-8 .byte 0xff"),
    "endless.txt": (b"word " * 500_000, "a word and its values in line 1, got b'word word"),
    "nul.txt": (b"\0" * 100, "expected 'words dimension' or a word and its values in line 1"),
    "empty.bin": (b"", "expected 'words dimension' in line 1, got b''"),
    "line.bin": (b"x" * 1000, "expected 'words dimension' in line 1"),
    "rows.bin": (b"%d 1\na 1234" % HUGE, "for which the file is too short"),
    "columns.bin": (b"1 %d\na 1234" % HUGE, "for which the file is too short"),
    "both.bin": (b"%d %d\na 1234" % (HUGE, HUGE), "for which the file is too short"),
    "zero.bin": (b"0 1\n", "at least one word"),
    "cut.bin": (b"2 1\naaaaaaa 1234\nb 12", "line 1 says 2 words of 1 values, the file ends after 1"),
    "space.bin": (b"1 1\nabcdefgh", "the file ends after 0"),
    "more.bin": (b"1 1\na 1234b 1234", "expected the end after 1 words of 1 values as line 1 says, got more"),
    "nan.bin": (b"1 1\na \0\0\xc0\x7f", "vector of 'a' holds a value that is not finite"),
    "twice.bin": (b"2 1\na 1234a 1234", "'a' stands in row 1 and again"),
    "utf8.bin": (b"1 1\n\xe9 1234", "row 1: the word b'.xe9' is not UTF-8 .byte 0xe9"),
    "empty.kv": (b"", "expected gensim KeyedVectors, but unpickling ended in EOFError"),
    "text.kv": (b"some words\n", "expected gensim KeyedVectors, but unpickling ended in UnpicklingError"),
    "dict.kv": (
        pickle.dumps({"a": 1}),
        "expected gensim KeyedVectors, but unpickling ended in AttributeError",
    ),
    "empty.safetensors": (b"", "no complete safetensors file"),
    "text.safetensors": (b"some words here\n", "no complete safetensors file"),
    "header.safetensors": (b"\xff" * 100, "no complete safetensors file"),
    "shape.safetensors": (
        safetensors_bytes(input={"dtype": "F32", "shape": [HUGE, HUGE], "data_offsets": [0, 4]}),
        "no complete safetensors file",
    ),
    "offsets.safetensors": (
        safetensors_bytes(input={"dtype": "F32", "shape": [1], "data_offsets": [0, HUGE]}),
        "no complete safetensors file",
    ),
    "newline.safetensors": (
        safetensors_bytes(input={"dtype": "F\n32", "shape": [1], "data_offsets": [0, 4]}),
        "no complete safetensors file",
    ),
    "types.safetensors": (safetensors_bytes(input=[]), "no complete safetensors file"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_ends_in_one_line_that_names_it(tmp_path, name):
    content, message = DAMAGED[name]
    path = write(tmp_path / name, content)
    with pytest.raises(FormatError, match=message) as caught:
        load_embeddings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


@pytest.mark.parametrize("suffix", ALL)
@unhurried
@given(data=st.data())
def test_a_file_cut_short_anywhere_is_refused(folder, suffix, data):
    path = folder / f"cut{suffix}"
    some_embeddings(5, 3).save(path)
    content = path.read_bytes()
    last = {".bin": 2, ".safetensors": 1, ".kv": 1}.get(
        suffix, 20
    )  # text cut in the last line may stay valid
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - last))])
    with pytest.raises(FormatError):
        load_embeddings(path)


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".safetensors"])
@unhurried
@given(data=st.data())
def test_changed_bytes_give_embeddings_or_a_format_error(folder, suffix, data):
    path = folder / f"changed{suffix}"
    some_embeddings(5, 3).save(path)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, min(len(content), 400) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = load_embeddings(path)
    except FormatError:
        return
    assert len(set(found.words)) == len(found.words) == len(found.vectors)
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("suffix", ALL)
def test_a_missing_file_or_a_folder_is_an_os_error_that_names_it(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match=f"x{suffix}"):
        load_embeddings(tmp_path / f"x{suffix}")
    (tmp_path / f"x{suffix}").mkdir()
    with pytest.raises(IsADirectoryError, match=f"x{suffix}"):
        load_embeddings(tmp_path / f"x{suffix}")


# Writing aside


@contextmanager
def largest_file(size):
    """Makes every write beyond `size` bytes of a file fail, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize("older", [None, b"older output"])
@pytest.mark.parametrize("room", [0, 100, 50_000])
def test_a_full_disk_leaves_only_what_was_there(tmp_path, suffix, older, room):
    path = tmp_path / f"x{suffix}"
    if older:
        path.write_bytes(older)
    with largest_file(room), pytest.raises(OSError, match=f"x{suffix}") as caught:
        save_embeddings(some_embeddings(2000, 20), path)
    assert caught.value.errno == errno.EFBIG
    assert "\n" not in str(caught.value)
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == ([(path, older)] if older else [])


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_save_leaves_only_what_was_there(tmp_path, monkeypatch, failure):
    def fail(_):
        raise failure

    path = write(tmp_path / "x.bin", b"older output")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(failure):
        some_embeddings().save(path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.bin", b"older output")]


@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_missing_folder_is_named(tmp_path, act):
    with pytest.raises(FileNotFoundError, match="folder of the output file does not exist") as caught:
        act(tmp_path / "missing" / "x.bin")
    assert caught.value.filename == str(tmp_path / "missing" / "x.bin")


@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_folder_is_no_output_file(tmp_path, act):
    (tmp_path / "x.bin").mkdir()
    with pytest.raises(IsADirectoryError, match="got a folder"):
        act(tmp_path / "x.bin")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder where not even root may write")
@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_folder_where_nothing_can_be_written_is_an_os_error(act):
    with pytest.raises(OSError, match=r"/sys/kernel/x\.bin"):
        act(Path("/sys/kernel/x.bin"))


def test_a_write_protected_output_file_is_left_alone(tmp_path, monkeypatch):
    path = write(tmp_path / "x.bin", b"older output")
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root, every file is writable
    with pytest.raises(PermissionError, match="write-protected"):
        some_embeddings().save(path)
    assert path.read_bytes() == b"older output"


def test_checking_an_output_leaves_nothing_behind(tmp_path):
    path = write(tmp_path / "x.bin", b"older output")
    check_output(path)
    check_output(tmp_path / "y.kv")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.bin", b"older output")]


def test_an_older_output_is_replaced_with_its_permissions(tmp_path):
    path = write(tmp_path / "x.bin", b"older output")
    path.chmod(0o640)
    some_embeddings().save(path)
    assert_same(load_embeddings(path), some_embeddings())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_output_has_the_usual_permissions(tmp_path):
    some_embeddings().save(tmp_path / "x.bin")
    (tmp_path / "usual").touch()
    assert (tmp_path / "x.bin").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "x.bin").symlink_to(tmp_path / "far" / "y.bin")
    some_embeddings().save(tmp_path / "x.bin")
    assert (tmp_path / "x.bin").is_symlink()
    assert_same(load_embeddings(tmp_path / "far" / "y.bin"), some_embeddings())


def test_an_output_name_may_be_as_long_as_any(tmp_path):
    name = "x" * 251 + ".bin"
    some_embeddings().save(tmp_path / name)
    assert_same(load_embeddings(tmp_path / name), some_embeddings())
