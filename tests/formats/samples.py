"""Embeddings and models that the tests of every format write and read."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from full_w2v.config import TrainConfig
from full_w2v.embeddings import Embeddings
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

WORD2VEC = [".txt", ".vec", ".bin"]
ALL = [*WORD2VEC, ".kv", ".safetensors"]

any_text = st.text(st.characters(codec=None))  # lone surrogates too
some_words = st.lists(any_text, min_size=1, max_size=6, unique=True)
unhurried = settings(deadline=None)  # a busy machine is no failure


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


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def has_surrogate(word):
    return any("\ud800" <= c <= "\udfff" for c in word)
