"""Tiles that are cut into steps, and words that the ring holds several times, on every kernel of CUDA.

The cases of contract_cases.py hold such windows too; here are sweeps of sizes, schedules, and the trainings
that diverged when a row took the sum over all pairs of a tile from one old state.
"""

import numpy as np
import pytest
from contract_cases import Case, corpus, make_case, model, reference_run, tolerance
from cuda_devices import KERNEL_ORDERS, SEEDS, make_model, train
from ring_oracle import RingOracle

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus

FIXED = {"window": 3, "shrink_windows": False, "negative": 5}
LENGTHS = (1, 2, 17, 30)
WINDOW_KERNELS = [kernel for kernel, order in KERNEL_ORDERS if order == "window"]


def agrees(device, kernel: str, case: Case) -> None:
    device.configure("shared_bytes=232448,check=1")
    found, exact, allowed = (
        train(device.backend(kernel), model(case), corpus(case)),
        reference_run(case),
        tolerance(case),
    )
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    # Twice, as in test_cuda_kernels.py: a stay in the ring rounds twice more.
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=2 * allowed.rows)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=2 * allowed.rows)
    assert abs(found.stats.loss - exact.stats.loss) <= 2 * allowed.loss
    if device.emulator:
        assert (found.kernel, found.note) == (kernel, "")


def cut_cases():
    """A case of each kind of window that is cut: by L, by R, by blocks, by several of them."""
    for alpha in (0.025, 0.06, 0.5):
        for vocabulary in (4, 60):
            words = {"alpha": alpha, "vocabulary": vocabulary, "lengths": LENGTHS, "sample": 0.0}
            name = f"alpha{alpha}-vocabulary{vocabulary}"
            for kernel in WINDOW_KERNELS:
                yield kernel, make_case(f"{name}-window5", window=5, **words)
                yield kernel, make_case(f"{name}-negative30", negative=30, vector_size=8, **words)
            yield "warp", make_case(f"{name}-fixed", vector_size=128, **FIXED, **words)
            yield "warp", make_case(f"{name}-several", negative=13, vector_size=40, **words)
            for share, negative in ((2, 5), (3, 13), (9, 5), (9, 30)):
                shared = {"share_negatives": share, "negative": negative, "vector_size": 40}
                yield "group", make_case(f"{name}-share{share}-negative{negative}", **shared, **words)


@pytest.mark.parametrize(("kernel", "case"), list(cut_cases()), ids=str)
def test_windows_that_are_cut_agree_with_the_oracle(device, kernel: str, case: Case) -> None:
    agrees(device, kernel, case)


@pytest.mark.parametrize("vocabulary", [1, 2, 5, 40])
def test_a_word_that_the_ring_holds_twice_is_one_row_in_pair_order(device, vocabulary: int) -> None:
    """Each pair finds what the one before left, whichever occurrence of a word it is of."""
    for window in (1, 2, 5, 9):
        settings = {"window": window, "order": "pair", "sample": 0.0, "vocabulary": vocabulary}
        case = make_case(f"pairs-of-{vocabulary}-words-window{window}", lengths=LENGTHS, **settings)
        agrees(device, "block", case)


@pytest.mark.parametrize("seed", range(8))
def test_awkward_sizes_agree_with_the_oracle(device, seed: int) -> None:
    """Sizes, rates and sentences drawn at random: strips and blocks end anywhere in windows and tiles."""
    random = np.random.default_rng(seed)
    settings = {
        "alpha": float(random.choice([0.01, 0.025, 0.04, 0.1, 0.17, 0.5])),
        "window": int(random.integers(1, 13)),
        "shrink_windows": bool(random.integers(2)),
        "negative": int(random.choice([1, 2, 5, 7, 12, 25])),
        "vector_size": int(random.choice([1, 31, 40, 96, 128, 130])),
        "vocabulary": int(random.choice([2, 3, 9, 30, 200])),
        "lengths": tuple(int(length) for length in random.integers(0, 28, 3)),
        "seed": seed,
    }
    for share in (1, int(random.integers(2, 12))):
        case = make_case(f"awkward{seed}-share{share}", share_negatives=share, sample=0.0, **settings)
        for kernel in WINDOW_KERNELS if share == 1 else ["group"]:
            agrees(device, kernel, case)


SCHEDULED = {
    "warp-fixed": ("warp", {"alpha": 0.05, "vector_size": 128, **FIXED}),
    "warp": ("warp", {"alpha": 0.1, "window": 6, "vector_size": 128}),
    "warp-several": ("warp", {"alpha": 0.25, "negative": 9, "vector_size": 40}),
    "warp-bf16": ("warp", {"alpha": 0.1, "window": 6, "vector_size": 128, "row_precision": "bf16"}),
    "register": ("register", {"alpha": 0.1, "vector_size": 40}),
    "group": ("group", {"alpha": 0.1, "share_negatives": 3, "vector_size": 128}),
    "group-several": ("group", {"alpha": 0.25, "share_negatives": 7, "vector_size": 40}),
    "group-tf32": ("group", {"share_negatives": 3, "vector_size": 100, "score_precision": "tf32"}),
    "block": ("block", {"order": "pair", "vector_size": 40, "window": 4}),
}


@pytest.mark.parametrize("name", SCHEDULED)
def test_no_schedule_changes_what_the_steps_of_few_words_compute(device, name: str) -> None:
    """Nearly every window is cut and holds a word twice: links, strips and copies race with nothing."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its schedule")
    kernel, settings = SCHEDULED[name]
    case = make_case(name, vocabulary=5, lengths=(14, 1, 3), sample=0.0, **settings)
    start, tokens = model(case), corpus(case)
    device.configure("check=1")
    first = train(device.backend(kernel), start, tokens)
    for seed in SEEDS:
        device.configure(f"seed={seed},check=1")
        again = train(device.backend(kernel), start, tokens)
        np.testing.assert_array_equal(again.input, first.input)
        np.testing.assert_array_equal(again.output, first.output)
        assert again.stats == first.stats


def letters(length: int) -> EncodedCorpus:
    """Sentences of four words in random order, as of DNA."""
    random = np.random.default_rng(1)
    return EncodedCorpus.from_sentences([random.integers(0, 4, length) for _ in range(2)])


def runs(length: int) -> EncodedCorpus:
    """Sentences of words 0 and 1, and of words 2 and 3, in runs of one word."""
    return EncodedCorpus.from_sentences(
        [np.repeat([2 * (line % 2), 2 * (line % 2) + 1] * 2, length // 4) for line in range(8)]
    )


SANE = {
    "letters": (letters, {"window": 50, "alpha": 0.05}),
    "letters-window3": (letters, {"window": 3, "alpha": 0.05, "vector_size": 128}),
    "letters-shared": (letters, {"window": 20, "share_negatives": 32}),
    "letters-steep": (letters, {"window": 10, "alpha": 0.25}),
    "runs": (runs, {"window": 10, "alpha": 0.05}),
    "runs-window3": (runs, {"window": 3, "alpha": 0.05, "vector_size": 128}),
}
KERNELS_BY_SHARE = {1: ["warp", "register", "group", "block"], 32: ["group"]}


def longest(found) -> float:
    return float(max(np.linalg.norm(rows, axis=1).max() for rows in (found.input, found.output)))


@pytest.mark.parametrize("name", SANE)
def test_trainings_that_diverged_stay_sane(device, name: str) -> None:
    make, settings = SANE[name]
    tokens = make(100)
    settings = {"vector_size": 16, "epochs": 2, "sample": 0.0, "shrink_windows": False, "seed": 1, **settings}
    for kernel in KERNELS_BY_SHARE[settings.get("share_negatives", 1)]:
        order = "pair" if kernel == "block" else "window"
        start = make_model(TrainConfig(order=order, **settings), np.full(4, tokens.tokens // 4), 0.02)
        device.configure("shared_bytes=232448,check=0")
        found = train(device.backend(kernel), start, tokens)
        assert longest(found) < 100, kernel
        if name.startswith("runs"):
            unit = found.input / np.linalg.norm(found.input, axis=1, keepdims=True)
            likeness = unit @ unit.T
            assert min(likeness[0, 1], likeness[2, 3]) > likeness[:2, 2:].max(), kernel


def test_segments_in_flight_stay_sane_with_few_words(device) -> None:
    """Two blocks at a time train the same four rows, which they find changed by each other."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its resident blocks")
    settings = {"window": 10, "alpha": 0.025, "shrink_windows": False, "sample": 0.0, "epochs": 2}
    start = make_model(TrainConfig(vector_size=16, **settings), np.full(4, 200), 0.02)
    for kernel in ("warp", "group", "register"):
        device.configure("resident_blocks=2,seed=3")
        found = train(device.backend(kernel, blocks=2), start, runs(100))
        alone = train(device.backend(kernel), start, runs(100))
        assert longest(found) < 100, kernel
        assert not np.array_equal(found.input, alone.input)


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0.1, "window": 9, "vector_size": 100},
        {"alpha": 0.25, "window": 6, "negative": 9, "vector_size": 40},
        {"alpha": 0.06, "vector_size": 128, **FIXED},
    ],
    ids=str,
)
def test_a_cut_window_of_rows_of_bf16_is_rounded_once(device, settings) -> None:
    """The oracle's roundings, nearly all: steps between them are of float32.

    A cut window of `warp_fixed` rounds its contexts in each step: with other bits a third would be off.
    """
    case = make_case(
        str(settings), vocabulary=3000, lengths=(25,), sample=0.0, row_precision="bf16", **settings
    )
    device.configure("shared_bytes=232448")
    found, exact = train(device.backend("warp"), model(case), corpus(case)), RingOracle(model(case))
    exact.train(corpus(case), 0)
    assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
    begun = RingOracle(model(case))
    for rows, expected, before in (
        (found.input, exact.input, begun.input),
        (found.output, exact.output, begun.output),
    ):
        assert np.mean((rows != expected)[expected != before]) <= 0.1
