"""Every instance of the warp kernel computes the contract, for the settings that people use."""

import numpy as np
import pytest
from cuda_devices import assert_schedules_agree, make_model, train, zipf_corpus
from ring_oracle import RingOracle

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus

SIZES = (100, 128, 200, 256, 300)
NEGATIVES = (5, 10, 15)
WINDOWS = ((3, False), (5, True), (10, True))
FIXED = {"window": 3, "shrink_windows": False, "negative": 5}


def config(**settings: object) -> TrainConfig:
    defaults = {"epochs": 1, "alpha": 0.02, "min_alpha": 0.02, "sample": 0.0, "seed": 7, "loss": True}
    return TrainConfig(**{**defaults, **settings})


def assert_agrees(device, tokens: EncodedCorpus, counts: np.ndarray, settings: TrainConfig) -> None:
    # Lengths of about 2 at any dimension: scores of about 1.
    start = make_model(settings, counts, spread=3.0 / settings.vector_size**0.5)
    found, exact = train(device.backend("warp"), start, tokens), RingOracle(start)
    exact.train(tokens, 0)
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    # Values below 1; a row has fewer than 5,000 pairs: 6 sqrt(5000) roundings of 2^-24, and the sigmoids'
    # errors of rate * 2^-22 a pair, half of it for values of about a half, should they all add up.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=4e-5)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=4e-5)
    # A score of length 2 by 2 is off by what its rows are off by, and by its own rounding.
    assert abs(found.stats.loss - exact.stats.loss) <= 2e-4 * exact.stats.pairs
    if device.emulator:
        assert (found.kernel, found.note) == ("warp", "")


@pytest.mark.parametrize("negative", NEGATIVES)
@pytest.mark.parametrize(("window", "shrink"), WINDOWS)
@pytest.mark.parametrize("size", SIZES)
def test_settings_that_people_use_agree_with_the_oracle(
    device, size: int, window: int, shrink: bool, negative: int
) -> None:
    device.configure("shared_bytes=232448")
    tokens, counts = zipf_corpus((2, 1, 9, 0, 14), vocabulary=30)
    settings = {"vector_size": size, "window": window, "shrink_windows": shrink, "negative": negative}
    assert_agrees(device, tokens, counts, config(**settings))


@pytest.mark.parametrize("size", SIZES)
def test_the_ring_in_registers_agrees_over_segments_and_without_most_words(device, size: int) -> None:
    device.configure("shared_bytes=232448")
    tokens, counts = zipf_corpus((0, 1030, 3), vocabulary=500)
    assert_agrees(device, tokens, counts, config(vector_size=size, sample=2e-3, min_alpha=0.005, **FIXED))


@pytest.mark.parametrize("length", range(11))  # 0 ... 3 W + 1
def test_every_row_that_entered_the_registers_is_written_back(device, length: int) -> None:
    """Without repeated words the ring changes nothing: the contract itself comes out, at both ends too."""
    device.configure("check=1")
    words = np.random.default_rng(length).permutation(40)[:length]
    tokens = EncodedCorpus(words.astype(np.int32), np.array([0, length], np.int64))
    start = make_model(config(vector_size=128, **FIXED), np.full(40, 5))
    exact, found = RingOracle(start), train(device.backend("warp"), start, tokens)
    exact.train(tokens, 0)
    changed = np.any(found.input != start.input, axis=1)
    assert set(np.flatnonzero(changed)) == (set(words.tolist()) if length > 1 else set())
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=8e-6)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=8e-6)


@pytest.mark.parametrize(
    "settings", [FIXED, {"window": 5, "negative": 5}, {"window": 3, "negative": 15}], ids=str
)
def test_no_schedule_of_lanes_changes_what_a_warp_computes(device, settings: dict[str, object]) -> None:
    tokens, counts = zipf_corpus((17,), vocabulary=50)
    start = make_model(config(vector_size=128, **settings), counts)
    assert_schedules_agree(device, "warp", start, tokens)
