"""Scores in TF32: rows are rounded for them and for nothing else, on every backend and instruction set."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from cuda_devices import Device, make_model, zipf_corpus
from ring_oracle import RingOracle

from full_w2v import _native
from full_w2v.backends.base import Backend, SpanStats
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.cuda import EMULATED
from full_w2v.backends.reference import ReferenceBackend, round_to_tf32
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError
from full_w2v.model import Model

LEVELS = _native.simd_levels()
# Tiles of one window and of several, of one strip of contexts on the CPU and of more, in one tile of outputs
# on CUDA and in several, with rows that end within a vector.
SHAPES = {
    "one window": {"vector_size": 128, "window": 3, "shrink_windows": False},
    "shrinking windows": {"vector_size": 100, "window": 5},
    "short rows": {"vector_size": 7, "window": 2, "negative": 2},
    "two windows": {"vector_size": 104, "share_negatives": 2},
    "a full tile": {"vector_size": 128, "share_negatives": 3},
    "wide windows": {"vector_size": 60, "window": 20, "negative": 12},
    "many centres": {"vector_size": 200, "window": 2, "share_negatives": 30, "negative": 15},
    "long rows": {"vector_size": 300, "window": 9, "share_negatives": 4},
}


def config(**settings: object) -> TrainConfig:
    defaults = {"epochs": 1, "alpha": 0.05, "min_alpha": 0.05, "sample": 0.0, "seed": 7, "loss": True}
    return TrainConfig(**{**defaults, "threads": 1, "score_precision": "tf32", **settings})


def trained(backend: Backend, start: Model, tokens: EncodedCorpus) -> tuple[Model, SpanStats]:
    model = Model(start.vocabulary, start.config, start.input.copy(), start.output.copy())
    backend.load(model)
    stats = backend.train(tokens, 0, tokens.tokens, 0)
    backend.read(model)
    backend.close()
    return model, stats


def start_of(settings: TrainConfig, counts: np.ndarray) -> Model:
    """Rows of length 2 on average, at any dimension: scores of about 1."""
    return make_model(settings, counts, spread=(12 / settings.vector_size) ** 0.5)


@pytest.fixture(params=[*LEVELS, EMULATED, pytest.param("0", marks=pytest.mark.gpu)])
def backend(request) -> Iterator[Backend]:
    """Every backend that takes score_precision, but for the oracle."""
    if request.param in LEVELS:
        yield CpuBackend(request.param)
        return
    device = Device(request.param)
    device.configure("shared_bytes=232448,check=1")
    yield device.backend()
    device.configure()


def test_tf32_keeps_ten_bits_and_rounds_ties_away_from_zero() -> None:
    one, bit = 1.0, 2.0**-10
    given = [0.0, one, one + bit, one + bit / 2, one + bit / 2.01, -one - bit / 2, 2 - bit / 2, 3e-30 * bit]
    exact = [0.0, one, one + bit, one + bit, one, -one - bit, 2.0, None]
    found = round_to_tf32(np.array(given))
    assert found[:-1].tolist() == exact[:-1]
    assert abs(found[-1] / given[-1] - 1) <= bit / 2
    random = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    bits = (random.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    np.testing.assert_array_equal(round_to_tf32(random.astype(np.float64)), bits.view(np.float32))


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_of_rounded_rows(backend: Backend, shape: str) -> None:
    """With a rate of 0 no row changes: the loss shows the scores, of rows that all backends round equally."""
    settings = config(alpha=0.0, min_alpha=0.0, **SHAPES[shape])
    tokens, counts = zipf_corpus((40, 1, 0, 7), vocabulary=30)
    start = start_of(settings, counts)
    (model, found), (_, exact) = trained(backend, start, tokens), trained(ReferenceBackend(), start, tokens)
    np.testing.assert_array_equal(model.input, start.input)
    np.testing.assert_array_equal(model.output, start.output)
    assert (found.words, found.pairs) == (exact.words, exact.pairs)
    # Sums of d products below 12 / d each, in float32, whose errors partly cancel, and 2^-22 of each loss.
    assert abs(found.loss - exact.loss) <= 1e-6 * exact.pairs
    plain = replace(start, config=replace(settings, score_precision="float32"))
    rounded_away = abs(trained(ReferenceBackend(), plain, tokens)[1].loss - exact.loss)
    assert rounded_away > 5 * abs(found.loss - exact.loss)


def test_updates_are_of_rows_that_are_not_rounded(backend: Backend) -> None:
    """One step, of rows that no other one has changed: nothing is rounded differently."""
    words = np.random.default_rng(2).permutation(300)[:12].astype(np.int32)
    tokens = EncodedCorpus(words, np.array([0, 12], np.int64))
    settings = config(alpha=0.01, min_alpha=0.01, vector_size=100, window=1, share_negatives=12, negative=6)
    assert settings.step_pairs >= 2 * 22, "all 22 contexts, even with a negative that is drawn twice"
    start = start_of(settings, np.full(300, 5))
    (found, _), (exact, _) = trained(backend, start, tokens), trained(ReferenceBackend(), start, tokens)
    plain = replace(start, config=replace(settings, score_precision="float32"))
    otherwise, _ = trained(ReferenceBackend(), plain, tokens)
    # Rows below 1 after up to 22 pairs with steps of 0.01: some sqrt(22) roundings of 2^-25, and sigmoids
    # that are off by 2^-22 and by a quarter of what scores are.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=2e-7)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=2e-7)
    assert np.abs(otherwise.output - exact.output).max() > 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_a_training_in_tf32_follows_the_oracle(backend: Backend, shape: str) -> None:
    """Rows that differ in their last place may be rounded to different sides, by 2^-10 of a value."""
    tokens, counts = zipf_corpus((40, 1, 0, 7), vocabulary=3000)
    start = start_of(config(**SHAPES[shape]), counts)
    found, stats = trained(backend, start, tokens)
    if backend.name == "cuda":
        exact = RingOracle(start)
        exact.train(tokens, 0)
        oracle = exact.stats
    else:
        exact, oracle = trained(ReferenceBackend(), start, tokens)
    assert (stats.words, stats.pairs) == (oracle.words, oracle.pairs)
    # Of d values of about sqrt(12 / d) few fall to another side: scores off by less than 2^-10 * 12 / d for
    # each, and rows by a quarter of that, times a rate of 0.05 and a value, for each of their pairs.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=2e-4)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=2e-4)
    assert stats.loss == pytest.approx(oracle.loss, rel=1e-5)


def test_tensor_cores_that_are_not_there_are_refused(device) -> None:
    if device.emulator is None:
        pytest.skip("a device has the capability that it has")
    device.configure("capability=75")
    message = r"score_precision=tf32 needs compute capability 8.0 or later; CUDA device 0 has 7.5"
    with pytest.raises(BackendError, match=message):
        device.backend().load(start_of(config(), np.full(9, 5)))
    device.configure()


def test_rows_too_long_for_the_tensor_kernel_are_refused(device) -> None:
    message = "vector_size must be at most 320 on the cuda backend .*, got 328"
    with pytest.raises(BackendError, match=message):
        device.backend().load(start_of(config(vector_size=328), np.full(9, 5)))


@pytest.mark.parametrize("shape", ["one window", "a full tile", "many centres"])
def test_no_schedule_of_lanes_changes_scores_in_tf32(device, shape: str) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told its schedule")
    tokens, counts = zipf_corpus((12,), vocabulary=30)
    start = start_of(config(**SHAPES[shape]), counts)
    device.configure("shared_bytes=232448")
    first, first_stats = trained(device.backend(), start, tokens)
    for seed in range(1, 21):
        device.configure(f"shared_bytes=232448,seed={seed},check=1")
        again, stats = trained(device.backend(), start, tokens)
        np.testing.assert_array_equal(again.input, first.input)
        np.testing.assert_array_equal(again.output, first.output)
        assert stats == first_stats
