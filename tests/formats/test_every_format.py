"""What holds for every format: round trips, conversions, names."""

import numpy as np
import pytest
from hypothesis import given
from samples import (
    ALL,
    WORD2VEC,
    assert_same,
    has_surrogate,
    some_embeddings,
    some_model,
    some_words,
    unhurried,
)

from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.errors import FormatError
from full_w2v.file_formats import suffixes
from full_w2v.formats import check_output, load_model, save_embeddings, save_model


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


@pytest.mark.parametrize("name", ["x", "x.", "x.npy", "x.txt.gz", ".bin"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    for act in (load_embeddings, load_model, check_output, lambda path: some_embeddings().save(path)):
        with pytest.raises(FormatError, match=r"ends in \.txt, \.vec, \.bin, \.kv, \.safetensors, .* got"):
            act(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_suffix_may_be_in_capitals(tmp_path):
    some_embeddings().save(tmp_path / "X.BIN")
    assert_same(load_embeddings(tmp_path / "X.BIN"), some_embeddings())


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


@pytest.mark.parametrize("suffix", ALL)
def test_a_model_saves_as_embeddings_in_every_format(tmp_path, suffix):
    model = some_model()
    save_model(model, tmp_path / f"m{suffix}")
    assert_same(load_embeddings(tmp_path / f"m{suffix}"), Embeddings.from_model(model))
