import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from full_w2v.backends import SpanStats, open_backend
from full_w2v.backends.cpu import CpuBackend
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError, ConfigError, CorpusError
from full_w2v.model import Model
from full_w2v.training.report import Progress
from full_w2v.training.run import Run, train_model
from full_w2v.vocabulary import Vocabulary


@pytest.fixture
def job() -> Callable[..., tuple[Model, EncodedCorpus]]:
    """Makes a model of 50 words and a corpus of 200,000 tokens for it."""

    def make(**settings: object) -> tuple[Model, EncodedCorpus]:
        random = np.random.default_rng(3)
        sentences = random.integers(0, 50, (8000, 25))
        counts = np.bincount(sentences.ravel(), minlength=50)
        order = np.argsort(-counts, kind="stable")
        rank = np.empty(50, np.int64)
        rank[order] = np.arange(50)
        # Counted in another corpus, of 300,000 tokens; the one that is trained on had 220,000.
        vocabulary = Vocabulary([f"w{i}" for i in range(50)], counts[order], raw_tokens=300_000)
        config = TrainConfig(vector_size=8, epochs=2, **{"threads": 1, "sample": 0.0, **settings})
        corpus = replace(EncodedCorpus.from_sentences(rank[sentences]), raw_tokens=220_000)
        return Model.initialize(vocabulary, config), corpus

    return make


class RecordingBackend(CpuBackend):
    """The CPU backend, with the spans that it was asked to train."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[int, int, int]] = []
        self.closed = False

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        self.spans.append((epoch, begin, end))
        return super().train(corpus, begin, end, epoch)

    def close(self) -> None:
        self.closed = True
        super().close()


def test_spans_cover_every_epoch_once_in_order(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job()
    backend = RecordingBackend()
    train_model(model, corpus, backend=backend)
    for epoch in range(2):
        spans = [(begin, end) for at, begin, end in backend.spans if at == epoch]
        assert spans[0][0] == 0
        assert spans[-1][1] == corpus.tokens
        assert all(left[1] == right[0] for left, right in pairwise(spans))
    assert backend.closed


def test_report_counts_words_and_pairs(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job(loss=True, negative=5)
    report = train_model(model, corpus)
    assert report.raw_words == 2 * 220_000
    assert report.trained_words == 2 * corpus.tokens  # sample=0 keeps every word
    # A window of radius 1 ... 5, mean 3, has 6 contexts but at sentence ends, and meets 6 outputs or 5.
    assert 0.75 * 36 < report.pairs / report.trained_words < 36
    assert len(report.loss) == 2
    assert report.words_per_second == pytest.approx(report.raw_words / report.seconds["train"])
    assert report.to_dict()["settings"] == model.config.to_dict()


def test_mean_loss_is_exact(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    # All output rows are zero at first, so every pair of a first step has score 0 and loss log 2; with a
    # learning rate of zero it stays so, whatever the number of pairs.
    model, corpus = job(loss=True, alpha=0.0, min_alpha=0.0)
    report = train_model(model, corpus)
    assert report.loss == pytest.approx([np.log(2)] * 2, rel=1e-7)


def test_loss_falls_where_words_have_company() -> None:
    # Two groups of words that never meet: their company can be learned.
    random = np.random.default_rng(5)
    sentences = random.integers(0, 20, (2000, 20)) + 20 * (np.arange(2000)[:, None] % 2)
    vocabulary = Vocabulary([str(i) for i in range(40)], np.bincount(sentences.ravel(), minlength=40))
    config = TrainConfig(vector_size=16, epochs=5, sample=0.0, loss=True, threads=1)
    model = Model.initialize(vocabulary, config)
    report = train_model(model, EncodedCorpus.from_sentences(sentences))
    assert report.loss == sorted(report.loss, reverse=True)
    assert report.loss[-1] < 0.95 * report.loss[0]


def test_progress_rises_to_the_end(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job(loss=True)
    seen: list[Progress] = []
    train_model(model, corpus, progress=seen.append)
    assert [p.words for p in seen] == sorted(p.words for p in seen)
    assert seen[-1].words == seen[-1].total_words == 440_000
    assert seen[-1].epoch == 1
    assert seen[-1].learning_rate == pytest.approx(1e-4)
    assert all(p.loss is not None and 0 < p.loss < 6 for p in seen)


def test_an_interrupt_leaves_the_model_as_trained_so_far(
    job: Callable[..., tuple[Model, EncodedCorpus]],
) -> None:
    model, corpus = job()
    fresh, _ = job()
    backend = RecordingBackend()

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(model, corpus, backend=backend, progress=interrupt)
    assert backend.closed
    assert len(backend.spans) == 1
    reference = CpuBackend()
    reference.load(fresh)
    reference.train(corpus, 0, backend.spans[0][2], 0)
    reference.read(fresh)
    np.testing.assert_array_equal(model.input, fresh.input)
    np.testing.assert_array_equal(model.output, fresh.output)


def test_epochs_can_be_run_one_by_one(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job()
    whole, _ = job()
    train_model(whole, corpus)
    with Run(model, corpus) as training:
        before = model.input.copy()
        training.run_epoch()
        assert not np.array_equal(model.input, before)
        training.run_epoch()
    np.testing.assert_array_equal(model.input, whole.input)


def test_an_empty_corpus_is_refused(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, _ = job()
    with pytest.raises(CorpusError, match="the corpus has no tokens to train on"):
        train_model(model, EncodedCorpus.from_sentences([[], []]))


def test_an_unknown_backend_is_refused(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job()
    with pytest.raises(ConfigError, match=r"backend must be one of auto, .*, got 'tpu'"):
        train_model(model, corpus, backend="tpu")


def test_an_unusable_backend_says_why(
    job: Callable[..., tuple[Model, EncodedCorpus]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_hardware() -> str:
        raise BackendError("no such machine")

    monkeypatch.setattr("full_w2v.backends.reference.ReferenceBackend.hardware", no_hardware)
    with pytest.raises(BackendError, match=r"reference backend unavailable: no such machine\. full-w2v"):
        train_model(*job(), backend="reference")


@pytest.mark.parametrize("matrix", ["input", "output"])
def test_an_epoch_that_diverges_is_an_error(
    job: Callable[..., tuple[Model, EncodedCorpus]], matrix: str
) -> None:
    model, corpus = job(alpha=0.5)
    getattr(model, matrix)[3, 5] = np.nan
    backend = RecordingBackend()
    with pytest.raises(BackendError, match=r"training diverged: .* lower alpha, which was 0\.5"):
        train_model(model, corpus, backend=backend)
    assert {epoch for epoch, _, _ in backend.spans} == {0}
    assert backend.closed


def test_a_backend_that_cannot_load_is_closed(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    class Full(RecordingBackend):
        def load(self, model: Model) -> None:
            raise BackendError(f"no room for {len(model.vocabulary)} rows")

    backend = Full()
    with pytest.raises(BackendError, match="no room for 50 rows"):
        train_model(*job(), backend=backend)
    assert backend.closed


def test_the_first_failure_is_the_one_that_is_raised(
    job: Callable[..., tuple[Model, EncodedCorpus]],
) -> None:
    class Lost(RecordingBackend):
        def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
            raise BackendError(f"the device is lost at token {begin} of {corpus.tokens}, {end}, {epoch}")

        def read(self, model: Model) -> None:
            raise BackendError(f"cannot read {len(model.vocabulary)} rows")

    backend = Lost()
    with pytest.raises(BackendError, match="the device is lost"):
        train_model(*job(), backend=backend)
    assert backend.closed


def test_seconds_do_not_count_the_loading(
    job: Callable[..., tuple[Model, EncodedCorpus]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_clock = time.perf_counter
    clock = [0.0]
    monkeypatch.setattr("full_w2v.training.run.time.perf_counter", lambda: sum(clock) + real_clock())

    class Slow(RecordingBackend):
        def load(self, model: Model) -> None:
            clock.append(1000.0)
            super().load(model)

    report = train_model(*job(), backend=Slow())
    assert 0 < report.seconds["train"] < 1000


def test_a_corpus_of_another_vocabulary_is_refused(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    model, corpus = job()
    with pytest.raises(CorpusError, match=r"encoded with 51 words, but the model's vocabulary has 50"):
        Run(model, replace(corpus, words=51))
    with Run(model, replace(corpus, words=50)) as training:
        assert training.run_epoch().words == corpus.tokens


@pytest.mark.parametrize("wrong", [-1, 50])
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_an_id_outside_of_the_vocabulary_is_refused(
    job: Callable[..., tuple[Model, EncodedCorpus]], backend: str, wrong: int
) -> None:
    model, corpus = job()
    corpus.ids[777] = wrong
    with pytest.raises(ValueError, match=rf"{wrong}\b"):
        train_model(model, corpus, backend=backend)


def test_a_machine_without_any_usable_backend_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_hardware() -> str:
        raise BackendError("no such machine")

    monkeypatch.setattr(CpuBackend, "hardware", staticmethod(no_hardware))
    with pytest.raises(BackendError, match=r"no backend can be used here \(.*cpu: no such machine.*\)"):
        open_backend("auto")


class Idle(CpuBackend):
    """Says that it trained, and did not: as a kernel without a body for this device does."""

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        return SpanStats() if begin else super().train(corpus, begin, end, epoch)


def test_an_epoch_that_leaves_words_out_is_an_error(job: Callable[..., tuple[Model, EncodedCorpus]]) -> None:
    with pytest.raises(
        BackendError, match=r"the cpu backend \(.*\) trained 8\d+ words of an epoch of 200000 "
    ):
        train_model(*job(sample=0.0), backend=Idle())
