"""limit, errors and duplicates: damaged or large files are read in part on request."""

import numpy as np
import pytest
from samples import some_embeddings, write

from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.errors import ConfigError, FormatError
from full_w2v.file_formats import suffixes

NEEDS = {".parquet": "pyarrow", ".model2vec": "tokenizers", ".usearch": "usearch"}


def saved(folder, suffix, rows=20):
    if suffix in NEEDS:
        pytest.importorskip(NEEDS[suffix], reason=f"needs the package {NEEDS[suffix]}")
    path = folder / f"x{suffix}"
    some_embeddings(rows).save(path)
    return path


@pytest.mark.parametrize("suffix", suffixes())
@pytest.mark.parametrize("limit", [1, 7, 20, 10**18])
def test_a_limit_gives_the_first_rows(tmp_path, suffix, limit):
    path = saved(tmp_path, suffix)
    everything, found = load_embeddings(path), Embeddings.load(path, limit=limit)
    assert found.words == everything.words[:limit]
    np.testing.assert_array_equal(found.vectors, everything.vectors[:limit])
    if everything.counts is not None:
        np.testing.assert_array_equal(found.counts, everything.counts[:limit])


@pytest.mark.parametrize("suffix", [".txt", ".vec", ".glove.txt", ".bin", ".tsv"])
def test_what_comes_after_the_limit_is_not_looked_at(tmp_path, suffix):
    path = saved(tmp_path, suffix)
    content = path.read_bytes()
    whole = load_embeddings(path)
    path.write_bytes(content[: len(content) * 3 // 4] + b"\xff\xff")
    with pytest.raises(FormatError):
        load_embeddings(path)
    found = load_embeddings(path, limit=5)
    assert found.words == whole.words[:5]
    np.testing.assert_array_equal(found.vectors, whole.vectors[:5])


def test_a_file_cut_short_says_how_much_of_it_a_limit_would_load(tmp_path):
    for suffix in (".txt", ".bin"):
        path = saved(tmp_path, suffix)
        content = path.read_bytes()
        path.write_bytes(content[: content.rindex(b"w19")])
        with pytest.raises(FormatError, match="limit=19 would load"):
            load_embeddings(path)
        assert len(load_embeddings(path, limit=19)) == 19


def bad_keys(folder, suffix):
    """A file with the keys a, b, a and one that is not UTF-8."""
    if suffix == ".bin":
        rows = (key + b" " + np.float32(i).tobytes() for i, key in enumerate([b"a", b"b", b"a", b"c\xff"]))
        return write(folder / "x.bin", b"4 1\n" + b"\n".join(rows) + b"\n")
    if suffix == ".tsv":
        write(folder / "x.metadata.tsv", b"a\nb\na\nc\xff\n")
        return write(folder / "x.tsv", b"0\n1\n2\n3\n")
    return write(folder / f"x{suffix}", b"a 0\nb 1\na 2\nc\xff 3\n")


@pytest.mark.parametrize("suffix", [".txt", ".glove.txt", ".bin", ".tsv"])
def test_damaged_keys_are_refused_unless_asked_for(tmp_path, suffix):
    path = bad_keys(tmp_path, suffix)
    with pytest.raises(FormatError, match="is not UTF-8"):
        load_embeddings(path, duplicates="first")
    with pytest.raises(FormatError, match=r"'a' appears more than once, in rows 1 and 3; duplicates='first'"):
        load_embeddings(path, errors="replace")
    found = load_embeddings(path, errors="replace", duplicates="first")
    assert found.words == ("a", "b", "c\ufffd")
    assert found.vectors.ravel().tolist() == [0, 1, 3]
    assert load_embeddings(path, errors="ignore", duplicates="first").words == ("a", "b", "c")
    assert load_embeddings(path, limit=2).words == ("a", "b")


def test_duplicates_of_archives_keep_the_first_row_and_its_count(tmp_path):
    np.savez(tmp_path / "x.npz", words=["a", "b", "a"], vectors=[[1.0], [2.0], [3.0]], counts=[9, 8, 7])
    found = load_embeddings(tmp_path / "x.npz", duplicates="first")
    assert (found.words, found.vectors.tolist(), found.counts.tolist()) == (("a", "b"), [[1], [2]], [9, 8])


@pytest.mark.parametrize(
    "options", [{"limit": 0}, {"limit": -1}, {"limit": 1.5}, {"errors": "x"}, {"duplicates": "last"}]
)
def test_options_that_are_not_valid_are_named(tmp_path, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        load_embeddings(saved(tmp_path, ".txt"), **options)
