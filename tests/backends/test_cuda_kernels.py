"""The kernels compute the contract, under any schedule, and make none of the mistakes of the paper's code."""

from dataclasses import replace

import numpy as np
import pytest
from contract_cases import CASES, Case, corpus, model, reference_run, tolerance
from cuda_devices import (
    KERNEL_ORDERS,
    RING_KERNELS,
    SEEDS,
    assert_schedules_agree,
    make_model,
    train,
    zipf_corpus,
)
from ring_oracle import RingOracle

from full_w2v import _native
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import noise_table

KERNEL_CASES = [
    (kernel, case)
    for kernel, order in KERNEL_ORDERS
    for case in CASES
    if case.config.order == order and case.config.share_negatives == 1
    # The slow kernels show nothing on 6,000 tokens that the other long cases do not.
    if kernel == "warp" or case.name != "long-fixed-unsampled"
] + [("group", case) for case in CASES if case.config.share_negatives > 1]


def is_long(case: Case) -> bool:
    return case.config.vector_size >= 300 or sum(case.lengths) > 1000


@pytest.mark.parametrize(("kernel", "case"), KERNEL_CASES, ids=str)
def test_every_kernel_agrees_with_the_oracle(device, kernel: str, case: Case) -> None:
    # The shared memory of an H100. Long trainings go unwatched: races and bounds do not depend on the length.
    device.configure(f"shared_bytes=232448,check={0 if is_long(case) else 1}")
    found, allowed = train(device.backend(kernel), model(case), corpus(case)), tolerance(case)
    # A stay in the ring rounds twice more, for the difference and for its addition, and has at least one
    # update: at most three times the stores, of whose number the tolerance takes the root.
    exact, more = reference_run(case), 2.0 if found.kernel in RING_KERNELS else 1.0
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=more * allowed.rows)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=more * allowed.rows)
    assert abs(found.stats.loss - exact.stats.loss) <= more * allowed.loss
    if device.emulator:
        assert (found.kernel, found.note) == (kernel, "")


def distinct_words(length: int, vocabulary: int) -> EncodedCorpus:
    """One sentence in which no word comes twice."""
    words = np.random.default_rng(length).permutation(vocabulary)[:length]
    return EncodedCorpus(words.astype(np.int32), np.array([0, length], np.int64))


def config(**settings: object) -> TrainConfig:
    # 40 values: a row takes two warps of the block kernel and part of the second.
    defaults = {"vector_size": 40, "window": 3, "epochs": 1, "alpha": 0.05, "min_alpha": 0.05, "sample": 0.0}
    return TrainConfig(**{**defaults, "seed": 7, "loss": True, **settings})


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
@pytest.mark.parametrize("length", range(11))  # 0 ... 3 W + 1
def test_every_row_that_entered_the_ring_is_written_back(
    device, kernel: str, order: str, length: int
) -> None:
    """Without repeated words the ring changes nothing: the contract itself comes out, at both ends too."""
    tokens, start = distinct_words(length, 40), make_model(config(order=order), np.full(40, 5))
    exact = RingOracle(start)
    exact.train(tokens, 0)
    found = train(device.backend(kernel), start, tokens)
    changed = np.any(found.input != start.input, axis=1)
    assert set(np.flatnonzero(changed)) == (set(tokens.ids.tolist()) if length > 1 else set())
    # Rows below 1 with at most 36 updates: 6 sqrt(3 * 36) roundings of 2^-24, doubled for those in scores.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=8e-6)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=8e-6)


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_windows_end_with_their_sentence(device, kernel: str, order: str) -> None:
    sentences = [[0, 1], [2], [], [3, 4, 5], [6]]
    start = make_model(config(order=order, negative=1, window=5, shrink_windows=False), np.full(7, 5))
    found = train(device.backend(kernel), start, EncodedCorpus.from_sentences(sentences))
    exact = RingOracle(start)
    exact.train(EncodedCorpus.from_sentences(sentences), 0)
    assert (found.stats.words, found.stats.pairs) == (7, exact.stats.pairs)
    unchanged = np.all(found.input == start.input, axis=1)
    assert set(np.flatnonzero(unchanged)) == {2, 6}  # alone in their sentences: no pair has them as context


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_no_pair_beyond_the_window_is_trained(device, kernel: str, order: str) -> None:
    """At both ends of a sentence the window holds fewer words, none of them further than its radius."""
    length, window = 9, 2
    start = make_model(config(order=order, window=window, shrink_windows=False, negative=1), np.full(40, 5))
    tokens = distinct_words(length, 40)
    found, exact = train(device.backend(kernel), start, tokens), RingOracle(start)
    exact.train(tokens, 0)
    noise = noise_table(start.vocabulary.counts, start.config.ns_exponent)
    _, _, negatives = _native.token_draws(np.arange(length), 7, 0, window, False, noise, 1)
    outputs = 1 + (negatives[:, 0] != tokens.ids)
    contexts = [min(length - 1, i + window) - max(0, i - window) for i in range(length)]
    assert found.stats.pairs == int(np.sum(outputs * contexts))


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
@pytest.mark.parametrize("noise_word", [0, 17, 39])
def test_negatives_come_from_the_noise_table_as_it_is(
    device, kernel: str, order: str, noise_word: int
) -> None:
    """A table that gives one word alone trains that word's output row, and no neighbour of it."""
    counts = np.ones(40)
    counts[noise_word] = 10**15  # any other word has a chance of 4e-14 a draw
    start = make_model(config(order=order, ns_exponent=1.0), counts)
    tokens = EncodedCorpus.from_sentences([[3, 9, 5, 11]])
    found = train(device.backend(kernel), start, tokens)
    changed = np.any(found.output != start.output, axis=1)
    assert set(np.flatnonzero(changed)) == {3, 9, 5, 11, noise_word}


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_no_schedule_of_warps_changes_what_one_block_computes(device, kernel: str, order: str) -> None:
    """A missing barrier shows under some of the schedules: as another result, a race, or a read of poison."""
    tokens, counts = zipf_corpus((24,), vocabulary=50)
    start = make_model(config(order=order, vector_size=100, negative=7), counts)
    assert_schedules_agree(device, kernel, start, tokens)


AWKWARD = {
    "one-value-window9": {"vector_size": 1, "window": 9, "lengths": (0, 30)},
    "window20": {"vector_size": 33, "window": 20, "lengths": (24, 1)},
    "many-negatives": {"vector_size": 64, "negative": 70, "window": 2, "lengths": (7,)},
    "long": {"vector_size": 8, "window": 2, "negative": 2, "sample": 2e-4, "lengths": (1100,)},
    "longest-rows": {"vector_size": 1024, "window": 2, "negative": 2, "lengths": (4,)},
}


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
@pytest.mark.parametrize("name", AWKWARD)
def test_no_schedule_changes_an_awkward_training(device, kernel: str, order: str, name: str) -> None:
    """Each seed trains with or without the loss: neither changes a row, or what is counted."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its schedule")
    settings = dict(AWKWARD[name])
    random = np.random.default_rng(4)
    tokens = EncodedCorpus.from_sentences([random.integers(0, 50, n) for n in settings.pop("lengths")])
    start = make_model(config(order=order, **settings), np.full(50, 20))
    device.configure("shared_bytes=232448,check=1")
    first = train(device.backend(kernel), start, tokens)
    assert first.kernel == kernel
    assert first.stats.words > 0
    for seed in SEEDS:
        device.configure(f"shared_bytes=232448,seed={seed},check=1")
        loss = bool(seed % 2)
        again = train(device.backend(kernel), replace(start, config=replace(start.config, loss=loss)), tokens)
        np.testing.assert_array_equal(again.input, first.input)
        np.testing.assert_array_equal(again.output, first.output)
        assert again.stats == replace(first.stats, loss=first.stats.loss if loss else 0.0)


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_rows_of_any_length_train(device, kernel: str, order: str) -> None:
    """Beside the lengths of the contract's cases those where the number of values in a lane changes."""
    tokens = distinct_words(5, 20)
    for dimension in (2, 7, 8, 9, 63, 64, 65, 127, 129, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1023):
        start = make_model(config(order=order, vector_size=dimension, negative=2), np.full(20, 5), 0.1)
        found, exact = train(device.backend(kernel), start, tokens), RingOracle(start)
        exact.train(tokens, 0)
        assert found.kernel == kernel
        # Rows below 0.2 that at most 18 pairs change, and scores of up to 1,023 terms below 0.04.
        np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=2e-6)
        np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=2e-6)
        assert found.stats.pairs == exact.stats.pairs


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_resident_blocks_lose_no_update(device, kernel: str, order: str) -> None:
    """Blocks that run together see each other's rows late: a difference of second order in the rate."""
    tokens, counts = zipf_corpus(tuple(range(24)), vocabulary=50)
    rate = 1e-4
    start = make_model(config(order=order, alpha=rate, min_alpha=rate, negative=2), counts)
    exact = RingOracle(start)
    exact.train(tokens, 0)
    for seed in SEEDS:
        device.configure(f"seed={seed},resident_blocks={4 + seed % 5}")
        found = train(device.backend(kernel, blocks=64), start, tokens)
        assert device.most_resident() > 1
        assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
        for matrix, ended, began in (
            (found.input, exact.input, start.input),
            (found.output, exact.output, start.output),
        ):
            moved = np.linalg.norm(ended - began, axis=1)
            off = np.linalg.norm(matrix - ended, axis=1)
            # A lost write-back would be a large part of a row's change; a late one is rate * |row|^2 of it.
            assert np.all(off <= 0.02 * moved + 1e-6)


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_asking_for_the_loss_changes_no_row(device, kernel: str, order: str) -> None:
    tokens, counts = zipf_corpus((24, 2, 5), vocabulary=50)
    start = make_model(config(order=order), counts)
    with_loss = train(device.backend(kernel), start, tokens)
    silent = replace(start, config=replace(start.config, loss=False))
    without = train(device.backend(kernel), silent, tokens)
    np.testing.assert_array_equal(with_loss.input, without.input)
    assert without.stats.loss == 0.0 < with_loss.stats.loss


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
@pytest.mark.parametrize(("window", "negative"), [(1000, 1), (1, 1000), (200, 150)])
def test_any_window_and_number_of_negatives_train(
    device, kernel: str, order: str, window: int, negative: int
) -> None:
    """Where a kernel's shared memory does not suffice, the next one that can do it gives the same numbers."""
    tokens = EncodedCorpus.from_sentences([np.random.default_rng(1).integers(0, 60, 12)])
    settings = {"window": window, "negative": negative, "vector_size": 8, "alpha": 1e-3, "min_alpha": 1e-3}
    start = make_model(config(order=order, **settings), np.full(60, 5))
    found = train(device.backend(kernel), start, tokens)
    exact = RingOracle(start)
    exact.train(tokens, 0)
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    # Rows below 1 that up to 22,000 pairs change: 6 sqrt(22,000) roundings of 2^-24.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=6e-5)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=6e-5)
