"""gensim's KeyedVectors as files."""

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from samples import assert_same, some_embeddings

from full_w2v.embeddings import Embeddings, load_embeddings


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
