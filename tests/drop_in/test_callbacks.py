"""Callbacks: gensim's hooks, ours, checkpoints, and the log."""

import copy
import itertools
import logging
from pathlib import Path

import gensim.models
import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec
from small_models import SENTENCES, TINY, TOKENS, Rates, built

from full_w2v import Word2Vec
from full_w2v.drop_in.callbacks import Callback, Checkpoint, StopTraining
from full_w2v.errors import ConfigError
from full_w2v.training.report import Progress


class Recorder(CallbackAny2Vec):
    """Every call with the vectors and the loss of that moment."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.vectors: list[np.ndarray] = []
        self.losses: list[float] = []

    def _record(self, name: str, model: Word2Vec) -> None:
        self.calls.append(name)
        self.vectors.append(model.wv.vectors.copy())
        self.losses.append(model.get_latest_training_loss())

    def on_train_begin(self, model: Word2Vec) -> None:
        self._record("train begins", model)

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self._record("epoch begins", model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self._record("epoch ends", model)

    def on_train_end(self, model: Word2Vec) -> None:
        self._record("train ends", model)


def test_training_is_logged_as_gensim_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = Word2Vec(SENTENCES, **TINY)
    epochs = [record.getMessage() for record in caplog.records if record.getMessage().startswith("EPOCH")]
    assert [line.split(" took")[0] for line in epochs] == [
        f"EPOCH {i}: training on {TOKENS} raw words ({TOKENS} effective words)" for i in range(2)
    ]
    events = [event["msg"] for event in model.lifecycle_events if event["event"] == "train"]
    assert events[0] == (
        "training model with 1 workers on 40 vocabulary and 8 features, "
        "using sg=1 hs=0 sample=0 negative=5 window=5 shrink_windows=True"
    )
    assert events[1].startswith(f"training on {2 * TOKENS} raw words ({2 * TOKENS} effective words) took")


def test_callbacks_come_in_gensims_order_and_see_current_vectors() -> None:
    ours, theirs = Recorder(), Recorder()
    model = Word2Vec(SENTENCES, callbacks=[ours], compute_loss=True, **TINY)
    gensim.models.Word2Vec(SENTENCES, callbacks=[theirs], compute_loss=True, **TINY)
    assert ours.calls == theirs.calls
    assert ours.calls == ["train begins", *["epoch begins", "epoch ends"] * 2, "train ends"]
    begin, first_begin, first_end, second_begin, second_end, end = ours.vectors
    for same, other in ((begin, first_begin), (first_end, second_begin), (second_end, end)):
        np.testing.assert_array_equal(same, other)
    assert not np.array_equal(first_begin, first_end)
    assert not np.array_equal(second_begin, second_end)
    np.testing.assert_array_equal(end, model.wv.vectors)
    assert ours.losses[0] == ours.losses[1] == 0
    assert 0 < ours.losses[2] == ours.losses[3] < ours.losses[4] == ours.losses[5]
    assert model.get_latest_training_loss() == ours.losses[5]


def test_the_vectors_at_an_epochs_end_are_those_of_that_many_epochs() -> None:
    # With a constant rate, the first of two epochs trains as the only one.
    recorder = Recorder()
    constant = {"alpha": 0.02, "min_alpha": 0.02}
    Word2Vec(SENTENCES, callbacks=[recorder], **TINY, **constant)
    only = Word2Vec(SENTENCES, **{**TINY, **constant, "epochs": 1})
    np.testing.assert_array_equal(recorder.vectors[2], only.wv.vectors)


def test_queries_in_a_callback_use_current_vectors() -> None:
    class Query(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            ((word, cosine),) = model.wv.most_similar("a1", topn=1)
            a, b = model.wv["a1"], model.wv[word]
            # Cosines in float32, of rows of 8 values.
            assert cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)

    Word2Vec(SENTENCES, callbacks=[Query()], **TINY)


def test_a_callback_may_save_the_model(tmp_path: Path) -> None:
    class Saver(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            model.save(str(tmp_path / "epoch.model"))

    model = Word2Vec(SENTENCES, callbacks=[Saver()], **TINY)
    saved = Word2Vec.load(str(tmp_path / "epoch.model"))
    np.testing.assert_array_equal(saved.wv.vectors, model.wv.vectors)


def test_an_interrupt_leaves_the_vectors_trained_so_far() -> None:
    class Interrupt(Recorder):
        def on_epoch_end(self, model: Word2Vec) -> None:
            super().on_epoch_end(model)
            raise KeyboardInterrupt

    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    recorder = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        model.train(SENTENCES, total_examples=1200, epochs=5, callbacks=[recorder])
    assert recorder.calls == ["train begins", "epoch begins", "epoch ends"]
    np.testing.assert_array_equal(model.wv.vectors, recorder.vectors[-1])
    assert not np.array_equal(recorder.vectors[0], recorder.vectors[-1])


def test_batches_report_progress_and_loss() -> None:
    rates = Rates()
    model = Word2Vec(SENTENCES, compute_loss=True, callbacks=[rates], **TINY)
    assert [progress.epoch for progress in rates.batches] == sorted(p.epoch for p in rates.batches)
    words = [progress.words for progress in rates.batches]
    assert words == sorted(words)
    assert words[-1] == rates.batches[-1].total_words == 2 * TOKENS
    assert rates.batches[-1].loss is not None
    assert model.get_latest_training_loss() > 0


class StopsAt(Callback):
    """Stops at the first call of one hook, and remembers what the vectors were and which hooks followed."""

    def __init__(self, hook: str, epoch: int = 0) -> None:
        self._hook, self._epoch = hook, epoch
        self._ended = 0
        self.vectors = np.empty(0)
        self.later: list[str] = []

    def _hooked(self, hook: str, model: Word2Vec) -> None:
        if self.vectors.size:
            self.later.append(hook)
        elif hook == self._hook and self._ended >= self._epoch:
            model.sync_vectors()
            self.vectors = model.wv.vectors.copy()
            raise StopTraining("enough")

    def on_train_begin(self, model: Word2Vec) -> None:
        self._hooked("train begin", model)

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self._hooked("epoch begin", model)

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
        assert progress.words > 0
        self._hooked("batch end", model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self._ended += 1
        self._hooked("epoch end", model)

    def on_train_end(self, model: Word2Vec) -> None:
        self._hooked("train end", model)


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("train begin", 0),
        ("epoch begin", 0),
        ("batch end", None),
        ("epoch end", TOKENS),
        ("train end", 5 * TOKENS),
    ],
)
def test_a_callback_can_stop_training_at_every_hook(
    hook: str, words: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    model = built()
    stop = StopsAt(hook)
    with caplog.at_level(logging.INFO):
        trained, _ = model.train(SENTENCES, total_examples=1200, epochs=5, callbacks=[stop])
    if words is None:
        assert 0 < trained < TOKENS
    else:
        assert trained == words
    np.testing.assert_array_equal(model.wv.vectors, stop.vectors)
    assert stop.later == ([] if hook == "train end" else ["train end"])
    assert "a callback stopped training in epoch" in caplog.text
    assert model.train_count == 1
    assert model.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_a_checkpoint_can_be_loaded_and_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "words.model"
    model = built()
    with pytest.raises(KeyboardInterrupt):
        model.train(
            SENTENCES, total_examples=1200, epochs=4, callbacks=[Checkpoint(path), _Interrupt(after=3)]
        )
    saved = Word2Vec.load(str(path))
    np.testing.assert_array_equal(saved.wv.vectors, model.wv.vectors)
    assert saved.min_alpha_yet_reached == pytest.approx(0.025 - 0.75 * 0.0249)
    rates = Rates()
    saved.train(
        SENTENCES, total_examples=1200, epochs=1, start_alpha=saved.min_alpha_yet_reached, callbacks=[rates]
    )
    assert rates.epochs == pytest.approx([saved.min_alpha])


class _Interrupt(Callback):
    def __init__(self, after: int) -> None:
        self._left = after

    def on_epoch_end(self, model: Word2Vec) -> None:
        assert model.running_training_loss == 0
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def test_checkpoints_come_every_so_many_epochs_or_seconds(tmp_path: Path) -> None:
    class Saves(Checkpoint):
        saved = 0

        def _save(self, model: Word2Vec) -> None:
            super()._save(model)
            self.saved += 1

    third, always = Saves(tmp_path / "third", epochs=3), Saves(tmp_path / "always", seconds=0)
    model = built()
    model.train(SENTENCES, total_examples=1200, epochs=7, callbacks=[third, always])
    assert third.saved == 2
    assert always.saved > 7
    for settings in ({"epochs": 0}, {"seconds": -1}):
        with pytest.raises(ConfigError):
            Checkpoint(tmp_path / "never", **settings)


def test_a_callback_may_copy_the_model() -> None:
    class Copies(Callback):
        def __init__(self) -> None:
            self.copies: list[Word2Vec] = []

        def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
            assert progress.epochs == 2
            self.copies.append(copy.deepcopy(model))

    callback = Copies()
    Word2Vec(SENTENCES, callbacks=[callback], **TINY)
    assert callback.copies[0].train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_progress_is_logged_in_gensims_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = built()
        # Long enough for a line of progress, which comes after a second at the earliest.
        for _ in itertools.takewhile(lambda _: "PROGRESS: at 1" not in caplog.text, range(8)):
            model.train(SENTENCES * 60, total_examples=72_000, epochs=1)
    lines = [record.getMessage() for record in caplog.records]
    assert "collecting all words and their counts" in lines
    assert f"collected 40 word types from a corpus of {TOKENS} raw words and 1200 sentences" in lines
    assert any(line.startswith("PROGRESS: at sentence #") for line in lines)
    assert any(
        line.startswith("EPOCH 0: training on 864000 raw words (864000 effective words) took")
        for line in lines
    )
