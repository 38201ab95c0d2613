"""Instructions of the warp kernel per trained word, for the settings that people use.

Exact counts come from running the kernel's PTX, as nvcc emits it, on the emulated device: every instruction
of a warp, the lanes active in it, sectors of global memory, wavefronts of shared memory. Draws, and the
entering and leaving of a sentence's rows, are among them. Beside them stand the machine instructions of the
window loop alone, with --architectures, from nvdisasm.

    python scripts/benchmark/instructions.py corpus.txt --words 2000 --architectures 75,80,90
"""

import argparse
import importlib
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import sass
from conditions import conditions, table
from traffic import read

from full_w2v.backends.cuda import EMULATED, CudaBackend
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus
from full_w2v.model import Model
from full_w2v.roofline import Counts

ROOT = Path(__file__).resolve().parents[2]
SIZES = (100, 128, 200, 256, 300)
NEGATIVES = (5, 10, 15)
WINDOWS = ((3, False), (5, True), (10, True))


def main() -> None:
    options = parse()
    corpus, vocabulary = read(options.corpus, options.words, 1)
    rows = []
    ptx = compile_ptx("warp", options.ptx)
    for size, (window, shrink), negative in settings(options):
        config = make_config(size, window, shrink, negative, "window")
        counts = count("warp", ptx, Model.initialize(vocabulary, config), corpus)
        rows.append(
            {"size": size, "window": window, "shrink": shrink, "negative": negative, **asdict(counts)}
        )
    loops = machine_loops(options.architectures)
    result = {"conditions": conditions(), "corpus": options.corpus, "counts": rows, "window_loops": loops}
    print(json.dumps(result) if options.json else show(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, a sentence a line")
    parser.add_argument("--words", type=int, default=1000, help="words to train; whole sentences are taken")
    parser.add_argument("--ptx", default="80", help="virtual architecture whose PTX is run")
    parser.add_argument("--architectures", default="", help="for the machine instructions, as 75,80,90")
    parser.add_argument("--quick", action="store_true", help="d = 128 and 5 negatives alone")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def settings(options: argparse.Namespace) -> Iterator[tuple[int, tuple[int, bool], int]]:
    """Vector size, window with whether it shrinks, and negatives of every row of the table."""
    if options.quick:
        return itertools.product((128,), WINDOWS, (5,))
    return itertools.product(SIZES, WINDOWS, NEGATIVES)


def make_config(size: int, window: int, shrink: bool, negative: int, order: str) -> TrainConfig:
    """One epoch of every word: nothing is sampled away, so that figures are per word of the corpus."""
    return TrainConfig(
        vector_size=size,
        window=window,
        shrink_windows=shrink,
        negative=negative,
        sample=0.0,
        epochs=1,
        order=order,
    )


def nvcc(*arguments: str) -> None:
    """Runs nvcc in the repository's root, optimising as the extension's build does.

    Raises SystemExit if there is no nvcc.
    """
    sys.path.insert(0, str(ROOT))
    from scripts.extensions import cuda

    compiler = cuda.find_nvcc()
    if compiler is None:
        raise SystemExit("nvcc is not found: put it on PATH")
    subprocess.run([compiler, "-std=c++17", "-O3", "-Icsrc", *arguments], check=True, cwd=ROOT)


@cache
def compile_ptx(kernel: str, architecture: str) -> str:
    """The PTX of csrc/cuda/`kernel`.cu."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "kernel.ptx")
        nvcc(f"-arch=compute_{architecture}", "-ptx", f"csrc/cuda/{kernel}.cu", "-o", str(output))
        return output.read_text(encoding="utf-8")


def count(kernel: str, ptx: str, model: Model, corpus: EncodedCorpus) -> Counts:
    """Runs one epoch of a kernel from its PTX."""
    device = importlib.import_module("full_w2v._cuda_emulated")
    device.configure("shared_bytes=232448")
    backend = CudaBackend(EMULATED, kernel=kernel)
    backend.load(model)
    if backend.kernel != kernel:
        raise SystemExit(f"cannot count kernel {kernel}: {backend.note}")
    device.load_ptx(ptx)
    device.reset_ptx_counters()
    try:
        stats = backend.train(corpus, 0, corpus.tokens, 0)
        ((name, found),) = device.ptx_counters().items()
    finally:
        device.unload_ptx()
        backend.close()
    short = re.search(r"\w+_kernel(<[^>]*>)?", name)
    return per_word(short.group() if short else name, found, stats.words, stats.pairs)


def per_word(kernel: str, found: dict[str, Any], words: int, pairs: int) -> Counts:
    """The emulated device's counters of one kernel, `found`, divided by the words that it trained."""
    total, memory = sum(found["instructions"].values()), list(found["global"].values())

    def moved(access: str, what: str) -> float:
        return float(sum(one[access][what] for one in memory) / words)

    return Counts(
        kernel,
        words,
        pairs / words,
        total / words,
        {name: number / words for name, number in found["instructions"].items()},
        sum(found["lanes"].values()) / 32 / total,
        moved("load", "sectors"),
        moved("atomic", "sectors"),
        moved("load", "bytes"),
        moved("atomic", "bytes"),
        sum(one["sectors"] for one in found["shared"].values()) / words,
        found["bank_conflicts"] / words,
    )


def machine_loops(architectures: str) -> dict[str, dict[str, dict[str, int]]]:
    """By architecture and kernel: instructions of the window loop once a word, and of each round inside."""
    loops: dict[str, dict[str, dict[str, int]]] = {}
    for architecture in filter(None, architectures.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            cubin = Path(folder, "kernel.cubin")
            nvcc(f"-arch=sm_{architecture}", "-cubin", "csrc/cuda/warp.cu", "-o", str(cubin))
            for name, body in sass.disassemble(cubin).items():
                loop = sass.window_loop(body)
                parts = {"once": sum(loop.outer.values()), "round": sum(loop.inner.values())}
                loops.setdefault(architecture, {})[readable(name)] = parts
    return loops


def readable(mangled: str) -> str:
    """warp_kernel<4, 4, 6, false> from its mangled name."""
    name = re.search(r"\d(warp(?:_fixed)?_kernel)I", mangled)
    values = re.findall(r"L([ib])(\d+)E", mangled)
    arguments = ", ".join({"b0": "false", "b1": "true"}.get(kind + value, value) for kind, value in values)
    return f"{name.group(1) if name else mangled}<{arguments}>"


def show(result: dict[str, Any]) -> str:
    """The table of counts, the loops, and the conditions."""
    header = ("d", "window", "neg.", "kernel", "pairs", "instr.", "a pair", "fp32", "shuffle", "shared")
    header += ("lanes", "load sect.", "atomic sect.", "wavefronts")
    lines = [header]
    for one in result["counts"]:
        classes = one["classes"]
        lines.append(
            (
                str(one["size"]),
                f"{'1-' if one['shrink'] else ''}{one['window']}",
                str(one["negative"]),
                one["kernel"],
                f"{one['pairs']:.1f}",
                f"{one['instructions']:,.0f}",
                f"{one['instructions'] / one['pairs']:.2f}",
                *(f"{classes[name]:,.0f}" for name in ("fp32", "shuffle", "shared")),
                f"{one['lanes']:.0%}",
                *(f"{one[name]:,.0f}" for name in ("load_sectors", "atomic_sectors", "wavefronts")),
            )
        )
    text = ["PTX instructions and requests of a warp per trained word, draws included", table(lines)]
    for architecture, kernels in result["window_loops"].items():
        rows = [("window loop", "once", "a round", "window 3", "a pair", "window 1-5", "a pair")]
        for name, parts in kernels.items():
            rows.append(
                (
                    f"sm_{architecture} {name}",
                    str(parts["once"]),
                    str(parts["round"]),
                    *by_window(name, parts),
                )
            )
        text += ["", "machine instructions; a round is two contexts, once is a tile of outputs", table(rows)]
    text.append(", ".join(f"{name} {value}" for name, value in result["conditions"].items()))
    return "\n".join(text)


def by_window(name: str, parts: dict[str, int]) -> tuple[str, ...]:
    """Instructions a word and a pair in the middle of a sentence, where one tile holds 6 outputs.

    Windows of radius 3 have 6 contexts; those of radius 1 to 5 have as many on average.
    """
    if "true" in name:  # several tiles: once and round are of each
        return ("-",) * 4
    a_word = parts["once"] + parts["round"] * 6 / 2
    figures = (f"{a_word:.0f}", f"{a_word / 36:.2f}")
    return (*figures, *figures) if parts["round"] else (*figures, "-", "-")


if __name__ == "__main__":
    main()
