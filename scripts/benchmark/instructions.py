"""Instructions of the warp and the group kernel per trained word, for the settings that people use.

Exact counts come from running the kernel's PTX, as nvcc emits it, on the emulated device: every instruction
of a warp, the lanes active in it, sectors of global memory, wavefronts of shared memory. Draws, and the
entering and leaving of a sentence's rows, are among them, and so are windows that are cut into steps and
words that the ring holds twice, as often as the corpus has them.

    python scripts/benchmark/instructions.py corpus.txt --words 2000 --ptx 90
    python scripts/benchmark/instructions.py corpus.txt --quick --share-negatives 1 2 3 4
    python scripts/benchmark/instructions.py corpus.txt --quick --share-negatives 1 3 --score-precision tf32
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
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from conditions import conditions, table
from traffic import read

from full_w2v.backends.cuda import EMULATED, CudaBackend
from full_w2v.bench import Counts
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model

ROOT = Path(__file__).resolve().parents[2]
SIZES = (100, 128, 200, 256, 300)
NEGATIVES = (5, 10, 15)
WINDOWS = ((3, False), (5, True), (10, True))


def main() -> None:
    options = parse()
    corpus, vocabulary = read(options.corpus, options.words, 1)
    rows = []
    for share, (size, (window, shrink), negative) in itertools.product(
        options.share_negatives, list(settings(options))
    ):
        config = replace(
            make_config(size, window, shrink, negative, "window"),
            share_negatives=share,
            score_precision=options.score_precision,
        )
        kernel = "warp" if share == 1 and options.score_precision == "float32" else "group"
        counts = count(kernel, compile_ptx(kernel, options.ptx), Model.initialize(vocabulary, config), corpus)
        chosen = {"size": size, "window": window, "shrink": shrink, "negative": negative, "share": share}
        rows.append({**chosen, **asdict(counts)})
    result = {"conditions": conditions(), "corpus": options.corpus, "counts": rows}
    print(json.dumps(result) if options.json else show(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--words", type=int, default=1000, help="words to train; whole sentences are taken")
    parser.add_argument("--ptx", default="80", help="virtual architecture whose PTX is run")
    parser.add_argument("--share-negatives", type=int, nargs="+", default=[1], help="centres of a tile")
    parser.add_argument("--score-precision", choices=("float32", "tf32"), default="float32")
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


def show(result: dict[str, Any]) -> str:
    """The table of counts, and the conditions."""
    header = (
        "d",
        "window",
        "neg.",
        "centres",
        "kernel",
        "pairs",
        "instr.",
        "a pair",
        "fp32",
        "shuffle",
        "shared",
    )
    header += ("lanes", "tensor", "load sect.", "atomic sect.", "wavefronts")
    lines = [header]
    for one in result["counts"]:
        classes = one["classes"]
        lines.append(
            (
                str(one["size"]),
                f"{'1-' if one['shrink'] else ''}{one['window']}",
                str(one["negative"]),
                str(one["share"]),
                one["kernel"],
                f"{one['pairs']:.1f}",
                f"{one['instructions']:,.0f}",
                f"{one['instructions'] / one['pairs']:.2f}",
                *(f"{classes[name]:,.0f}" for name in ("fp32", "shuffle", "shared")),
                f"{one['lanes']:.0%}",
                f"{classes['matrix']:,.0f}",
                *(f"{one[name]:,.0f}" for name in ("load_sectors", "atomic_sectors", "wavefronts")),
            )
        )
    text = ["PTX instructions and requests of a warp per trained word, draws included", table(lines)]
    text.append(", ".join(f"{name} {value}" for name, value in result["conditions"].items()))
    return "\n".join(text)


if __name__ == "__main__":
    main()
