"""One rule for keys: what is saved comes back; where other tools' files do not tell, they are refused."""

import random
import shutil

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import write

from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.errors import FormatError
from full_w2v.file_formats import suffixes
from full_w2v.formats import check_words, save_embeddings

MARK = "\ufeff"
ODD = [
    "",
    " ",
    "a ",
    " a",
    "a b",
    "a  b",
    "\t",
    "a\tb",
    "\fa",
    "\va",
    "\ra",
    "a\r",
    "\na",
    "a\nb",
    "\u00a0",
    "a\u2009b",
]
ODD += [
    "\u0085",
    "a\u2028",
    MARK,
    f"{MARK}a",
    "7",
    "7 8",
    "a 7",
    "1_0",
    "nan",
    "\0",
    "a\0",
    "\x1c",
    "\x7f",
    "PK\x03\x04",
    "\ud800",
]
any_keys = st.lists(
    st.sampled_from(ODD) | st.text(st.characters(codec=None)), min_size=1, max_size=5, unique=True
)


def embeddings_of(words, dimension=3, seed=0):
    return Embeddings(words, np.random.default_rng(seed).standard_normal((len(words), dimension), np.float32))


@pytest.mark.parametrize("suffix", suffixes())
@settings(deadline=None, max_examples=60)
@given(words=any_keys)
def test_what_save_accepts_comes_back_and_check_words_refuses_the_rest(folder, suffix, words):
    path = folder / f"x{suffix}"
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)
    embeddings = embeddings_of(words)
    refusal = raised(save_embeddings, embeddings, path)
    assert str(raised(check_words, path, words)) == str(refusal)
    if refusal is not None:
        assert not path.exists()
    else:
        found = load_embeddings(path)
        assert list(found.words) == words
        assert (found.vectors == embeddings.vectors).all()


def raised(act, *arguments):
    """The FormatError of a call, None if there is none."""
    try:
        act(*arguments)
    except FormatError as error:
        return error


@pytest.mark.parametrize("suffix", [".txt", ".vec", ".glove.txt", ".bin"])
@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u0085", "\u3000"])
def test_white_space_beyond_ascii_is_part_of_a_key_for_us_and_for_gensim(tmp_path, suffix, space):
    words = [f"a{space}b", space, f"{space}a", f"a{space}", "a"]
    path = tmp_path / f"x{suffix}"
    embeddings_of(words).save(path)
    assert list(load_embeddings(path).words) == words
    settings = {"binary": suffix == ".bin", "no_header": suffix == ".glove.txt"}
    assert KeyedVectors.load_word2vec_format(str(path), **settings).index_to_key == words


def vectors_of_kinds(rows, dimension):
    yield np.random.default_rng(rows).standard_normal((rows, dimension), np.float32)
    yield np.eye(rows, dimension, dtype=np.float32)
    yield np.ones((rows, dimension), np.float32)
    yield np.random.default_rng(rows).integers(-9, 9, (rows, dimension)).astype(np.float32)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 7, 8, 50])
def test_gensims_files_with_odd_keys_load_as_they_are_or_are_refused(tmp_path, binary, dimension):
    draw = random.Random(dimension)
    path = tmp_path / ("x.bin" if binary else "x.vec")
    exact = 0
    for _ in range(25):
        keys = [f"w{i}" for i in range(draw.randrange(9))] + draw.sample(ODD[:-1], 2)
        draw.shuffle(keys)
        for vectors in vectors_of_kinds(len(keys), dimension):
            keyed = KeyedVectors(dimension)
            keyed.add_vectors(keys, vectors)
            keyed.save_word2vec_format(str(path), binary=binary)
            try:
                found = load_embeddings(path)
            except FormatError:
                continue
            assert list(found.words) == keyed.index_to_key
            assert (found.vectors == keyed.vectors).all()
            exact += 1
    assert exact > (80 if binary else 15)  # of 100


@pytest.mark.parametrize("dimension", [8, 25, 100])
def test_gensims_binary_files_with_spaces_in_keys_load_with_the_right_rows(tmp_path, dimension):
    keys = ["a", "b", " ", "new york", "San Francisco Bay Area", "c", "", "x  y", "last of them"]
    expected = embeddings_of([*keys, *(f"w{i}" for i in range(500))], dimension)
    keyed = expected.to_gensim()
    keyed.save_word2vec_format(str(tmp_path / "s.bin"), binary=True, sort_attr="none")
    found = load_embeddings(tmp_path / "s.bin")
    assert found.words == expected.words
    assert (found.vectors == expected.vectors).all()


def test_a_binary_key_whose_end_cannot_be_told_is_refused(tmp_path):
    # Either "a" and bytes that end in "?", or "a " and 1.0 with "c" as the next key.
    content = b"2 1\na " + b" \0\0?" + b"?c " + np.float32(1).tobytes()
    found = raised(load_embeddings, write(tmp_path / "x.bin", content))
    assert "row 1: cannot tell whether the word b'a' ends at its first space" in str(found)


@pytest.mark.parametrize("suffix", [".txt", ".vec", ".bin"])
def test_an_empty_key_of_gensim_loads_from_text_as_from_binary(tmp_path, suffix):
    expected = embeddings_of(["a", "", "b"], 9)
    expected.to_gensim().save_word2vec_format(
        str(tmp_path / f"x{suffix}"), binary=suffix == ".bin", sort_attr="none"
    )
    found = load_embeddings(tmp_path / f"x{suffix}")
    assert found.words == expected.words
    with pytest.raises(FormatError, match="is empty"):
        found.save(tmp_path / f"y{suffix}")


@pytest.mark.parametrize("newline", [b"", b"\n"])
@pytest.mark.parametrize("values", [b"12341234", np.array([0.5, -2], np.float32).tobytes()])
def test_an_empty_key_of_binary_loads(tmp_path, newline, values):
    for dimension in (1, 2):
        row = values[: 4 * dimension] + newline
        path = write(tmp_path / "x.bin", b"3 %d\na %b %bb %b" % (dimension, row, row, row))
        assert load_embeddings(path).words == ("a", "", "b")


@pytest.mark.parametrize("key", ["\f", "\v", "\r", "\fa", "\va", "\ra", "b\fc"])
def test_a_control_character_in_a_key_of_text_stays(tmp_path, key):
    path = write(tmp_path / "q.vec", f"3 2\na 1 2\n{key} 3 4\nc 5 6\n")
    assert load_embeddings(path).words == ("a", key, "c")


@pytest.mark.parametrize("line", [" a 1 2", "a  1 2", "a\t 1 2", "  1 2", "\ta 1 2"])
def test_a_line_in_which_the_end_of_the_key_cannot_be_told_is_refused(tmp_path, line):
    with pytest.raises(FormatError, match=r"line 2: cannot tell where the word ends|line 2: expected"):
        load_embeddings(write(tmp_path / "x.vec", f"1 2\n{line}\n"))


def test_glove_text_refuses_what_its_first_line_could_not_tell(tmp_path):
    for words, dimension in ((["x" * 10**6, "b"], 2), (["a"], 65_537)):
        with pytest.raises(FormatError, match=r"save as \.txt"):
            embeddings_of(words, dimension).save(tmp_path / "x.glove.txt")
        embeddings_of(words, dimension).save(tmp_path / "x.txt")
        assert list(load_embeddings(tmp_path / "x.txt").words) == words
    widest = embeddings_of(["x" * 500_000], 65_536)
    widest.save(tmp_path / "x.glove.txt")
    assert load_embeddings(tmp_path / "x.glove.txt").words == widest.words


def test_padded_columns_load(tmp_path):
    path = write(tmp_path / "x.txt", "a       0.5    1\n  long  -0.5  -1\n")
    assert load_embeddings(path).words == ("a", "long")


def test_numbers_with_underscores_are_not_values(tmp_path):
    with pytest.raises(FormatError, match="line 2: expected 2 values, got b'1_0'"):
        load_embeddings(write(tmp_path / "x.vec", "1 2\na 1_0 2\n"))


def test_an_empty_line_among_others_is_refused(tmp_path):
    with pytest.raises(FormatError, match="line 3: expected a word and 1 values, got an empty line"):
        load_embeddings(write(tmp_path / "x.vec", "2 1\na 1\n\nb 2\n"))


@pytest.mark.parametrize(
    "name", ["x.txt", "x.vec", "x.glove.txt", "x.bin", "x.tsv", "x.metadata.tsv", "x.usearch.json"]
)
def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path, name):
    stem = (
        name
        if name in ("x.txt", "x.vec", "x.glove.txt", "x.bin")
        else name.replace(".metadata", "").replace(".json", "")
    )
    if stem == "x.usearch":
        pytest.importorskip("usearch", reason="needs the package usearch")
    for counts in (None, [2, 1]):
        expected = Embeddings(["é", "b"], [[0.5, 1.0], [2.0, 3.0]], counts)
        expected.save(tmp_path / stem)
        marked = tmp_path / name
        marked.write_bytes(b"\xef\xbb\xbf" + marked.read_bytes())
        found = load_embeddings(tmp_path / stem)
        assert found.words == expected.words
        assert (found.vectors == expected.vectors).all()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a 1 2\n".encode("utf-16"), "is UTF-16"),
        (b"\x1f\x8b\x08", "is compressed by gzip"),
        (b"PK\x03\x04", "zip archive"),
    ],
)
def test_other_content_is_named(tmp_path, content, what):
    with pytest.raises(FormatError, match=what):
        load_embeddings(write(tmp_path / "x.vec", content))
