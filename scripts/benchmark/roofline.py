"""How fast each CUDA kernel could be on a P100, V100, A100, H100 or B200: bounds, not a measurement.

What a trained word costs is counted here, from the compiled kernels (instructions.py); full_w2v/bench
holds the model, its devices, and the counts as `full-w2v bench` uses them: --save-counts writes these anew.

    python scripts/benchmark/roofline.py corpus.txt --plots build/roofline
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import resources
from conditions import conditions, table
from instructions import compile_ptx, count, make_config
from traffic import read

from full_w2v.backends.cuda import EMULATED, CudaBackend
from full_w2v.bench import (
    DEVICES,
    Bounds,
    Design,
    Device,
    KernelCost,
    bounds,
    misses,
    resident_warps,
    row_sequences,
)
from full_w2v.bench.kernel_counts import NEGATIVE, ORDERS, VECTOR_ATOMICS, VECTOR_SIZE, WINDOW, save_costs
from full_w2v.bench.roofline import LIMITS
from full_w2v.bench.throughput import zipf_corpus
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

LOOK_AHEAD = 400_000  # rows that the cache model is fed with
SAVED_VOCABULARY, SAVED_WORDS = 1_000, 1_000  # of the corpus that saved counts are counted on, as bench's


def main() -> None:
    options = parse()
    corpus, vocabulary = read(options.corpus, options.words, 1)
    costs = costs_of(options.ptx, vocabulary, corpus)
    if options.save_counts:
        save_costs(costs_of("80", *zipf_corpus(SAVED_VOCABULARY, SAVED_WORDS)))
    rows = row_sequences(read(options.corpus, LOOK_AHEAD // (NEGATIVE + 2), 1)[0], vocabulary)
    result: dict[str, Any] = {"conditions": conditions(), "corpus": options.corpus, "devices": {}}
    for device in DEVICES:
        design = costs["warp"].design
        miss = misses(rows, device, resident_warps(device, design.registers, design.shared_bytes, 1))
        found = {name: asdict(one) for name, one in bounds_of(device, costs, miss).items()}
        result["devices"][device.name] = {"l2_miss": miss, "kernels": found}
    if options.plots:
        plot(result["devices"], Path(options.plots))
    print(json.dumps(result) if options.json else show(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--words", type=int, default=500, help="words to count instructions over")
    parser.add_argument("--ptx", default="80", help="virtual architecture whose PTX is run")
    parser.add_argument("--plots", help="folder for a PNG of each device; needs matplotlib")
    parser.add_argument("--save-counts", action="store_true", help="keep the counts in full_w2v/bench")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def costs_of(ptx: str, vocabulary: Vocabulary, corpus: EncodedCorpus) -> dict[str, KernelCost]:
    """What each kernel takes and costs, and the warp kernel with 16-byte atomics."""
    costs = {name: cost_of(name, ptx, vocabulary, corpus) for name in ORDERS}
    return costs | {VECTOR_ATOMICS: cost_of("warp", "90", vocabulary, corpus)}


def cost_of(name: str, ptx: str, vocabulary: Vocabulary, corpus: EncodedCorpus) -> KernelCost:
    """What a kernel takes and costs a trained word at the model's settings, in the order that it is made for.

    ptx: the virtual architecture to compile it for, as "80"; its registers are those of that machine code.
    """
    model = Model.initialize(vocabulary, make_config(VECTOR_SIZE, WINDOW, False, NEGATIVE, ORDERS[name]))
    counts = count(name, compile_ptx(name, ptx), model, corpus)
    instance = counts.kernel.replace("_kernel", "").replace(" ", "")
    instance = instance.replace("false", "0").replace("true", "1")
    registers = next(
        (
            one.registers
            for one in resources.from_nvcc()
            if one.kernel == instance and one.architecture == int(ptx)
        ),
        None,
    )
    if registers is None:
        raise SystemExit(
            f"nvcc has not reported the registers of {instance} for sm_{ptx}: build full_w2v._cuda for it"
        )
    threads, shared = launch_shape(name, model)
    return KernelCost(Design(registers, shared, threads // 32), counts)


def launch_shape(name: str, model: Model) -> tuple[int, int]:
    """Threads and bytes of shared memory of a kernel's block."""
    backend = CudaBackend(EMULATED, kernel=name)
    backend.load(model)
    shape = backend.launch_shape
    backend.close()
    return shape


def bounds_of(device: Device, costs: dict[str, KernelCost], miss: float) -> dict[str, Bounds]:
    """Bounds of every kernel that the device runs."""
    return {
        name: bounds(device, name.split(",")[0], cost, miss)
        for name, cost in costs.items()
        if name != VECTOR_ATOMICS or device.vector_atomics
    }


def show(result: dict[str, Any]) -> str:
    """A table for each device."""
    text = [
        "A model's bounds, not a measurement: 10^6 trained words per second,"
        f" d {VECTOR_SIZE}, fixed window {WINDOW}, {NEGATIVE} negatives"
    ]
    for name, found in result["devices"].items():
        lines = [(f"{name} (rows missing L2: {found['l2_miss']:.0%})", "warps", *LIMITS, "bound", "binds")]
        for kernel, one in found["kernels"].items():
            limits = [f"{one['limits'][limit]:,.0f}" for limit in LIMITS]
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
        for limit, mark in zip(LIMITS, "ov^sD*", strict=True):
            values = [one["limits"][limit] for one in kernels.values()]
            axes.plot(range(len(kernels)), values, mark, label=limit, alpha=0.8)
        for at, one in enumerate(kernels.values()):
            axes.bar(at, one["most"], width=0.6, color="tab:blue", alpha=0.2)
            axes.bar(at, one["least"], width=0.6, color="tab:blue", alpha=0.4)
        axes.set_xticks(range(len(kernels)), kernels)
        axes.set_yscale("log")
        axes.set_ylabel("10^6 trained words per second")
        axes.set_title(f"{name}: bounds of a model, not measured (light: best atomics, dark: worst)")
        axes.legend(ncols=3, fontsize="small")
        figure.savefig(folder / f"{name}.png", dpi=150)
        pyplot.close(figure)


if __name__ == "__main__":
    main()
