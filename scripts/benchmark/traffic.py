"""Counts what each CUDA kernel moves per trained word, on the emulated device.

Every load, store and atomic of the compiled kernels is counted as a warp makes it: bytes, and the distinct
32-byte sectors that a request of up to 32 lanes touches. Rows of the two matrices stand apart from the ids of
the corpus and from the tables that are drawn from. The counts are exact for the emulated device's code; a
device's compiler may keep more or less in registers, but moves the same rows.

    python scripts/benchmark/traffic.py corpus.txt
"""

import argparse
import importlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from conditions import conditions, table

from full_w2v.backends.cuda import EMULATED, CudaBackend
from full_w2v.bench.kernel_counts import ORDERS
from full_w2v.config import TrainConfig
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

ROWS = {"input", "output"}
DRAWS = {"keep", "noise"}
ACCESSES = ("load", "store", "atomic")


@dataclass
class Use:
    """What one kind of memory saw per trained word."""

    bytes: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ACCESSES, 0.0))
    sectors: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ACCESSES, 0.0))

    def add(self, counted: dict[str, dict[str, int]], words: int) -> None:
        """Adds what was counted in one allocation while `words` were trained."""
        for access in ACCESSES:
            self.bytes[access] += counted[access]["bytes"] / words
            self.sectors[access] += counted[access]["sectors"] / words

    @property
    def total(self) -> float:
        """Bytes of all accesses."""
        return sum(self.bytes.values())


def main() -> None:
    options = parse()
    corpus, vocabulary = read(options.corpus, options.words, options.shortest)
    settings = {"vector_size": options.vector_size, "window": options.window, "negative": options.negative}
    kernels = {}
    for kernel, order in ORDERS.items():
        config = TrainConfig(
            **settings, shrink_windows=options.shrink_windows, sample=0.0, epochs=1, order=order
        )
        kernels[kernel] = measure(kernel, Model.initialize(vocabulary, config), corpus)
    rounded = TrainConfig(
        **settings, shrink_windows=options.shrink_windows, sample=0.0, epochs=1, row_precision="bf16"
    )
    kernels["warp, bf16"] = measure("warp", Model.initialize(vocabulary, rounded), corpus)
    for figures in kernels.values():
        figures["below_pair"] = 1 - figures["bytes"] / kernels["pair"]["bytes"]
    mean = round(corpus.tokens / corpus.sentences, 1)
    result = {
        "conditions": conditions(),
        "corpus": {"file": options.corpus, "sentences": corpus.sentences, "words per sentence": mean},
        "settings": settings,
        "kernels": kernels,
    }
    if options.json:
        print(json.dumps(result))
    else:
        show(result)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--words", type=int, default=2000, help="words to train, about: whole sentences")
    parser.add_argument("--shortest", type=int, default=1, help="words of the shortest sentence taken")
    parser.add_argument("--vector-size", type=int, default=128)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument(
        "--shrink-windows", action="store_true", help="draw each radius (default: fixed windows)"
    )
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def read(path: str, words: int, shortest: int) -> tuple[EncodedCorpus, Vocabulary]:
    """Sentences from all over the corpus with about `words` words, and the vocabulary of all of it."""
    with count_corpus(open_corpus(path), min_count=5) as counted, counted.encode() as encoded:
        lengths = np.diff(encoded.offsets)
        long_enough = np.flatnonzero(lengths >= shortest)
        if not len(long_enough):
            raise SystemExit(f"{path} has no sentence of at least {shortest} words")
        count = min(len(long_enough), round(words / lengths[long_enough].mean()) + 1)
        taken = long_enough[np.linspace(0, len(long_enough) - 1, count).astype(int)]
        sentences = [encoded.ids[encoded.offsets[s] : encoded.offsets[s + 1]].copy() for s in taken]
        return EncodedCorpus.from_sentences(sentences), counted.vocabulary


def measure(kernel: str, model: Model, corpus: EncodedCorpus) -> dict[str, Any]:
    """Counts of one kernel per trained word."""
    device = importlib.import_module("full_w2v._cuda_emulated")
    device.configure("count=1")
    device.reset_counters()
    backend = CudaBackend(EMULATED, kernel=kernel)
    backend.load(model)
    if backend.kernel != kernel:
        raise SystemExit(f"cannot count kernel {kernel}: {backend.note}")
    words = backend.train(corpus, 0, corpus.tokens, 0).words
    names = {address: name for name, address, _ in backend._trainer.memory}
    (counted,) = device.counters().values()
    backend.close()
    rows, ids, draws = Use(), Use(), Use()
    for address, traffic in counted["global"].items():
        name = names[address]
        (rows if name in ROWS else draws if name in DRAWS else ids).add(traffic, words)
    shared = counted["shared"]
    return {
        "words": words,
        "bytes": rows.total + ids.total + draws.total,
        "rows": {"bytes": rows.bytes, "sectors": rows.sectors, "total": rows.total},
        "ids": {"bytes": ids.bytes, "sectors": ids.sectors, "total": ids.total},
        "draws": {"bytes": draws.bytes, "sectors": draws.sectors, "total": draws.total},
        "shared_bytes": sum(shared[access]["bytes"] for access in ACCESSES) / words,
        **{
            name: counted[name] / words
            for name in ("shuffles", "ballots", "warp_barriers", "block_barriers", "bank_conflicts")
        },
    }


def show(result: dict[str, Any]) -> None:
    """Prints one line for each kernel, and the conditions."""
    print("per trained word: global bytes of rows (load, atomic), sectors of rows (load, atomic), ids, draws")
    lines = [
        (
            "kernel",
            "rows B",
            "load B",
            "atomic B",
            "load sect.",
            "atomic sect.",
            "ids B",
            "draws B",
            "shared B",
            "shuffles",
            "barriers",
            "below pair",
        )
    ]
    for kernel, figures in result["kernels"].items():
        rows = figures["rows"]
        lines.append(
            (
                kernel,
                f"{rows['total']:,.0f}",
                *(f"{rows['bytes'][access]:,.0f}" for access in ("load", "atomic")),
                *(f"{rows['sectors'][access]:,.1f}" for access in ("load", "atomic")),
                f"{figures['ids']['total']:,.1f}",
                f"{figures['draws']['total']:,.1f}",
                f"{figures['shared_bytes']:,.0f}",
                f"{figures['shuffles']:,.1f}",
                f"{figures['block_barriers']:,.1f}",
                f"{figures['below_pair']:.1%}",
            )
        )
    print(table(lines))
    described = {**result["corpus"], **result["settings"], **result["conditions"]}
    print(", ".join(f"{name} {value}" for name, value in described.items()))


if __name__ == "__main__":
    main()
