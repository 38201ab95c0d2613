"""Rows of bf16: the same random bits in every backend, roundings right on average, no lost update."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from contract_cases import CASES, Case, Run, corpus, make_case, model, run_case, with_settings
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.backends import reference
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.reference import ReferenceBackend
from full_w2v.model import Model

LEVELS = _native.simd_levels()
ULP = 2.0**-7  # of bf16, as a share of a value: at most
# Trainings in which a rounding to the other side does not spread over all rows: each has few updates.
NAMES = [
    *("d1-window-shrinking", "d33-window-fixed", "d100-window-shrinking", "d128-window-shrinking"),
    *("d1024-window-fixed", "negative15-share1", "negative6-share3"),
    *("vocabulary7-share1", "window2-share3", "window8-few-words", "many-words-share2-negative10"),
    *("share-all", "all-kept", "few-kept", "two-epochs", "large-scores-window"),
]


def rounded(case: Case) -> Case:
    return with_settings(case, row_precision="bf16")


def case_named(name: str) -> Case:
    return rounded(next(case for case in CASES if case.name == name))


def lower_halves(rows: NDArray[np.floating[Any]]) -> NDArray[np.uint32]:
    return rows.astype(np.float32).view(np.uint32) & 0xFFFF


def both(run: Run) -> NDArray[np.float64]:
    return np.concatenate([run.input, run.output])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_set_draws_the_oracles_roundings(level: str, name: str) -> None:
    case = case_named(name)
    exact, found = run_case(ReferenceBackend(), case), run_case(CpuBackend(level), case)
    silent = run_case(CpuBackend(level), with_settings(case, loss=False))
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    assert found.stats.loss == pytest.approx(exact.stats.loss, rel=1e-5)
    for run in (found, silent):
        assert not lower_halves(both(run)).any()
        off = np.abs(both(run) - both(exact))
        # What float32 rounds otherwise than float64 may, seldom, be rounded to the other side then, by an
        # ulp; a value that is off may be so again. With other random bits a third would be off.
        assert off.max() <= 2 * ULP * np.abs(both(exact)).max()
        assert np.mean(off > 0) <= 1e-3


@pytest.mark.parametrize("level", LEVELS)
def test_a_partition_of_the_corpus_changes_no_bit(level: str) -> None:
    case = case_named("two-epochs")
    whole, parts, tokens = model(case), model(case), corpus(case)
    for trained, cuts in ((whole, (0, tokens.tokens)), (parts, (0, 7, 40, tokens.tokens))):
        backend = CpuBackend(level)
        backend.load(trained)
        for epoch in range(2):
            for begin, end in itertools.pairwise(cuts):
                backend.train(tokens, begin, end, epoch)
        backend.read(trained)
    np.testing.assert_array_equal(parts.input, whole.input)
    np.testing.assert_array_equal(parts.output, whole.output)


def test_first_rows_are_rounded_to_the_nearest() -> None:
    case = rounded(make_case("start", vector_size=33))
    start = model(case)
    ties = np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, -1 - 2.0**-8, 1 + 2.0**-8 + 2.0**-23], np.float32)
    start.input[0, :4] = ties
    expected = [1.0, 1 + 2.0**-6, -1.0, 1 + 2.0**-7]  # ties go to the even neighbour
    for backend in (ReferenceBackend(), CpuBackend()):
        read = Model(start.vocabulary, start.config, start.input.copy(), start.output.copy())
        backend.load(read)
        backend.read(read)
        np.testing.assert_array_equal(read.input[0, :4], expected)
        assert not lower_halves(read.input).any()
        assert np.all(np.abs(read.input - start.input) <= 2.0**-8 * np.abs(start.input))


def run_from_bf16(case: Case, seed: int) -> tuple[Run, Run, NDArray[np.float64]]:
    """One window-sized training from rows of bf16, with roundings and without, and those rows."""
    start = model(case)
    for rows in start.matrices:
        rows[:] = reference.nearest_bf16(rows)
    begun = np.vstack(start.matrices).astype(np.float64)
    runs = []
    for precision in ("bf16", "float32"):
        config = replace(case.config, row_precision=precision, seed=seed)
        copies = [rows.copy() for rows in start.matrices]
        runs.append(run_case(CpuBackend(), case, Model(start.vocabulary, config, *copies)))
    return runs[0], runs[1], begun


def test_roundings_are_right_on_average_and_lose_no_small_update() -> None:
    # One centre with contexts each time: two words. Steps far below an ulp: to the nearest all are lost.
    case = make_case(
        "pair", lengths=(2,), vector_size=128, vocabulary=40, sample=0.0, window=1, alpha=1e-4, min_alpha=1e-4
    )
    errors, steps = [], []
    for seed in range(1, 301):
        found, exact, begun = run_from_bf16(case, seed)
        moved = both(exact) != begun
        ulp = 2.0 ** (np.floor(np.log2(np.abs(begun[moved]))) - 7)
        errors.append((both(found) - both(exact))[moved] / ulp * np.sign(both(exact) - begun)[moved])
        steps.append(np.abs(both(exact) - begun)[moved] / ulp)
    error, step = np.concatenate(errors), np.concatenate(steps)
    assert 0.001 < np.mean(step) < 0.1
    # Independent errors with a standard deviation of sqrt(p (1 - p)) ulp each, p the step: five times that
    # of their mean.
    bound = 5 * np.sqrt(np.mean(step)) / np.sqrt(len(error))
    assert abs(np.mean(error)) <= bound < 0.2 * np.mean(step)


def test_random_bits_are_uniform_and_independent() -> None:
    draws = np.random.default_rng(1).integers(0, 2**32, 64, dtype=np.uint64)
    bits = np.array(
        [
            [[reference.rounding_bits(draw, which, row, pair) for pair in range(64)] for row in range(8)]
            for draw in draws
            for which in (reference.INPUT, reference.OUTPUT)
        ],
        np.uint64,
    ).reshape(-1, 64)
    halves = np.stack([bits & 0xFFFF, bits >> 16], axis=-1).reshape(len(bits), 128) / 2.0**16
    centred = halves - 0.5
    count = centred.size
    # Means of `count` independent values, of variance 1/12, and of products, of 1/144: six deviations.
    assert abs(centred.mean()) <= 6 / np.sqrt(12 * count)
    histogram = np.bincount((halves * 16).astype(int).ravel(), minlength=16)
    assert np.all(np.abs(histogram - count / 16) <= 6 * np.sqrt(count / 16))
    for other in (
        np.roll(centred, 1, axis=1),
        np.roll(centred, 2, axis=1),
        np.roll(centred, 1, axis=0),
        np.roll(centred, 8, axis=0),
    ):
        assert abs(np.mean(centred * other)) <= 6 / (12 * np.sqrt(count))


def test_locks_are_refused() -> None:
    case = rounded(make_case("locked"))
    locked = model(case)
    locked.locks = np.zeros(case.vocabulary, np.float32)
    with pytest.raises(ValueError, match="locks need rows of float32, got bf16"):
        CpuBackend().load(locked)
