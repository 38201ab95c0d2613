"""Models whose arrays, words or settings the user changes: before training, and in callbacks during it."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec
from small_models import SENTENCES

from full_w2v import Word2Vec
from full_w2v.drop_in.callbacks import Callback, StopTraining
from full_w2v.errors import ConfigError

SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "sample": 0}
OBJECTIVES = [{"sg": 1}, {"sg": 0}, {"sg": 1, "hs": 1}, {"sg": 0, "hs": 1, "negative": 0}]


def built(**settings: Any) -> Word2Vec:
    model = Word2Vec(**{**SMALL, **settings})
    model.build_vocab(SENTENCES)
    return model


class Changing(CallbackAny2Vec):
    """Changes the model in one hook of epoch 1, and notes the vectors around."""

    def __init__(self, hook: str, change: Callable[[Word2Vec], None]) -> None:
        self.hook, self.change, self.epoch = hook, change, 0
        self.after: np.ndarray | None = None

    def _called(self, hook: str, model: Word2Vec) -> None:
        if hook == self.hook and self.epoch == 1:
            self.change(model)
            self.after = np.array(model.wv.vectors, np.float32)

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self._called("on_epoch_begin", model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self._called("on_epoch_end", model)
        self.epoch += 1


def normalise(model: Word2Vec) -> None:
    model.wv.vectors = model.wv.vectors / np.linalg.norm(model.wv.vectors, axis=1, keepdims=True)


def scale_in_place(model: Word2Vec) -> None:
    model.wv.vectors *= 3.0


def other_type(model: Word2Vec) -> None:
    model.wv.vectors = np.asfortranarray(model.wv.vectors.astype(np.float64) * 3.0)


@pytest.mark.parametrize("settings", OBJECTIVES, ids=str)
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("change", [normalise, scale_in_place, other_type])
def test_training_goes_on_with_what_a_callback_leaves(
    settings: dict[str, Any], hook: str, change: Callable[[Word2Vec], None]
) -> None:
    model, callback = built(**settings), Changing(hook, change)
    slow = {"start_alpha": 1e-4, "end_alpha": 1e-4}  # small steps, far smaller than any of the changes
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=4, callbacks=[callback], **slow)
    assert callback.after is not None
    assert model.wv.vectors.dtype == np.float32
    learned = np.abs(model.wv.vectors - callback.after).max()
    assert 0 < learned < 0.3 * np.abs(callback.after).max(), "it trains on, from what was left"


@pytest.mark.parametrize("name", ["syn1neg", "syn1"])
def test_output_weights_that_a_callback_replaces_are_adopted(name: str) -> None:
    model = built(sg=1, hs=int(name == "syn1"))
    shape = getattr(model, name).shape

    def replace(model: Word2Vec) -> None:
        setattr(model, name, np.full(shape, 0.25))

    model.train(
        SENTENCES, total_examples=len(SENTENCES), epochs=3, callbacks=[Changing("on_epoch_begin", replace)]
    )
    assert abs(getattr(model, name).mean() - 0.25) < 0.2
    assert (getattr(model, name) != 0.25).any()


@pytest.mark.parametrize("stop", [False, True])
def test_what_the_last_hook_changes_stays(stop: bool) -> None:
    class Last(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            model.wv.vectors[:] = 7.0
            if stop:
                raise StopTraining("enough")

    model = built(sg=1)
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1, callbacks=[Last()])
    np.testing.assert_array_equal(model.wv.vectors, np.full_like(model.wv.vectors, 7.0))


def test_callbacks_that_change_nothing_change_no_bit() -> None:
    plain, watched = built(sg=1), built(sg=1)
    plain.train(SENTENCES, total_examples=len(SENTENCES), epochs=3)
    watched.train(SENTENCES, total_examples=len(SENTENCES), epochs=3, callbacks=[CallbackAny2Vec()])
    np.testing.assert_array_equal(plain.wv.vectors, watched.wv.vectors)


def test_a_vocabulary_that_a_callback_changes_is_an_error() -> None:
    def grow(model: Word2Vec) -> None:
        model.build_vocab([["entirely", "new", "words"]], update=True)

    model = built(sg=1)
    with pytest.raises(
        ConfigError, match=r"a callback changed the vocabulary in training, from \d+ words to"
    ):
        model.train(
            SENTENCES, total_examples=len(SENTENCES), epochs=3, callbacks=[Changing("on_epoch_end", grow)]
        )


def test_arrays_replaced_in_the_middle_of_an_epoch_are_an_error() -> None:
    class Replacing(Callback):
        def on_batch_end(self, model: Word2Vec, progress: Any) -> None:  # noqa: ARG002 (the hook's)
            model.wv.vectors = model.wv.vectors.copy()

    with pytest.raises(ConfigError, match="on_batch_end replaced an array of the model"):
        built(sg=1).train(SENTENCES, total_examples=len(SENTENCES), epochs=1, callbacks=[Replacing()])


def test_a_model_cannot_be_trained_by_two_threads_at_once() -> None:
    refused: list[str] = []

    class Meanwhile(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            def train() -> None:
                with pytest.raises(RuntimeError) as caught:
                    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
                refused.append(str(caught.value))

            other = Thread(target=train)
            other.start()
            other.join()

    model = built(sg=1)
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1, callbacks=[Meanwhile()])
    assert refused == [
        "another thread is training this model; wait for it, or give each thread its own model"
    ]


def test_a_model_cannot_be_trained_in_its_own_callback() -> None:
    class Recursive(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)

    model = built(sg=1)
    with pytest.raises(RuntimeError, match=r"train\(\) was called from one of its callbacks"):
        model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1, callbacks=[Recursive()])
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)  # and is free again


STRIDED = {
    "float64": lambda rows: rows.astype(np.float64),
    "float16": lambda rows: rows.astype(np.float16),
    "Fortran order": np.asfortranarray,
    "strided": lambda rows: np.repeat(rows, 2, axis=1)[:, ::2],
    "big-endian": lambda rows: rows.astype(">f4"),
    "read-only": lambda rows: np.frombuffer(rows.tobytes(), np.float32).reshape(rows.shape),
    "list": lambda rows: rows.tolist(),
    "integers": lambda rows: np.ones(rows.shape, np.int64),
}


@pytest.mark.parametrize("name", ["vectors", "syn1neg", "syn1"])
@pytest.mark.parametrize("kind", STRIDED)
def test_matrices_of_any_type_and_layout_are_trained(name: str, kind: str) -> None:
    model = built(sg=1, hs=1)
    owner = model.wv if name == "vectors" else model
    given = STRIDED[kind](getattr(owner, name))
    setattr(owner, name, given)
    model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
    trained = getattr(owner, name)
    assert trained.dtype == np.float32
    assert np.abs(trained - np.asarray(given, np.float32)).max() > 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((3, 8)), r"wv.vectors must have the shape \[\d+, 8\], words by vector_size, got \[3, 8\]"),
        (np.zeros((500, 9)), r"words by vector_size, got \[500, 9\]"),
        (np.zeros(9), r"got \[9\]"),
        (np.full((500, 8), "a"), "wv.vectors must hold numbers, got an array of <U1"),
        (np.full((500, 8), np.nan), "wv.vectors must hold finite values, got others in row 0"),
    ],
)
def test_matrices_that_cannot_be_trained_are_one_clear_line(rows: np.ndarray, message: str) -> None:
    model = built(sg=1)
    model.wv.vectors = rows
    with pytest.raises(ConfigError, match=message) as caught:
        model.train(SENTENCES, total_examples=len(SENTENCES), epochs=1)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("settings", OBJECTIVES, ids=str)
def test_rows_without_a_count_are_left_alone(settings: dict[str, Any]) -> None:
    model = built(**settings)
    model.wv.add_vector("<unk>", np.full(8, 0.5, np.float32))
    model.wv.add_vector("<pad>", np.zeros(8, np.float32))
    before = model.wv.vectors.copy()
    model.train([*SENTENCES, ["<unk>"] * 9], total_examples=len(SENTENCES) + 1, epochs=2)
    np.testing.assert_array_equal(model.wv["<unk>"], np.full(8, 0.5))
    np.testing.assert_array_equal(model.wv["<pad>"], np.zeros(8))
    assert (model.wv.vectors[:-2] != before[:-2]).any(axis=1).all()


@pytest.mark.parametrize(
    "sentences",
    [[[word] for sentence in SENTENCES for word in sentence], [["a", "b"]]],
    ids=["alone", "rare"],
)
def test_nothing_trained_is_told(sentences: list[list[str]], caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(sentences, sg=1, vector_size=8, min_count=1, workers=1, epochs=2, sample=1e-9)
    assert model.train_count == 1
    assert "nothing was trained: " in caplog.text
    assert "sample, which was 1e-09" in caplog.text
