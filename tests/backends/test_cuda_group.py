"""The group kernel: consecutive centres that share their negatives are one tile, whatever repeats in it."""

from dataclasses import replace

import numpy as np
import pytest
import traffic
from cuda_devices import SEEDS, make_model, train, zipf_corpus
from ring_oracle import RingOracle

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError


def config(**settings: object) -> TrainConfig:
    defaults = {"vector_size": 40, "window": 3, "epochs": 1, "alpha": 0.05, "min_alpha": 0.05, "sample": 0.0}
    return TrainConfig(**{**defaults, "share_negatives": 2, "seed": 7, "loss": True, **settings})


def assert_agrees(found, exact: RingOracle, rounding: float) -> None:
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=rounding)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=rounding)


@pytest.mark.parametrize("share", [2, 3, 5])
@pytest.mark.parametrize("length", range(14))
def test_every_row_that_entered_a_groups_ring_is_written_back(device, share: int, length: int) -> None:
    """Without repeated words the ring changes nothing; the last group of a sentence may be smaller."""
    device.configure("check=1")
    words = np.random.default_rng(length).permutation(40)[:length]
    tokens = EncodedCorpus(words.astype(np.int32), np.array([0, length], np.int64))
    start = make_model(config(share_negatives=share), np.full(40, 5))
    exact, found = RingOracle(start), train(device.backend(), start, tokens)
    exact.train(tokens, 0)
    assert found.kernel == "group"
    changed = np.any(found.input != start.input, axis=1)
    assert set(np.flatnonzero(changed)) == (set(words.tolist()) if length > 1 else set())
    # Rows below 1 with at most 60 updates: 6 sqrt(3 * 60) roundings of 2^-24, doubled for those in scores.
    assert_agrees(found, exact, 1e-5)


AWKWARD = {
    "one tile": {"vector_size": 100, "negative": 6},
    "several tiles": {"vector_size": 64, "negative": 13, "share_negatives": 5},
    "more centres than words": {"vector_size": 1, "window": 9, "share_negatives": 40},
    "fewer draws than lanes": {"vector_size": 33, "negative": 70, "share_negatives": 3},
    "most centres": {"vector_size": 8, "window": 1, "share_negatives": 64},
    "long rows": {"vector_size": 260, "window": 2, "share_negatives": 3},
    "longest rows": {"vector_size": 1024, "window": 1, "negative": 2},
}


@pytest.mark.parametrize("name", AWKWARD)
def test_no_schedule_changes_what_a_group_computes(device, name: str) -> None:
    """Few words: targets, negatives and contexts repeat. Each seed trains with or without the loss."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its schedule")
    length = 6 if name.startswith("long") else 24
    tokens, counts = zipf_corpus((length, 1, 3), vocabulary=12)
    # Lengths of about 2 at any dimension: scores of about 1.
    start = make_model(
        config(**AWKWARD[name]), counts, spread=min(0.5, 3.0 / AWKWARD[name]["vector_size"] ** 0.5)
    )
    device.configure("shared_bytes=232448,check=1")
    first, exact = train(device.backend(), start, tokens), RingOracle(start)
    exact.train(tokens, 0)
    # Rows below 2 that fewer than 7,000 pairs change: 6 sqrt(7000) roundings of 2^-23.
    assert_agrees(first, exact, 6e-5)
    for seed in SEEDS:
        device.configure(f"shared_bytes=232448,seed={seed},check=1")
        loss = bool(seed % 2)
        again = train(device.backend(), replace(start, config=replace(start.config, loss=loss)), tokens)
        np.testing.assert_array_equal(again.input, first.input)
        np.testing.assert_array_equal(again.output, first.output)
        assert again.stats == replace(first.stats, loss=first.stats.loss if loss else 0.0)


@pytest.mark.parametrize("share", [1, 2, 7])
def test_groups_end_with_their_segment_but_windows_do_not(device, share: int) -> None:
    tokens, counts = zipf_corpus((1100, 3), vocabulary=200)
    start = make_model(config(vector_size=8, share_negatives=share, negative=2), counts)
    found, exact = train(device.backend("group"), start, tokens), RingOracle(start)
    exact.train(tokens, 0)
    assert found.kernel == "group"
    # Rows below 2 that fewer than 4,000 pairs change: 6 sqrt(4000) roundings of 2^-23.
    assert_agrees(found, exact, 4.5e-5)


def test_rows_of_any_length_train_in_groups(device) -> None:
    words = np.random.default_rng(5).permutation(20)[:6]
    tokens = EncodedCorpus(words.astype(np.int32), np.array([0, 6], np.int64))
    for dimension in (2, 7, 8, 9, 63, 65, 88, 89, 97, 127, 129, 255, 257, 319, 321, 513, 1023):
        start = make_model(config(vector_size=dimension, window=2, share_negatives=3), np.full(20, 5), 0.1)
        found, exact = train(device.backend(), start, tokens), RingOracle(start)
        exact.train(tokens, 0)
        # Rows below 0.2 that at most 60 pairs change, and scores of up to 1,023 terms below 0.04.
        assert_agrees(found, exact, 4e-6)


def test_resident_groups_lose_no_update(device) -> None:
    """Blocks that run together see each other's rows late: a difference of second order in the rate."""
    tokens, counts = zipf_corpus(tuple(range(24)), vocabulary=50)
    start = make_model(config(alpha=1e-4, min_alpha=1e-4, share_negatives=3), counts)
    exact = RingOracle(start)
    exact.train(tokens, 0)
    for seed in SEEDS:
        device.configure(f"seed={seed},resident_blocks={4 + seed % 5}")
        found = train(device.backend(blocks=64), start, tokens)
        assert device.most_resident() > 1
        assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
        for matrix, ended, began in (
            (found.input, exact.input, start.input),
            (found.output, exact.output, start.output),
        ):
            moved = np.linalg.norm(ended - began, axis=1)
            # A lost write-back would be a large part of a row's change; a late one is rate * |row|^2 of it.
            assert np.all(np.linalg.norm(matrix - ended, axis=1) <= 0.02 * moved + 1e-6)


@pytest.mark.parametrize("share", [2, 3, 4])
def test_a_group_moves_its_outputs_once(device, share: int) -> None:
    if device.emulator is None:
        pytest.skip("a device does not count")
    words = 60
    tokens = EncodedCorpus.from_sentences([np.random.default_rng(1).integers(0, 5000, words)])
    # At this rate no group is cut: each row moves once.
    settings = config(
        vector_size=128, shrink_windows=False, share_negatives=share, alpha=0.01, min_alpha=0.01, loss=False
    )
    rows = traffic.measure("group", make_model(settings, np.full(5000, 9)), tokens)["rows"]
    # A word's context row in and out of the ring, a target and its share of 5 negatives in and out.
    expected = (2 + 2 * (1 + 5 / share)) * 512
    assert rows["total"] == pytest.approx(expected, rel=1e-12)
    assert 32 * sum(rows["sectors"].values()) == pytest.approx(expected, rel=1e-12)
    device.configure()


def test_groups_that_shared_memory_cannot_hold_are_refused(device) -> None:
    if device.emulator is None:
        pytest.skip("a device has the shared memory that it has")
    device.configure("shared_bytes=49152")
    start = make_model(config(vector_size=128, share_negatives=64), np.full(9, 5))
    with pytest.raises(
        BackendError, match=r"group needs \d+ bytes of shared memory.*fewer centres that share"
    ):
        train(device.backend(), start, EncodedCorpus.from_sentences([[1, 2, 3]]))


def test_a_kernel_that_shares_no_negatives_makes_way(device) -> None:
    start = make_model(config(), np.full(9, 5))
    found = train(device.backend("warp"), start, EncodedCorpus.from_sentences([[1, 2, 3]]))
    assert (found.kernel, found.note) == (
        "group",
        "kernel warp does not share negatives; kernel group is used",
    )
