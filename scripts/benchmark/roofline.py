"""How fast each CUDA kernel can be on a GPU: a model's bounds, not a measurement.

What a trained word costs is counted from the compiled kernels (instructions.py): instructions, fp32, shared
wavefronts, sectors, atomics. What the device can do is divided by each, and the least quotient binds:

    issue     instructions of a warp against the schedulers' slots
    fp32      fp32 instructions against the fp32 units
    shared    wavefronts, one a clock on each multiprocessor
    L2        sectors of 32 bytes against the L2's bandwidth; a sector of atomics costs as much as one that is
              loaded in the best case and four times as much in the worst: that rate is not known
    DRAM      the rows of a word that miss the L2, fetched and written back; misses by a model of the cache
              (least recently used rows leave) that is fed with the rows that the corpus asks for, as many
              sentences at a time as the device holds
    latency   resident warps against the clocks that a word takes one warp alone: its instructions and the
              waits that depend on each other

    python scripts/benchmark/roofline.py corpus.txt --plots build/roofline
"""

import argparse
import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from conditions import conditions, table
from devices import (
    BARRIER_CLOCKS,
    DEVICES,
    SHARED_CLOCKS,
    SHUFFLE_CLOCKS,
    SPECIAL_CLOCKS,
    Device,
    resident_warps,
)
from instructions import Counts, compile_ptx, count, make_config
from numpy.typing import NDArray
from traffic import KERNELS, read

from full_w2v import _native
from full_w2v.encoded import EncodedCorpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary, noise_table

SIZE, WINDOW, NEGATIVE = 128, 3, 5
CONTEXTS, OUTPUTS = 2 * WINDOW, NEGATIVE + 1
ROW_BYTES = SIZE * 4
ROWS = 1 + OUTPUTS  # of a word
WORST_ATOMIC = 4  # sectors that an atomic one may be worth
LOOK_AHEAD = 400_000  # rows that the cache model is fed with


@dataclass(frozen=True)
class Design:
    """What the model needs of a kernel beside its counts."""

    registers: int
    shared: int  # bytes of a block
    warps: int  # of a block

    def waits(self, kernel: str, device: Device, miss: float) -> float:
        """Clocks that one warp waits a word, for what each step needs from the one before."""
        trip = device.l2_clocks + miss * (device.dram_clocks - device.l2_clocks)
        tree = 5 * SHUFFLE_CLOCKS + 2 * SPECIAL_CLOCKS
        pairs = CONTEXTS * OUTPUTS
        if kernel == "warp":
            return trip + tree + 4 * SHARED_CLOCKS
        if kernel == "block":
            return pairs * (tree + BARRIER_CLOCKS + 3 * SHARED_CLOCKS) + (OUTPUTS + 1) * trip
        if kernel == "register":
            return pairs * (tree + trip) + OUTPUTS * trip
        return pairs * (tree + trip)


# Registers of sm_80 and shared memory at SIZE, WINDOW, NEGATIVE: resources.py and the launch shapes.
DESIGNS = {
    "pair": Design(104, 1800, 1),
    "register": Design(104, 1800, 1),
    "block": Design(64, 9000, 4),
    "warp": Design(128, 5600, 1),
}


def main() -> None:
    options = parse()
    corpus, vocabulary = read(options.corpus, options.words, 1)
    counts = {name: count_kernel(name, options.ptx, vocabulary, corpus) for name in KERNELS}
    counts["warp, 16-byte atomics"] = count_kernel("warp", "90", vocabulary, corpus)
    rows = row_sequences(options.corpus, vocabulary)
    result: dict[str, Any] = {"conditions": conditions(), "corpus": options.corpus, "devices": {}}
    for device in DEVICES:
        miss = misses(rows, device, resident_warps(device, 128, DESIGNS["warp"].shared, 1))
        result["devices"][device.name] = {"l2_miss": miss, "kernels": bounds_of(device, counts, miss)}
    if options.plots:
        plot(result["devices"], Path(options.plots))
    print(json.dumps(result) if options.json else show(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, a sentence a line")
    parser.add_argument("--words", type=int, default=500, help="words to count instructions over")
    parser.add_argument("--ptx", default="80", help="virtual architecture whose PTX is run")
    parser.add_argument("--plots", help="folder for a PNG of each device; needs matplotlib")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def count_kernel(name: str, ptx: str, vocabulary: Vocabulary, corpus: EncodedCorpus) -> Counts:
    """What a kernel costs a trained word at SIZE, WINDOW and NEGATIVE, in the order that it is made for.

    ptx: the virtual architecture to compile it for, as "80".
    """
    config = make_config(SIZE, WINDOW, False, NEGATIVE, KERNELS[name])
    return count(name, compile_ptx(name, ptx), Model.initialize(vocabulary, config), corpus)


def row_sequences(path: str, vocabulary: Vocabulary) -> list[NDArray[np.int64]]:
    """Rows that each sentence asks for, in order: of a word the input row, then its outputs' rows."""
    corpus, _ = read(path, LOOK_AHEAD // (NEGATIVE + 2), 1)
    positions = np.arange(corpus.tokens, dtype=np.int64)
    noise = noise_table(vocabulary.counts, 0.75)
    _, _, negatives = _native.token_draws(positions, 1, 0, WINDOW, False, noise, NEGATIVE)
    words = np.asarray(corpus.ids, dtype=np.int64)[:, None]
    outputs = np.hstack([words, np.asarray(negatives, dtype=np.int64)]) + len(vocabulary)
    rows = np.hstack([words, outputs])
    return [rows[a:b] for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True) if b > a]


def misses(sentences: list[NDArray[np.int64]], device: Device, warps: int) -> float:
    """Share of the rows that are not in the L2, sentences taken as many at a time as the device holds.

    The first half of the rows fill the cache and do not count.
    """
    warm_up = min(LOOK_AHEAD, sum(sentence.size for sentence in sentences)) // 2
    capacity, cached = device.l2_bytes // ROW_BYTES, OrderedDict[int, None]()
    flying = warps * device.multiprocessors
    order = sorted(
        (start + i, at)
        for at, (start, sentence) in enumerate(_starts(sentences, flying))
        for i in range(len(sentence))
    )
    begins = dict(enumerate(start for start, _ in _starts(sentences, flying)))
    missed = asked = 0
    for when, at in order:
        for row in sentences[at][when - begins[at]].tolist():
            warm = asked >= warm_up
            asked += 1
            if row in cached:
                cached.move_to_end(row)
                continue
            missed += warm
            cached[row] = None
            if len(cached) > capacity:
                cached.popitem(last=False)
    return missed / max(1, asked - warm_up)


def _starts(sentences: list[NDArray[np.int64]], flying: int) -> list[tuple[int, NDArray[np.int64]]]:
    """When each sentence starts, in words: the next one begins where one ends."""
    free, starts = [0] * flying, []
    for i, sentence in enumerate(sentences):
        starts.append((free[i % flying], sentence))
        free[i % flying] += len(sentence)
    return starts


def bounds_of(device: Device, counts: dict[str, Counts], miss: float) -> dict[str, dict[str, Any]]:
    """Bounds of every kernel that the device runs, in 10^6 trained words a second."""
    found = {}
    for name, one in counts.items():
        vector = name != name.split(",")[0]
        if vector and not device.vector_atomics:
            continue
        found[name] = bounds(device, name.split(",")[0], one, miss)
    return found


def bounds(device: Device, kernel: str, one: Counts, miss: float) -> dict[str, Any]:
    """10^6 words a second that each limit allows; `most` and `least` with the best and worst atomics."""
    clock, units = device.ghz * 1e9, device.multiprocessors
    design = DESIGNS[kernel]
    warps = resident_warps(device, design.registers, design.shared, design.warps)
    alone = one.instructions / design.warps + design.waits(kernel, device, miss)
    plain, atomic = one.load_sectors * 32, one.atomic_sectors * 32
    moved = miss * ROWS * ROW_BYTES * 2  # fetched and written back; what a kernel asks for again is in the L2
    limits = {
        "issue": units * clock * device.schedulers / one.instructions,
        "fp32": units * clock * device.fp32_warps / one.classes["fp32"],
        "shared": units * clock / max(one.wavefronts, 1e-9),
        "L2": device.l2_gbs * 1e9 / (plain + atomic),
        "DRAM": device.dram_gbs * 1e9 / max(moved, 1e-9),
        "latency": units * clock * (warps / design.warps) / alone,
    }
    limits = {name: value / 1e6 for name, value in limits.items()}
    worst_l2 = device.l2_gbs * 1e3 / (plain + WORST_ATOMIC * atomic)
    binding = min(limits, key=lambda name: limits[name])
    return {
        "limits": limits,
        "worst_l2": worst_l2,
        "most": limits[binding],
        "least": min(limits[binding], worst_l2),
        "binding": binding,
        "warps": warps,
    }


def show(result: dict[str, Any]) -> str:
    """A table for each device."""
    text = [
        "A model's bounds, not a measurement: 10^6 trained words a second,"
        f" d {SIZE}, fixed window {WINDOW}, {NEGATIVE} negatives"
    ]
    for name, found in result["devices"].items():
        names = ("issue", "fp32", "shared", "L2", "DRAM", "latency")
        lines = [(f"{name} (rows missing L2: {found['l2_miss']:.0%})", "warps", *names, "bound", "binds")]
        for kernel, one in found["kernels"].items():
            limits = [f"{one['limits'][limit]:,.0f}" for limit in names]
            limits[3] += f"-{one['worst_l2']:,.0f}"
            lines.append(
                (
                    kernel,
                    str(one["warps"]),
                    *limits,
                    f"{one['least']:,.0f}-{one['most']:,.0f}",
                    one["binding"],
                )
            )
        text += ["", table(lines)]
    text.append(", ".join(f"{name} {value}" for name, value in result["conditions"].items()))
    return "\n".join(text)


def plot(devices: dict[str, Any], folder: Path) -> None:
    """One PNG a device: the range of the bound by design, and each limit as a mark."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    for name, found in devices.items():
        figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
        kernels = found["kernels"]
        for limit, mark in zip(("issue", "fp32", "shared", "L2", "DRAM", "latency"), "ov^sD*", strict=True):
            values = [one["limits"][limit] for one in kernels.values()]
            axes.plot(range(len(kernels)), values, mark, label=limit, alpha=0.8)
        for at, one in enumerate(kernels.values()):
            axes.bar(at, one["most"], width=0.6, color="tab:blue", alpha=0.2)
            axes.bar(at, one["least"], width=0.6, color="tab:blue", alpha=0.4)
        axes.set_xticks(range(len(kernels)), kernels)
        axes.set_yscale("log")
        axes.set_ylabel("10^6 trained words a second")
        axes.set_title(f"{name}: bounds of a model, not measured (light: best atomics, dark: worst)")
        axes.legend(ncols=3, fontsize="small")
        figure.savefig(folder / f"{name}.png", dpi=150)
        pyplot.close(figure)


if __name__ == "__main__":
    main()
