"""A run that stops anywhere, and another one that continues from its state."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import ConfigError, CorpusError
from full_w2v.model import Model
from full_w2v.training.report import Progress
from full_w2v.training.run import Run, RunState
from full_w2v.vocabulary import Vocabulary

WORDS = 60


@pytest.fixture(scope="module")
def corpus() -> EncodedCorpus:
    """Sentences of 1 to 3,000 tokens, 40,000 in all, which several spans train."""
    random = np.random.default_rng(8)
    lengths = [*random.integers(1, 60, 1000), 3000, *random.integers(1, 60, 300)]
    return EncodedCorpus.from_sentences([random.zipf(1.5, n).clip(1, WORDS) - 1 for n in lengths])


def start(corpus: EncodedCorpus, **settings: object) -> Model:
    counts = np.bincount(corpus.ids, minlength=WORDS) + 1
    chosen = {"vector_size": 12, "epochs": 2, "threads": 1, "sample": 0.01, "loss": True, **settings}
    return Model.initialize(Vocabulary([f"w{i}" for i in range(WORDS)], counts), TrainConfig(**chosen))


def stopped(model: Model, corpus: EncodedCorpus, steps: int, backend: str = "cpu") -> RunState:
    """Trains so many spans of a model and gives the state, as a file would keep it."""
    with Run(model, corpus, backend=backend) as run:
        for _ in range(steps):
            run.step()
        run.sync()
        state = run.state()
    return RunState.from_dict(json.loads(json.dumps(state.to_dict())))


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"architecture": "cbow"},
        {"hierarchical_softmax": True},
        {"share_negatives": 3},
        {"order": "pair"},
        {"row_precision": "bf16"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())) or "default",
)
def test_a_run_continues_where_it_stopped(
    corpus: EncodedCorpus, settings: dict[str, object], steps: int
) -> None:
    whole = start(corpus, **settings)
    with Run(whole, corpus, backend="cpu") as run:
        run.complete()
        expected = run.report()
    model = start(corpus, **settings)
    state = stopped(model, corpus, steps)
    saved = deepcopy(model)
    with Run(saved, corpus, backend="cpu", state=state) as run:
        assert (run.epoch, run.position) == (state.epoch, state.position)
        run.complete()
        report = run.report()
        assert run.done
    for ours, theirs in zip(saved.matrices, whole.matrices, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (report.trained_words, report.pairs) == (expected.trained_words, expected.pairs)
    assert report.raw_words == expected.raw_words
    assert report.loss == pytest.approx(expected.loss, rel=1e-12)
    assert report.seconds["train"] >= state.seconds


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_a_state_taken_when_progress_raises_counts_what_was_trained(
    corpus: EncodedCorpus, calls: int
) -> None:
    whole = start(corpus)
    with Run(whole, corpus, backend="cpu") as run:
        run.complete()
        pairs = run.stats.pairs
    left = iter(range(calls - 1))

    def interrupt(_: Progress) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    model = start(corpus)
    run = Run(model, corpus, backend="cpu", progress=interrupt)
    with pytest.raises(KeyboardInterrupt), run:
        run.complete()
    with Run(model, corpus, backend="cpu", state=run.state()) as run:
        run.complete()
        assert run.stats.pairs == pairs
    for ours, theirs in zip(model.matrices, whole.matrices, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "change", [{"epoch": -1}, {"epoch": 3}, {"position": -1}, {"position": 10**9}, {"stats": ()}]
)
def test_a_state_out_of_range_is_refused(corpus: EncodedCorpus, change: dict[str, object]) -> None:
    model = start(corpus)
    state = stopped(model, corpus, 1)
    with pytest.raises(ConfigError, match="expected a state within 2 epochs of 42067 tokens, got epoch "):
        Run(model, corpus, backend="cpu", state=replace(state, **change))


def test_a_large_corpus_is_told_by_samples(monkeypatch: pytest.MonkeyPatch, corpus: EncodedCorpus) -> None:
    whole = corpus.key
    monkeypatch.setattr("full_w2v.encoding.encoded_corpus.KEY_WHOLE", 1_000)
    monkeypatch.setattr("full_w2v.encoding.encoded_corpus.KEY_SAMPLE", 64)
    sampled = EncodedCorpus(corpus.ids, corpus.offsets)
    assert sampled.key != whole
    for place in (0, corpus.tokens - 1):
        ids = corpus.ids.copy()
        ids[place] += 1
        assert EncodedCorpus(ids, corpus.offsets).key != sampled.key


def test_a_step_moves_the_state_and_the_last_one_ends_the_epoch(corpus: EncodedCorpus) -> None:
    model = start(corpus)
    seen, ended = [], []
    with Run(model, corpus, backend="cpu") as run:
        while not run.done:
            before = run.epoch, run.position
            stats = run.step()
            seen.append((*before, stats.words))
            ended.append(run.position == 0)
        assert (run.epoch, run.position) == (2, 0)
        with pytest.raises(RuntimeError, match="all 2 epochs are trained"):
            run.step()
        assert sum(words for _, _, words in seen) == run.stats.words
    assert sum(ended) == 2
    assert [epoch for epoch, _, _ in seen] == sorted(epoch for epoch, _, _ in seen)
    assert seen[0][:2] == (0, 0)


def test_hooks_are_called_around_each_epoch_that_is_left(corpus: EncodedCorpus) -> None:
    called: list[tuple[str, int]] = []
    hooks: dict[str, Callable[..., None]] = {
        "before": lambda epoch: called.append(("before", epoch)),
        "after": lambda epoch, stats: called.append(("after", epoch if stats.words else -1)),
    }
    model = start(corpus)
    state = stopped(model, corpus, 1)
    with Run(model, corpus, backend="cpu", state=state) as run:
        run.complete(**hooks)
    # The first epoch had begun before.
    assert called == [("after", 0), ("before", 1), ("after", 1)]


def test_a_state_is_of_one_corpus(corpus: EncodedCorpus) -> None:
    model = start(corpus)
    state = stopped(model, corpus, 1)
    others = [
        replace(corpus, raw_tokens=corpus.tokens + 1),
        EncodedCorpus(corpus.ids[:-1], np.minimum(corpus.offsets, corpus.tokens - 1)),
        EncodedCorpus(np.roll(corpus.ids, 1), corpus.offsets),
    ]
    for other in others:
        with pytest.raises(CorpusError, match="the corpus is not the one that this run was trained on"):
            Run(model, other, backend="cpu", state=state)
    copied = EncodedCorpus(corpus.ids.copy(), corpus.offsets.copy())
    with Run(model, copied, backend="cpu", state=state) as run:
        run.complete()


def test_a_run_keeps_its_settings_but_not_its_threads(corpus: EncodedCorpus) -> None:
    model = start(corpus)
    state = stopped(model, corpus, 1)
    changed = replace(model, config=replace(model.config, alpha=0.05))
    with pytest.raises(ConfigError, match=r"alpha must be 0\.025 as when this run began, got 0\.05"):
        Run(changed, corpus, backend="cpu", state=state)
    more = replace(model, config=replace(model.config, threads=2, loss=False))
    with Run(more, corpus, backend="cpu", state=state) as run:
        run.complete()
