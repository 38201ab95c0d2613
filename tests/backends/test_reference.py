"""The oracle against transcriptions in plain Python, finite differences and brute force."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numba
import numpy as np
import pytest
import transcription
from contract_cases import (
    CASES,
    CBOW_CASES,
    PATH_CASES,
    Case,
    Run,
    assert_agrees,
    corpus,
    counts,
    difference,
    make_case,
    model,
    output_rows,
    reference_run,
    run_case,
    tiles,
    tolerance,
    with_settings,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from full_w2v.backends import reference
from full_w2v.backends.base import SpanStats
from full_w2v.backends.reference import ReferenceBackend
from full_w2v.encoding.encoded_corpus import EncodedCorpus

# Two float64 runs of at most 3e5 pairs differ by roundings of 1e-16 in values near 1, grown by less than 10.
SAME_IN_FLOAT64 = 1e-9
SHORT = [case for case in CASES + CBOW_CASES + PATH_CASES if sum(case.lengths) < 500]


def groups(case: Case, epoch: int = 0) -> list[transcription.Group]:
    return list(transcription.groups(case.config, counts(case), corpus(case), epoch))


def transcribed_run(case: Case) -> Run:
    start, tokens = model(case), corpus(case).tokens
    x, y, stats = start.input.astype(np.float64), output_rows(start).astype(np.float64), SpanStats()
    step = transcription.step(case.config)
    for epoch in range(case.config.epochs):
        for group in groups(case, epoch):
            rate = transcription.rate(case.config, tokens, epoch, group.segment)
            pairs, loss = step(x, y, group, rate)
            stats += SpanStats(group.centres, pairs, loss)
    return Run(x, y, stats)


def assert_same(found: Run, expected: Run) -> None:
    assert (found.stats.words, found.stats.pairs) == (expected.stats.words, expected.stats.pairs)
    assert difference(found, expected) < SAME_IN_FLOAT64
    assert found.stats.loss == pytest.approx(expected.stats.loss, rel=SAME_IN_FLOAT64)


def train_spans(case: Case, cuts: list[int], tokens: EncodedCorpus | None = None) -> Run:
    backend, tokens, stats = ReferenceBackend(), tokens or corpus(case), SpanStats()
    backend.load(model(case))
    for epoch in range(case.config.epochs):
        for begin, end in pairwise(cuts):
            stats += backend.train(tokens, begin, end, epoch)
    return Run(backend.input, backend.output, stats)


@pytest.mark.parametrize("case", SHORT, ids=str)
def test_training_is_the_transcription(case):
    assert_same(reference_run(case), transcribed_run(case))


def test_a_sentence_of_5000_tokens_trains_every_centre_with_its_full_window_over_the_cuts():
    whole = make_case(
        "whole", lengths=(5000,), vocabulary=3000, vector_size=2, shrink_windows=False, sample=0
    )
    assert_same(reference_run(whole), transcribed_run(whole))
    # Only at the sentence's two ends are there less than 2 W contexts: a cut window would have fewer too.
    contexts = [sum(label for _, _, label in group.pairs) for group in groups(whole)]
    assert contexts == [5, 6, 7, 8, 9, *[10] * 4990, 9, 8, 7, 6, 5]
    assert reference_run(whole).stats.words == 5000


def test_a_long_sentence_subsampled_and_shared_is_the_transcription():
    long = make_case("long", lengths=(7, 2100, 1024), vocabulary=3000, vector_size=2, share_negatives=3)
    assert_same(reference_run(long), transcribed_run(long))


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("shrink", [True, False])
def test_windows_hold_every_survivor_within_the_radius(window, shrink):
    short = make_case("short", window=window, shrink_windows=shrink, vocabulary=1000)
    for tile, group in zip(tiles(short), groups(short), strict=True):
        assert tile.inputs.tolist() == [context for context, _, label in group.pairs if label == 1]


# Gradient


def numerical_gradient(x, y, pairs, loss=transcription.loss, step=1e-5):
    """Central differences of a transcribed loss: off by step^2 / 6 * f''' + 2^-53 * f / step < 1e-8."""
    gradients = []
    for matrix in (x, y):
        gradient = np.empty_like(matrix)
        for index in np.ndindex(matrix.shape):
            value = matrix[index]
            matrix[index] = value + step
            above = loss(x, y, pairs)
            matrix[index] = value - step
            below = loss(x, y, pairs)
            matrix[index] = value
            gradient[index] = (above - below) / (2 * step)
        gradients.append(gradient)
    return gradients


def window_step(matrices, tile, rate):
    return reference.window_step(matrices, tile, rate, False)


def step_over_rate(case, tile, step=window_step, rate=1e-3):
    start = model(case)
    before = reference.Matrices(start.input.astype(np.float64), start.output.astype(np.float64))
    after = reference.Matrices(before.input.copy(), before.output.copy())
    step(after, tile, rate)
    changes = [(new - old) / rate for old, new in zip(before, after, strict=True)]
    return before, changes


TINY = {"vector_size": 3, "window": 3, "sample": 0}
GRADIENT_CASES = [
    make_case(
        f"v{v}-share{k}", vocabulary=v, share_negatives=k, vector_size=3, negative=n, sample=0, window=3
    )
    for v, k, n in [(1, 1, 5), (2, 1, 5), (3, 1, 6), (7, 1, 5), (2, 3, 4), (3, 2, 6), (7, 3, 15), (40, 8, 5)]
]


@pytest.mark.parametrize("case", GRADIENT_CASES, ids=str)
def test_a_window_step_is_minus_rate_times_the_gradient_of_the_loss(case):
    for tile, group in zip(tiles(case), groups(case), strict=True):
        before, changes = step_over_rate(case, tile)
        for change, gradient in zip(changes, numerical_gradient(*before, group.pairs), strict=True):
            np.testing.assert_allclose(change, -gradient, rtol=0, atol=1e-7)


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize("case", [case for case in GRADIENT_CASES if "share1" in str(case)], ids=str)
def test_a_cbow_step_is_minus_rate_times_the_gradient_but_for_the_number_of_contexts(case, mean):
    """As in gensim: input rows take a step C times the gradient's of the mean, 1 / C of the sum's."""
    for tile, group in zip(tiles(case), groups(case), strict=True):
        if not group.pairs:
            continue
        loss = partial(transcription.cbow_loss, mean=mean, contexts=group.contexts)
        before, changes = step_over_rate(case, tile, partial(reference.cbow_step, mean=mean, share=1.0))
        gradients = numerical_gradient(*before, group.pairs, loss)
        contexts = len(tile.inputs)
        gradients[0] *= contexts if mean else 1 / contexts
        for change, gradient in zip(changes, gradients, strict=True):
            np.testing.assert_allclose(change, -gradient, rtol=0, atol=1e-7)


def awkward(group, targets, negative):
    contexts = [context for context, _, label in group.pairs if label == 1]
    negatives = [output for context, output, _ in group.pairs if context == contexts[0]]
    negatives = [word for word in negatives if word not in targets]
    return {
        "no context": not contexts,
        "repeated context": len(set(contexts)) < len(contexts),
        "repeated negative": len(set(negatives)) < len(negatives),
        "context is a target": bool(targets & set(contexts)),
        "negative is a context": bool(set(negatives) & set(contexts)),
        "negative is another's target": any(label == 0 and o in targets for _, o, label in group.pairs),
        "skipped negative": 0 < len(group.pairs) < len(contexts) * (1 + negative),
    }


def test_the_gradient_cases_hold_every_awkward_window():
    found = dict.fromkeys(awkward(transcription.Group(0, 0, []), set(), 1), False)
    for small in GRADIENT_CASES:
        words = iter(corpus(small).ids.tolist())  # sample is 0: every token is a centre
        for group in groups(small):
            targets = {next(words) for _ in range(group.centres)}
            for feature, present in awkward(group, targets, small.config.negative).items():
                found[feature] |= present
    assert all(found.values()), found


MISTAKES = {
    "sign": lambda pairs: [(c, o, 1 - label) for c, o, label in pairs],
    "one label": lambda pairs: [(pairs[0][0], pairs[0][1], 1 - pairs[0][2]), *pairs[1:]],
    "one pair lost": lambda pairs: pairs[1:],
    "one pair twice": lambda pairs: [*pairs, pairs[-1]],
    "repeats once": lambda pairs: sorted(set(pairs)),
    "sides swapped": lambda pairs: [(o, c, label) for c, o, label in pairs],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_gradient_check_notices_a_mistake(mistake):
    repeats = GRADIENT_CASES[2]
    tile, group = list(zip(tiles(repeats), groups(repeats), strict=True))[-5]
    before, changes = step_over_rate(repeats, tile)
    gradients = numerical_gradient(*before, MISTAKES[mistake](group.pairs))
    worst = max(np.abs(c + g).max() for c, g in zip(changes, gradients, strict=True))
    assert worst > 1e-2


# Spans, draws and statistics


@given(st.lists(st.integers(0, 4552), max_size=8), st.sampled_from(["long-share3", "long-pair"]))
@settings(max_examples=12, deadline=None)
def test_any_partition_into_spans_trains_the_same(cuts, name):
    long = next(case for case in CASES if case.name == name)
    tokens = corpus(long).tokens
    parts = train_spans(long, [0, *sorted(cuts), tokens])
    whole = reference_run(long)
    assert np.array_equal(parts.input, whole.input)
    assert np.array_equal(parts.output, whole.output)
    assert parts.stats == replace(whole.stats, loss=parts.stats.loss)
    assert parts.stats.loss == pytest.approx(whole.stats.loss, rel=1e-12)


@pytest.mark.parametrize("name", ["d100-window-shrinking", "d33-pair-fixed", "negative6-share3"])
def test_training_twice_gives_the_same_bits(name):
    case = next(case for case in CASES if case.name == name)
    again = run_case(ReferenceBackend(), case)
    assert np.array_equal(again.input, reference_run(case).input)
    assert np.array_equal(again.output, reference_run(case).output)


def test_a_sentence_trains_the_same_whatever_stands_before_and_after_it():
    constant = make_case("constant", alpha=0.05, min_alpha=0.05, lengths=(20, 30, 40))
    ids = corpus(constant).ids
    other = (ids + 1) % constant.vocabulary
    surrounded = EncodedCorpus(
        np.concatenate([other[:20], ids[20:50], other[50:]]), np.array([0, 9, 20, 50, 90])
    )
    found = train_spans(constant, [20, 50], surrounded)
    expected = train_spans(constant, [20, 50])
    assert expected.stats.pairs > 0
    assert found.stats == expected.stats
    assert np.array_equal(found.input, expected.input)


@pytest.mark.parametrize("change", [{"seed": 8}, {"seed": 7 + 2**32}])
def test_another_seed_draws_other_windows(change):
    base = make_case("base", vocabulary=1000)
    assert [g.pairs for g in groups(base)] != [g.pairs for g in groups(with_settings(base, **change))]
    assert difference(reference_run(base), reference_run(with_settings(base, **change))) > 1e-3


def test_another_epoch_draws_other_windows():
    two = make_case("two", vocabulary=1000, epochs=2)
    assert [g.pairs for g in groups(two, 0)] != [g.pairs for g in groups(two, 1)]


def test_loss_is_reported_only_when_asked_for_and_changes_nothing():
    asked = make_case("asked")
    silent = reference_run(with_settings(asked, loss=False))
    assert silent.stats == replace(reference_run(asked).stats, loss=0.0)
    assert np.array_equal(silent.input, reference_run(asked).input)


def test_scores_of_thousands_leave_finite_rows_and_loss():
    huge = reference_run(make_case("huge", spread=60.0))
    assert np.isfinite(huge.input).all()
    assert np.isfinite(huge.output).all()
    assert np.isfinite(huge.stats.loss)


@pytest.mark.parametrize("lengths", [(0,), (1,), (0, 1, 0, 1)])
def test_sentences_without_contexts_train_nothing(lengths):
    lonely = make_case("lonely", lengths=lengths, sample=0)
    start, run = model(lonely), reference_run(lonely)
    assert run.stats == SpanStats(words=sum(lengths))
    assert np.array_equal(run.input, start.input)
    assert np.array_equal(run.output, start.output)


def test_read_rounds_the_matrices_to_float32():
    trained, tokens = model(SHORT[0]), corpus(SHORT[0])
    backend = ReferenceBackend()
    backend.load(trained)
    backend.train(tokens, 0, tokens.tokens, 0)
    backend.read(trained)
    assert trained.input.dtype == np.float32
    assert np.array_equal(trained.input, backend.input.astype(np.float32))
    assert np.array_equal(trained.output, backend.output.astype(np.float32))


def test_a_memory_mapped_corpus_trains_like_one_in_memory(tmp_path):
    tokens = corpus(SHORT[0])
    np.save(tmp_path / "ids.npy", tokens.ids)
    mapped = EncodedCorpus(np.load(tmp_path / "ids.npy", mmap_mode="r"), tokens.offsets)
    assert np.array_equal(
        train_spans(SHORT[0], [0, tokens.tokens], mapped).input, reference_run(SHORT[0]).input
    )


def test_functions_are_compiled_without_a_cache_where_no_folder_can_be_written(monkeypatch):
    njit = numba.njit

    def njit_in_a_read_only_place(*args, cache=False):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args)

    monkeypatch.setattr(numba, "njit", njit_in_a_read_only_place)
    assert reference._compiled(lambda value: value + 1)(2) == 3


# The tolerance that float32 backends are held to


class Float32Rows(ReferenceBackend):
    """The oracle with rows stored in float32: the least error that a float32 backend can have."""

    def load(self, model):
        super().load(model)
        self.input, self.output = self.input.astype(np.float32), self.output.astype(np.float32)


@pytest.mark.parametrize("case", CASES + CBOW_CASES + PATH_CASES, ids=str)
def test_float32_rows_stay_within_the_tolerance(case):
    assert_agrees(Float32Rows(), case)


@pytest.mark.parametrize("case", CASES + CBOW_CASES + PATH_CASES, ids=str)
def test_a_rate_wrong_by_one_percent_exceeds_the_tolerance(case):
    wrong = reference_run(with_settings(case, alpha=case.config.alpha * 1.01))
    assert difference(wrong, reference_run(case)) > 5 * tolerance(case).rows
