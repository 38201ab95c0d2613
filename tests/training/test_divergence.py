"""A training that diverges ends while it does so, says what to change, and leaves the last sane vectors."""

import ast
import random
from typing import Any

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec

import full_w2v
from full_w2v.backends import SpanStats
from full_w2v.backends.base import largest_norm
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.reference import ReferenceBackend
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import DivergenceError, TrainingWarning, as_python, spelled
from full_w2v.model import Model
from full_w2v.training.divergence import LARGEST_NORM, DivergenceWatch
from full_w2v.training.run import Run, train_model
from full_w2v.vocabulary import Vocabulary

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


def test_absurd_rows_are_not_copied_into_the_model_by_whatever_ends_training() -> None:
    """Neither a call of sync nor Ctrl-C hands over what diverged since the last look."""
    model, corpus = job()
    before: list[np.ndarray] = []

    class Interrupted(Poisoned):
        def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
            stats = super().train(corpus, begin, end, epoch)
            if epoch == 1:
                with pytest.raises(DivergenceError, match="vectors hold values that are not finite"):
                    training.sync()
                raise KeyboardInterrupt
            return stats

    with Run(model, corpus, backend=Interrupted(WORDS - 1, np.nan)) as training:
        training.run_epoch()
        before.extend(matrix.copy() for matrix in model.matrices)
        with pytest.raises(KeyboardInterrupt):
            training.run_epoch()
        with pytest.raises(DivergenceError):
            training.sync()
        training.reload(model)
    for matrix, kept in zip(model.matrices, before, strict=True):
        np.testing.assert_array_equal(matrix, kept)


def test_a_word2vec_keeps_the_vectors_of_its_last_sane_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    from full_w2v.drop_in.word2vec import Word2Vec

    class Keep(CallbackAny2Vec):
        def on_epoch_end(self, model: Any) -> None:
            kept.append([model.wv.vectors.copy(), model.syn1neg.copy()])

    kept: list[list[np.ndarray]] = []
    sentences = [[f"w{i % 7}" for i in range(n, n + 9)] for n in range(90)]
    model = Word2Vec(vector_size=8, min_count=1, workers=1, window=4, sg=1, sample=0)
    model.build_vocab(sentences)
    sane = CpuBackend.train

    def train(self: CpuBackend, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        stats = sane(self, corpus, begin, end, epoch)
        if epoch == 2:
            matrices = [np.full((7, 8), 1e5, np.float32) for _ in range(2)]
            self._loaded().load(*matrices)
        return stats

    monkeypatch.setattr(CpuBackend, "train", train)
    with pytest.raises(DivergenceError) as caught:
        model.train(sentences, total_examples=90, epochs=5, callbacks=[Keep()])
    assert len(kept) == 2
    np.testing.assert_array_equal(model.wv.vectors, kept[-1][0])
    np.testing.assert_array_equal(model.syn1neg, kept[-1][1])
    # What a Word2Vec has no setting for is not named.
    assert str(caught.value) == (
        "training diverged: a vector's norm is 2.83e+05, where less than 100 is usual; "
        "lower alpha, which was 0.025 (0.025 is usual), or lower window, which was 4"
    )


ADVICE = {
    "alpha only": ({"window": 1, "order": "pair"}, []),
    "window": ({"window": 2, "order": "pair"}, ["lower window, which was 2"]),
    "pairs": ({"window": 1}, ["train with order='pair'"]),
    "shared": (
        {"window": 1, "share_negatives": 3},
        ["lower share_negatives, which was 3", "train with order='pair' and share_negatives=1"],
    ),
    "bf16": ({"window": 1, "row_precision": "bf16"}, []),
    "mean": ({"window": 1, "architecture": "cbow"}, []),
    "sum": ({"window": 1, "architecture": "cbow", "cbow_mean": False}, ["train with cbow_mean=True"]),
    "tree": ({"window": 1, "hierarchical_softmax": True}, []),
}


@pytest.mark.parametrize("name", ADVICE)
def test_advice_names_settings_that_can_be_changed_and_is_valid(name: str) -> None:
    settings, expected = ADVICE[name]
    watch = DivergenceWatch(CpuBackend(), TrainConfig(**settings), 10, 100)
    advice = [spelled(line, as_python) for line in watch._advice()]
    assert advice == ["lower alpha, which was 0.025 (0.025 is usual)", *expected]
    for line in advice:
        if line.startswith("train with "):
            changed = dict(part.split("=") for part in line.removeprefix("train with ").split(" and "))
            TrainConfig(**{**settings, **{key: ast.literal_eval(value) for key, value in changed.items()}})


def test_every_row_is_looked_at_in_each_epoch() -> None:
    class Recording:
        def __init__(self) -> None:
            self.looks: list[tuple[int, int]] = []

        def largest_norm(self, begin: int, end: int) -> float:
            self.looks.append((begin, end))
            return 1.0

    for tokens, span in ((100_000, 7777), (96_000, 100), (1 << 20, 1 << 20)):
        backend, stripes = Recording(), []
        watch = DivergenceWatch(backend, TrainConfig(), WORDS, tokens)  # type: ignore[arg-type]
        for begin in range(0, tokens, span):
            backend.looks.clear()
            watch.after_span(SpanStats(1, 1, 0.0), min(span, tokens - begin))
            stripes += backend.looks[1:]
            assert backend.looks[0][0] == 0, "frequent rows"
        assert [row for first, end in stripes for row in range(first, end)] == list(range(WORDS))


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
    watch = DivergenceWatch(CpuBackend(), TrainConfig(loss=True), 10, 100)
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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("backend", [CpuBackend, ReferenceBackend])
def test_what_is_not_finite_has_an_infinite_norm(backend: Any, value: float) -> None:
    for matrix in (0, 1, 2):
        model, _ = job(hierarchical_softmax=True, negative=1)
        model.matrices[matrix][7, 7] = value
        started = backend()
        started.load(model)
        assert started.largest_norm(0, WORDS) == np.inf
        assert started.largest_norm(7, 8) == np.inf
        assert started.largest_norm(8, WORDS) < 1.0
        started.close()


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


class Grown(CpuBackend):
    """Reports a row that has grown long, but not beyond the limit."""

    def largest_norm(self, begin: int, end: int) -> float:
        return max(561.0, super().largest_norm(begin, end))


def test_vectors_that_have_grown_long_are_told() -> None:
    model, corpus = job()
    (message,) = train_model(model, corpus, backend=Grown()).to_dict()["warnings"]
    assert message.startswith(
        "training nearly diverged: a vector's norm is 561, where less than 100 is usual; "
    )
    assert "lower alpha, which was 0.025" in message
    assert train_model(*job(), backend="cpu").warnings == []


def test_every_front_end_tells_of_long_vectors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CpuBackend, "largest_norm", lambda *_: 561.0)
    sentences = [["a", "b"] * 40] * 10
    found = "training nearly diverged: a vector's norm is 561"
    with pytest.warns(TrainingWarning, match=found):
        full_w2v.train(sentences, vector_size=4, min_count=1, sample=0, backend="cpu")
    with caplog.at_level("WARNING"):
        full_w2v.Word2Vec(sentences, vector_size=4, min_count=1, sample=0)
    (message,) = (record.getMessage() for record in caplog.records if found in record.getMessage())
    assert "lower alpha" in message
