"""word2vec's text and binary formats, ours and other tools'."""

import struct

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from samples import WORD2VEC, assert_same, has_surrogate, some_embeddings, some_words, unhurried, write

from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.errors import FormatError
from full_w2v.formats import save_embeddings

C_WHITE_SPACE = set(" \t\n\v\f\r")

finite_float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def read_with_gensim(path):
    return KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")


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


@pytest.mark.parametrize("word", ["new york", "a\nb", "a\tb", "a\rb", ""])
@pytest.mark.parametrize("suffix", WORD2VEC)
def test_a_refused_word_is_named_with_what_to_do(tmp_path, suffix, word):
    with pytest.raises(FormatError, match=r"save as \.safetensors or \.kv") as caught:
        Embeddings(["fine", word], np.ones((2, 2))).save(tmp_path / f"x{suffix}")
    assert repr(word) in str(caught.value)
    assert str(tmp_path / f"x{suffix}") in str(caught.value)


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
