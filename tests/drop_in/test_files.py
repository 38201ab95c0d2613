"""Files and copies of models, which both classes read."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
import two_groups
from small_models import SENTENCES, TINY, equal_models

from full_w2v import Word2Vec
from full_w2v.errors import ConfigError


def test_a_saved_model_continues_as_if_it_had_never_been_saved(tmp_path: Path) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    path = str(tmp_path / "saved.model")
    model.save(path)
    loaded = Word2Vec.load(path)
    assert type(loaded) is Word2Vec
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    assert loaded.wv.most_similar("a1") == model.wv.most_similar("a1")
    for each in (model, loaded):
        each.train(SENTENCES, total_examples=1200, epochs=1)
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(loaded.syn1neg, model.syn1neg)


def test_a_model_of_gensims_class_can_be_loaded_and_trained(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = str(tmp_path / "saved.model")
    gensim.models.Word2Vec(SENTENCES, **TINY).save(path)
    request.getfixturevalue("no_gensim_training")
    model = Word2Vec.load(path)
    assert type(model) is Word2Vec
    before = model.wv.vectors.copy()
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert not np.array_equal(model.wv.vectors, before)


@pytest.fixture(params=["ours", "gensim's"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model that one of the two classes has trained and saved."""
    kind = Word2Vec if request.param == "ours" else gensim.models.Word2Vec
    path = tmp_path / "saved.model"
    kind(SENTENCES, comment="a note", **TINY).save(str(path), sep_limit=1)
    return path


@pytest.mark.parametrize("kind", [Word2Vec, gensim.models.Word2Vec])
@pytest.mark.parametrize("mmap", [None, "r"])
def test_either_class_loads_and_trains_what_either_has_saved(
    saved: Path, kind: Any, mmap: str | None
) -> None:
    model = kind.load(str(saved), mmap=mmap)
    assert type(model) is kind
    assert model.comment == "a note"
    assert (model.corpus_count, model.train_count, model.epochs) == (1200, 1, 2)
    if mmap and kind is gensim.models.Word2Vec:
        return  # gensim cannot train mapped vectors
    before = model.wv.vectors.copy()
    model.build_vocab([["new", *SENTENCES[0]]] * 5, update=True)
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert not np.array_equal(model.wv.vectors[: len(before)], before)
    assert "new" in model.wv


def test_a_saved_model_names_no_class_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "saved.model"
    Word2Vec(SENTENCES, **TINY).save(str(path))
    assert b"full_w2v" not in path.read_bytes()


def test_a_subclass_is_saved_and_loaded_as_itself(tmp_path: Path) -> None:
    model = Named(SENTENCES, **TINY)
    model.save(str(tmp_path / "model"))
    assert type(Named.load(str(tmp_path / "model"))) is Named


class Named(Word2Vec):
    """A user's own class."""


def test_saving_again_over_mapped_arrays_keeps_them(tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    Word2Vec(SENTENCES, **TINY).save(path, sep_limit=1)
    model = Word2Vec.load(path, mmap="r")
    before = model.wv.vectors.copy()
    model.save(path, sep_limit=1)
    np.testing.assert_array_equal(Word2Vec.load(path).wv.vectors, before)
    arrays = ("syn1neg", "wv.vectors", "wv.vectors_lockf")
    assert {file.name for file in tmp_path.iterdir()} == {"model", *(f"model.{name}.npy" for name in arrays)}


def test_the_corpus_is_not_overwritten(tmp_path: Path) -> None:
    corpus = two_groups.write(tmp_path / "corpus.txt")
    model = Word2Vec(corpus_file=str(corpus), **TINY)
    (tmp_path / "link").symlink_to(corpus)
    for path in (corpus, tmp_path / "link"):
        with pytest.raises(ConfigError, match="is the corpus and would be overwritten; choose another path"):
            model.save(str(path))
    assert corpus.read_text() == two_groups.text()


def test_a_model_can_be_saved_into_an_open_file(tmp_path: Path) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    with (tmp_path / "model").open("wb") as file:
        model.save(file)
    assert equal_models(Word2Vec.load(str(tmp_path / "model")), model)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_train_on_their_own(copied: Callable[[Word2Vec], Word2Vec], tmp_path: Path) -> None:
    corpus = two_groups.write(tmp_path / "corpus.txt")
    model = Word2Vec(corpus_file=str(corpus), **TINY)
    other = copied(model)
    assert type(other) is Word2Vec
    assert equal_models(other, model)
    for each in (model, other):
        each.train(SENTENCES, total_examples=1200, epochs=1)
    assert equal_models(other, model)
    other.train(SENTENCES, total_examples=1200, epochs=1)
    assert not equal_models(other, model)
