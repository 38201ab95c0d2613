"""Files with missing, odd or damaged members end in a FormatError that names them, and load nothing wrong."""

import json
import os
import pickle
import random

import numpy as np
import pytest
from gensim.models import KeyedVectors
from safetensors.numpy import save_file
from samples import some_embeddings, write

from full_w2v.embeddings import load_embeddings
from full_w2v.errors import FormatError
from full_w2v.file_formats import suffixes

NEEDS = {".parquet": "pyarrow", ".model2vec": "tokenizers", ".usearch": "usearch"}


def refused(path, message):
    with pytest.raises(FormatError, match=message) as caught:
        load_embeddings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def needs(suffix):
    if suffix in NEEDS:
        pytest.importorskip(NEEDS[suffix], reason=f"needs the package {NEEDS[suffix]}")


# .model2vec


def model2vec(folder, model, vectors=None, **tensors):
    needs(".model2vec")
    path = folder / "x.model2vec"
    path.mkdir()
    (path / "tokenizer.json").write_text(model if isinstance(model, str) else json.dumps({"model": model}))
    rows = np.arange(6, dtype=np.float32).reshape(3, 2) if vectors is None else vectors
    save_file({"embeddings": rows, **tensors}, path / "model.safetensors")
    return path


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "Unigram", "vocab": [["a", -1.0], ["b", -2.0]]}, "gives each word an id .*got 'Unigram'"),
        ({"type": "WordLevel", "vocab": {}}, "has no words"),
        ({"type": "WordLevel"}, "gives each word an id"),
        ({"type": "WordLevel", "vocab": None}, "gives each word an id"),
        ({"type": "WordLevel", "vocab": {"a": 0, "b": 0}}, "'a' and 'b' have the same id 0"),
        ({"type": "WordLevel", "vocab": {"a": 0, "b": 3}}, "an id below 3, .*got 3 for 'b'"),
        ({"type": "WordLevel", "vocab": {"a": -1}}, "an id below 3, .*got -1 for 'a'"),
        ({"type": "WordLevel", "vocab": {"a": "0"}}, "an id below 3, .*got '0' for 'a'"),
        ({"type": "WordLevel", "vocab": {"a": True}}, "an id below 3, .*got True"),
        ({"type": "WordLevel", "vocab": {"a": 1.0}}, "an id below 3"),
        ([], "gives each word an id"),
        ("[]", "gives each word an id"),
        ("null", "gives each word an id"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_tokenizer_without_words_and_ids_is_refused(tmp_path, model, message):
    refused(model2vec(tmp_path, model), message)


def test_ids_with_gaps_give_the_rows_of_their_words(tmp_path):
    found = load_embeddings(model2vec(tmp_path, {"vocab": {"c": 2, "a": 0}}))
    assert (found.words, found.vectors.tolist()) == (("a", "c"), [[0, 1], [4, 5]])


@pytest.mark.parametrize(
    "vectors", [np.ones(3, np.float32), np.ones((3, 2), np.int64), np.ones((0, 2), np.float32)]
)
def test_a_matrix_of_another_kind_is_refused(tmp_path, vectors):
    refused(model2vec(tmp_path, {"vocab": {"a": 0}}, vectors), "embeddings|an id below 0")


def test_tokens_that_share_rows_are_refused(tmp_path):
    refused(model2vec(tmp_path, {"vocab": {"a": 0}}, mapping=np.zeros(3, np.int64)), "maps several tokens")


# .npz


ONE = {"words": ["a"], "vectors": [[1.0]]}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"words": ["a"]}, "vectors is missing"),
        ({"vectors": [[1.0]]}, "words is missing"),
        (ONE | {"counts": [1.5]}, "counts must be whole numbers below 2.63, got 1.5"),
        (ONE | {"counts": [np.nan]}, "counts must be whole numbers"),
        (ONE | {"counts": [1e30]}, "counts must be whole numbers"),
        (ONE | {"counts": np.array([2**64 - 1], np.uint64)}, "counts must be whole numbers"),
        (ONE | {"counts": [0]}, "counts must be positive"),
        (ONE | {"counts": [[1]]}, "expected counts as an array of whole numbers"),
        (ONE | {"counts": ["1"]}, "expected counts as an array of whole numbers"),
        (ONE | {"counts": [1, 2]}, "expected arrays of the same length"),
        (ONE | {"words": ["a", "b"]}, "expected arrays of the same length"),
        (ONE | {"words": [b"a"]}, "expected words as an array of text"),
        (ONE | {"words": [1]}, "expected words as an array of text"),
        (ONE | {"words": np.array("a")}, "expected words as an array of text"),
        (ONE | {"words": np.array([None])}, "expected words as an array of text|pickle"),
        (ONE | {"vectors": [1.0]}, "expected vectors as an array of numbers"),
        (ONE | {"vectors": [["1"]]}, "expected vectors as an array of numbers"),
        (ONE | {"vectors": [[1j]]}, "expected vectors as an array of numbers"),
        (ONE | {"vectors": [[np.nan]]}, "vector of 'a' holds a value that is not finite"),
    ],
)
def test_odd_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    refused(tmp_path / "x.npz", message)


def test_whole_numbers_as_floats_are_counts_and_column_major_vectors_load(tmp_path):
    vectors = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez_compressed(tmp_path / "x.npz", words=["a", "b"], vectors=vectors, counts=[3.0, 2.0])
    found = load_embeddings(tmp_path / "x.npz")
    assert (found.vectors == vectors).all()
    assert found.counts.tolist() == [3, 2]
    assert (load_embeddings(tmp_path / "x.npz", limit=1).vectors == vectors[:1]).all()


def test_an_array_of_np_save_is_named(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, np.ones((2, 2)))
    refused(tmp_path / "x.npz", "is one array that np.save wrote; expected a NumPy archive")


def test_an_absurd_shape_is_refused_before_memory_is_asked_for(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, words=["a"], vectors=np.ones((1, 1)))
    content = path.read_bytes()
    at = content.rindex(b"(1, 1), }")
    path.write_bytes(content[:at] + b"(10**9,1)"[:9] + content[at + 9 :])
    refused(path, "x.npz")
    path.write_bytes(content[:at] + b"(9999,9)}" + content[at + 9 :])
    refused(path, "cut short|archive")


# .kv


def keyed_with(**members):
    keyed = KeyedVectors(2)
    keyed.add_vectors(["a", "b"], np.ones((2, 2), np.float32))
    for name, value in members.items():
        setattr(keyed, name, value)
    return keyed


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {"a": 1},
        None,
        np.ones((2, 2)),
        keyed_with(vectors=None),
        keyed_with(vectors=np.ones(2)),
        keyed_with(vectors=np.ones((3, 2))),
        keyed_with(vectors=np.array([["x", "y"]] * 2)),
        keyed_with(vectors=np.array([[None, 1]] * 2)),
        keyed_with(vectors=np.ones((2, 2), complex)),
        keyed_with(index_to_key=None),
        keyed_with(index_to_key=5),
        keyed_with(index_to_key="ab"),
        keyed_with(index_to_key=[1, 2]),
        keyed_with(index_to_key=["a", []]),
        keyed_with(index_to_key=["a", b"b"]),
        keyed_with(index_to_key=["a"]),
        keyed_with(index_to_key=["a", "a"]),
    ],
)
def test_odd_pickles_are_refused(tmp_path, content):
    refused(write(tmp_path / "x.kv", pickle.dumps(content)), "expected|words must be|appears more than once")


@pytest.mark.parametrize(
    "expandos", [None, [], {"count": None}, {"count": "ab"}, {"count": [[1, 2]]}, {"count": [1.5, 2]}]
)
def test_odd_counts_of_a_pickle_are_unknown(tmp_path, expandos):
    path = write(tmp_path / "x.kv", pickle.dumps(keyed_with(expandos=expandos)))
    assert load_embeddings(path).counts is None


def test_what_is_odd_about_a_pickle_is_named(tmp_path):
    path = write(tmp_path / "x.kv", pickle.dumps(keyed_with(index_to_key=5)))
    refused(path, "got KeyedVectors with index_to_key as int and vectors as ndarray")


# .safetensors


def tensor(code="F32", shape=(1, 1), offsets=(0, 4)):
    return {"dtype": code, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "changes",
    [
        {"input": tensor(shape=(10**18, 10**18))},
        {"input": tensor(shape=(1, 10**18), offsets=(0, 4 * 10**18))},
        {"input": tensor(shape="ab")},
        {"input": tensor(shape=(1.0, 1))},
        {"input": tensor(shape=(-1, -1))},
        {"input": tensor(offsets=(0, 4, 5))},
        {"input": tensor(offsets=(4, 0))},
        {"input": tensor(code=["F32"])},
        {"input": tensor(code="BF16", shape=(1, 2))},
        {"input": [1]},
        {"input": None},
        {"__metadata__": 5},
        {"__metadata__": None},
        {"__metadata__": {"format": 5}},
        {"word_offsets": tensor("I64", (), (0, 8))},
        {"word_bytes": tensor("U8", (), (0, 1))},
        {"counts": tensor("I64", (), (0, 8))},
    ],
)
def test_odd_tensors_are_refused(tmp_path, changes):
    header = {
        "__metadata__": {"format": "full-w2v", "version": "1"},
        "input": tensor(),
        "word_bytes": tensor("U8", (1,), (0, 1)),
        "word_offsets": tensor("I64", (2,), (8, 24)),
    }
    for chosen in (header, header | changes):
        text = json.dumps(chosen).encode()
        data = np.array([0, 0, 1]).tobytes()
        path = write(tmp_path / "x.safetensors", len(text).to_bytes(8, "little") + text + data)
        if chosen is header:
            assert load_embeddings(path).words == ("\0",)
    refused(path, "safetensors")


@pytest.mark.parametrize("length", [3, 2**31, 2**63])
def test_a_header_of_any_length_is_refused(tmp_path, length):
    refused(
        write(tmp_path / "x.safetensors", length.to_bytes(8, "little") + b"{}"), "not a complete safetensors"
    )


# .usearch, .tsv, .parquet


@pytest.mark.parametrize(
    "words",
    [
        "[]",
        "{}",
        "null",
        "5",
        '"ab"',
        "[1, 2]",
        '["a", null]',
        '["a"]',
        '["a", "b", "c"]',
        "[",
        "[" * 100_000,
    ],
)
def test_odd_words_of_an_index_are_refused(tmp_path, words):
    needs(".usearch")
    some_embeddings(2).save(tmp_path / "x.usearch")
    write(tmp_path / "x.usearch.json", words)
    refused(tmp_path / "x.usearch", "expected")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("a\n", "expected a vector for each of the 1 words"),
        ("word\tcount\n", "expected a vector for each of the 0 words"),
        ("word\tcount\na\t1\nb\n", "line 3: expected a word, a tab and its count"),
        ("word\tcount\na\t1\nb\t1.5\n", "line 3: expected a word, a tab and its count"),
        ("word\tcount\na\t1\nb\t-1\n", "line 3: expected a word, a tab and its count"),
        ("a\na\n", "'a' appears more than once, in rows 1 and 2"),
    ],
)
def test_odd_metadata_is_refused(tmp_path, metadata, message):
    write(tmp_path / "x.tsv", "1\t2\n3\t4\n")
    write(tmp_path / "x.metadata.tsv", metadata)
    refused(tmp_path / "x.tsv", message)


def test_metadata_with_lines_of_windows_loads(tmp_path):
    write(tmp_path / "x.tsv", "1\t2\r\n3\t4\r\n")
    write(tmp_path / "x.metadata.tsv", "word\tcount\r\na\t2\r\nb c\t1\r\n")
    found = load_embeddings(tmp_path / "x.tsv")
    assert (found.words, found.counts.tolist()) == (("a", "b c"), [2, 1])


def parquet_tables():
    pa = pytest.importorskip("pyarrow", reason="needs the package pyarrow")
    vector = pa.array([[1.0], [2.0]])
    yield {"word": ["a", "b"]}, "one column vector"
    yield {"vector": vector}, "one column word"
    yield {"word": [1, 2], "vector": vector}, "column word to hold strings, got int64"
    yield {"word": ["a", None], "vector": vector}, "1 rows without a word"
    yield {"word": ["a", "b"], "vector": [1.0, 2.0]}, "column vector to hold lists of numbers"
    yield {"word": ["a", "b"], "vector": [["x"], ["y"]]}, "column vector to hold lists of numbers"
    yield {"word": ["a", "b"], "vector": [[1.0], [2.0, 3.0]]}, "row 2 has 2 values, the ones before have 1"
    yield {"word": ["a", "b"], "vector": [[1.0], None]}, "missing"
    yield {"word": ["a", "b"], "vector": [[1.0], [None]]}, "missing"
    yield {"word": ["a", "b"], "vector": vector, "count": ["x", "y"]}, "column count"
    yield {"word": ["a", "b"], "vector": vector, "count": [1, None]}, "column count"
    yield {"word": ["a", "b"], "vector": vector, "count": [1.5, 2]}, "whole numbers below 2.63, got 1.5"
    yield {"word": [], "vector": pa.array([], pa.list_(pa.float32()))}, "expected"


def test_odd_tables_are_refused(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the package pyarrow")
    import pyarrow as pa

    for columns, message in parquet_tables():
        pq.write_table(pa.table(columns), tmp_path / "x.parquet")
        refused(tmp_path / "x.parquet", message)


def test_a_table_by_another_writer_loads(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the package pyarrow")
    import pyarrow as pa

    words = pa.array(["a", "b", "c"]).dictionary_encode()
    table = pa.table(
        {"word": words, "vector": pa.array([[1.0, 2.0]] * 3), "count": pa.array([3, 2, 1], pa.uint8())}
    )
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=1)
    found = load_embeddings(tmp_path / "x.parquet")
    assert (found.words, found.counts.tolist()) == (("a", "b", "c"), [3, 2, 1])
    assert load_embeddings(tmp_path / "x.parquet", limit=2).words == ("a", "b")


def test_many_bytes_of_words_take_wide_strings(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="needs the package pyarrow")
    from full_w2v.formats import parquet

    monkeypatch.setattr(parquet, "LARGEST_STRINGS", 3)
    some_embeddings().save(tmp_path / "x.parquet")
    assert load_embeddings(tmp_path / "x.parquet").words == some_embeddings().words


# Every format


@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_a_file_that_shrinks_while_it_is_read_is_a_format_error(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"x{suffix}"
    some_embeddings(5000, 100).save(path)  # larger than what is read at once

    def empty(*arguments, **settings):
        os.truncate(path, 4096)
        return made(*arguments, **settings)

    made = np.empty
    monkeypatch.setattr(np, "empty", empty)
    refused(path, "ends")


def changed(content, draw):
    """Bytes cut, changed, added, left out or set to extremes."""
    content = bytearray(content)
    at = draw.randrange(len(content))
    match draw.randrange(5):
        case 0:
            return content[:at]
        case 1:
            for _ in range(draw.randrange(1, 8)):
                content[draw.randrange(len(content))] = draw.randrange(256)
        case 2:
            content[at:at] = draw.randbytes(draw.randrange(1, 20))
        case 3:
            del content[at : at + draw.randrange(1, 20)]
        case _:
            content[at : at + 8] = draw.choice([b"\xff" * 8, b"\0" * 8, b"\x7f" * 8, b"99999999"])
    return content


@pytest.mark.parametrize("suffix", [suffix for suffix in suffixes() if suffix != ".kv"])  # see test_damage.py
def test_files_changed_anywhere_load_or_are_format_errors(tmp_path, suffix):
    needs(suffix)
    draw = random.Random(14)
    path = tmp_path / f"x{suffix}"
    some_embeddings(6).save(path)
    files = [file for file in (path if path.is_dir() else tmp_path).rglob("*") if file.is_file()]
    files = [file for file in files if file.name not in ("config.json", "modules.json")]
    whole = {file: file.read_bytes() for file in files}
    refusals = []
    for _ in range(150):
        file = draw.choice(files)
        file.write_bytes(changed(whole[file], draw))
        try:
            found = load_embeddings(path)
        except FormatError as error:
            refusals.append(str(error))
        else:
            assert len(set(found.words)) == len(found.words) == len(found.vectors)
            assert np.isfinite(found.vectors).all()
        file.write_bytes(whole[file])
    assert len(refusals) > 75
    assert all(refusal.startswith(f"{path}: ") and "\n" not in refusal for refusal in refusals)
