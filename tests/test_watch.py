"""A training that diverges ends while it does so, says what to change, and leaves the last sane vectors."""

import random
from typing import Any

import numpy as np
import pytest

import full_w2v
from full_w2v.backends import SpanStats
from full_w2v.backends.base import largest_norm
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.reference import ReferenceBackend
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus
from full_w2v.errors import DivergenceError
from full_w2v.model import Model
from full_w2v.trainer import train_model
from full_w2v.vocabulary import Vocabulary
from full_w2v.watch import LARGEST_NORM, Watch

WORDS = 3000  # more than are looked at after every span


def job(**settings: Any) -> tuple[Model, EncodedCorpus]:
    ids = np.random.default_rng(1).integers(0, WORDS, 40_000).astype(np.int32)
    vocabulary = Vocabulary([f"w{i}" for i in range(WORDS)], np.bincount(ids, minlength=WORDS) + 1)
    config = TrainConfig(**{"vector_size": 8, "epochs": 3, "threads": 1, "sample": 0, **settings})
    corpus = EncodedCorpus(ids, np.arange(0, 40_001, 20, dtype=np.int64))
    return Model.initialize(vocabulary, config), corpus


class Poisoned(CpuBackend):
    """Puts a value into a row while a span of the second epoch trains."""

    def __init__(self, row: int, value: float) -> None:
        super().__init__()
        self.row, self.value, self.spans = row, value, []

    def load(self, model: Model) -> None:
        self._model = model
        super().load(model)

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        stats = super().train(corpus, begin, end, epoch)
        self.spans.append((epoch, begin))
        if epoch == 1 and begin == 0:
            matrices = [matrix.copy() for matrix in self._model.matrices]
            matrices[1][self.row, 3] = self.value
            self._loaded().load(*matrices)
        return stats


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e4, -3e38])
@pytest.mark.parametrize("row", [0, 1024, WORDS - 1])
def test_a_row_that_goes_astray_ends_the_epoch_and_the_model_keeps_the_one_before(
    row: int, value: float
) -> None:
    model, corpus = job()
    backend = Poisoned(row, value)
    kept: list[np.ndarray] = []
    with pytest.raises(DivergenceError, match=r"^training diverged: .* lower alpha, which was 0\.025"):
        train_model(model, corpus, backend=backend, progress=lambda _: kept.append(model.input.copy()))
    once, _ = job(epochs=3)
    train_first_epoch(once, corpus)
    np.testing.assert_array_equal(model.input, once.input)
    np.testing.assert_array_equal(model.output, once.output)
    assert {epoch for epoch, _ in backend.spans} == {0, 1}
    if row == 0:
        assert backend.spans[-1] == (1, 0), "frequent rows are looked at after every span"


def train_first_epoch(model: Model, corpus: EncodedCorpus) -> None:
    backend = CpuBackend()
    backend.load(model)
    backend.train(corpus, 0, corpus.tokens, 0)
    backend.read(model)


def test_every_row_is_looked_at_in_each_epoch() -> None:
    class Recording:
        def __init__(self) -> None:
            self.looks: list[tuple[int, int]] = []

        def largest_norm(self, begin: int, end: int) -> float:
            self.looks.append((begin, end))
            return 1.0

    for tokens, span in ((10_000, 777), (50, 7), (100_000, 100_000)):
        backend = Recording()
        watch = Watch(backend, TrainConfig(), WORDS, tokens)  # type: ignore[arg-type]
        for begin in range(0, tokens, span):
            watch.after_span(SpanStats(1, 1, 0.0), min(span, tokens - begin))
        stripes = [look for look in backend.looks if look != (0, 1024)]
        assert [row for begin, end in stripes for row in range(begin, end)] == list(range(WORDS))


@pytest.mark.parametrize("backend", [CpuBackend, ReferenceBackend])
def test_rates_far_too_large_are_told_with_their_settings(backend) -> None:
    model, corpus = job(alpha=10.0, min_alpha=10.0, window=20, share_negatives=2, vector_size=64)
    corpus = EncodedCorpus(corpus.ids[:600], corpus.offsets[:31])
    with pytest.raises(DivergenceError) as caught:
        train_model(model, corpus, backend=backend())
    message = str(caught.value)
    assert message.count("\n") == 0
    for setting in (
        "alpha, which was 10",
        "window, which was 20",
        "share_negatives, which was 2",
        "order='pair'",
    ):
        assert setting in message


@pytest.mark.parametrize("loss", [1e9, np.nan, np.inf])
def test_an_absurd_loss_is_divergence(loss: float) -> None:
    watch = Watch(CpuBackend(), TrainConfig(loss=True), 10, 100)
    watch._backend.largest_norm = lambda _begin, _end: 1.0  # type: ignore[method-assign]
    with pytest.raises(DivergenceError, match="the mean loss of a pair is"):
        watch.after_span(SpanStats(10, 100, loss * 100), 10)


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": alpha, **objective}
        for alpha in (0.05, 0.25, 0.5)
        for objective in (
            {},
            {"architecture": "cbow"},
            {"architecture": "cbow", "cbow_mean": False},
            {"hierarchical_softmax": True},
            {"hierarchical_softmax": True, "architecture": "cbow", "negative": 0},
            {"order": "pair"},
            {"share_negatives": 4},
        )
        # Nodes near the root are in every path: there a pair's own step overshoots at 0.5.
        if alpha < 0.5 or "hierarchical_softmax" not in objective
    ],
    ids=str,
)
def test_sane_trainings_stay_far_below_the_limit(settings: dict[str, Any]) -> None:
    draw = random.Random(3)
    sentences = [draw.choices([f"w{i}" for i in range(draw.choice([4, 40]))], k=20) for _ in range(200)]
    result = full_w2v.train(
        sentences, backend="cpu", min_count=1, sample=0, threads=1, epochs=20, vector_size=16, **settings
    )
    assert largest_norm(result.model.matrices) < LARGEST_NORM / 10


@pytest.mark.parametrize("threads", [1, 3])
def test_norms_are_those_of_the_rows_asked_for(threads: int) -> None:
    model, _ = job(threads=threads, vector_size=33)
    model.output[:] = np.random.default_rng(2).normal(size=model.output.shape)
    for backend in (CpuBackend(), ReferenceBackend()):
        backend.load(model)
        for begin, end in ((0, WORDS), (5, 6), (1000, 2999)):
            rows = np.vstack([matrix[begin:end] for matrix in model.matrices]).astype(np.float64)
            expected = np.linalg.norm(rows, axis=1).max()
            assert backend.largest_norm(begin, end) == pytest.approx(expected, rel=1e-6)
        backend.close()


def test_equal_bits_come_back_whatever_the_number_of_threads_that_copy() -> None:
    for words in (1, 2, 5, 100):
        for threads in (1, 3, 8):
            config = TrainConfig(vector_size=17, threads=threads)
            vocabulary = Vocabulary([f"w{i}" for i in range(words)], np.ones(words, np.int64))
            model = Model.initialize(vocabulary, config)
            model.output[:] = np.random.default_rng(words).normal(size=model.output.shape)
            backend, back = CpuBackend(), Model.initialize(vocabulary, config)
            backend.load(model)
            back.input[:] = back.output[:] = np.nan
            backend.read(back)
            np.testing.assert_array_equal(back.input, model.input)
            np.testing.assert_array_equal(back.output, model.output)
