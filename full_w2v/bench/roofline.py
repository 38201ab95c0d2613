"""How fast each CUDA kernel can be on a GPU: a model's bounds, not a measurement.

What a trained word costs is counted from the compiled kernels: instructions, fp32, shared wavefronts,
sectors, atomics. What the device can do is divided by each, and the least quotient binds:

    issue     instructions of a warp against the schedulers' slots
    fp32      fp32 instructions against the fp32 units
    shared    wavefronts, one a clock on each multiprocessor
    L2        sectors of 32 bytes against the L2's bandwidth; a sector of atomics costs as much as one that is
              loaded in the best case and four times as much in the worst: that rate is not known until
              `full-w2v bench` has measured it on a device
    DRAM      the rows of a word that miss the L2, fetched and written back; misses by a model of the cache
              (least recently used rows leave) that is fed with the rows that the corpus asks for, as many
              sentences at a time as the device holds
    latency   resident warps against the clocks that a word takes one warp alone: its instructions and the
              waits that depend on each other
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.bench.devices import (
    BARRIER_CLOCKS,
    SHARED_CLOCKS,
    SHUFFLE_CLOCKS,
    SPECIAL_CLOCKS,
    Device,
    resident_warps,
)
from full_w2v.bench.kernel_counts import NEGATIVE, OUTPUTS, ROW_BYTES, WINDOW, KernelCost
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import noise_table
from full_w2v.vocabulary import Vocabulary

LIMITS = ("issue", "fp32", "shared", "L2", "DRAM", "latency")
ROWS = 1 + OUTPUTS  # of a word
WORST_ATOMIC = 4.0  # sectors that an atomic one may be worth


@dataclass(frozen=True)
class Bounds:
    """10^6 trained words per second that each limit allows, with atomics at their best.

    worst_l2: the L2's limit with atomics at their worst. most, least: the bound with either.
    binding: the limit that gives `most`. warps: resident on a multiprocessor.
    """

    limits: dict[str, float]
    worst_l2: float
    most: float
    least: float
    binding: str
    warps: int


def bounds(
    device: Device,
    kernel: str,
    cost: KernelCost,
    miss: float,
    *,
    atomics: tuple[float, float] = (1.0, WORST_ATOMIC),
) -> Bounds:
    """The bounds of a kernel on a device.

    miss: share of its rows that are not in the L2.
    atomics: sectors that are loaded in the time of one of atomics, at best and at worst.
    """
    clock, units = device.ghz * 1e9, device.multiprocessors
    counts, design = cost.counts, cost.design
    warps = resident_warps(device, design.registers, design.shared_bytes, design.warps)
    alone = counts.instructions / design.warps + _waits(kernel, device, miss)
    best, worst = (32 * (counts.load_sectors + worth * counts.atomic_sectors) for worth in atomics)
    moved = miss * ROWS * ROW_BYTES * 2  # fetched and written back; what a kernel asks for again is in the L2
    limits = {
        "issue": units * clock * device.schedulers / counts.instructions,
        "fp32": units * clock * device.fp32_warps / counts.classes["fp32"],
        "shared": units * clock / max(counts.wavefronts, 1e-9),
        "L2": device.l2_gbs * 1e9 / best,
        "DRAM": device.dram_gbs * 1e9 / max(moved, 1e-9),
        "latency": units * clock * (warps / design.warps) / alone,
    }
    limits = {name: value / 1e6 for name, value in limits.items()}
    worst_l2 = device.l2_gbs * 1e3 / worst
    binding = min(limits, key=lambda name: limits[name])
    return Bounds(limits, worst_l2, limits[binding], min(limits[binding], worst_l2), binding, warps)


def _waits(kernel: str, device: Device, miss: float) -> float:
    """Clocks that one warp waits a word, for what each step needs from the one before."""
    trip = device.l2_clocks + miss * (device.dram_clocks - device.l2_clocks)
    tree = 5 * SHUFFLE_CLOCKS + 2 * SPECIAL_CLOCKS
    pairs = 2 * WINDOW * OUTPUTS
    if kernel == "warp":
        return trip + tree + 4 * SHARED_CLOCKS
    if kernel == "block":
        return pairs * (tree + BARRIER_CLOCKS + 3 * SHARED_CLOCKS) + (OUTPUTS + 1) * trip
    if kernel == "register":
        return pairs * (tree + trip) + OUTPUTS * trip
    return pairs * (tree + trip)


def row_sequences(corpus: EncodedCorpus, vocabulary: Vocabulary) -> list[NDArray[np.int64]]:
    """Rows that each sentence asks for, in order: of a word the input row, then its outputs' rows.

    Returns: of each sentence that has words, shape [words, 2 + NEGATIVE].
    """
    positions = np.arange(corpus.tokens, dtype=np.int64)
    noise = noise_table(vocabulary.counts, 0.75)
    _, _, negatives = _native.token_draws(positions, 1, 0, WINDOW, False, noise, NEGATIVE)
    words = np.asarray(corpus.ids, dtype=np.int64)[:, None]
    outputs = np.hstack([words, np.asarray(negatives, dtype=np.int64)]) + len(vocabulary)
    rows = np.hstack([words, outputs])
    return [rows[a:b] for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True) if b > a]


def misses(
    sentences: Sequence[NDArray[np.int64]], device: Device, warps: int, *, warm_up: float = 0.5
) -> float:
    """Share of the rows that are not in the L2, sentences taken as many at a time as the device holds.

    sentences: rows that each one asks for, shape [words, rows of a word].
    warps: resident on a multiprocessor.
    warm_up: share of the rows that fill the cache first and do not count.
    """
    warm = int(warm_up * sum(sentence.size for sentence in sentences))
    capacity, cached = device.l2_bytes // ROW_BYTES, OrderedDict[int, None]()
    missed = asked = 0
    for row in _rows_in_flight(sentences, warps * device.multiprocessors):
        counts = asked >= warm
        asked += 1
        if row in cached:
            cached.move_to_end(row)
            continue
        missed += counts
        cached[row] = None
        if len(cached) > capacity:
            cached.popitem(last=False)
    return missed / max(1, asked - warm)


def _rows_in_flight(sentences: Sequence[NDArray[np.int64]], flying: int) -> Iterable[int]:
    """Rows as `flying` sentences at a time ask for them, a word each; the next begins where one ends."""
    free, begins = [0] * flying, []
    for i, sentence in enumerate(sentences):
        begins.append(free[i % flying])
        free[i % flying] += len(sentence)
    order = sorted(
        (begin + i, at)
        for at, (begin, sentence) in enumerate(zip(begins, sentences, strict=True))
        for i in range(len(sentence))
    )
    for when, at in order:
        yield from sentences[at][when - begins[at]].tolist()
