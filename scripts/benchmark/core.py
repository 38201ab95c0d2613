"""Shows where one core's time goes while it trains, and how far from the core's limits that is.

Compiles core.cpp for this machine's widest instruction set, or the one given, and measures on one thread:
the peak of multiply-adds on registers, there and on all cores at once; a window's scores and its whole tile
with rows in the nearest cache; subsampling and drawing; the traffic of rows alone, read and written in
training's order; and the engine itself, on the corpus and on words so few that their rows stay in the cache.
Parts take turns; medians.

    python scripts/benchmark/core.py corpus.txt --vector-size 128
"""

import argparse
import ctypes
import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from conditions import conditions, spread, table

from full_w2v import _native
from full_w2v.backends.cpu import CpuBackend
from full_w2v.config import TrainConfig
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.machine import usable_cores
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
# But the scalar level, whose registers do not hold a whole window.
VECTORS = {
    "sse2": ("Vector128", []),
    "neon": ("Vector128", []),
    "avx2": ("Avx2", ["-mavx2", "-mfma"]),
    "avx512": (
        "Avx512",
        ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-Wno-uninitialized"],
    ),
}
# So few words that both matrices fit into a cache of 1 MB at 128 values.
FEW_WORDS = 1_000


class Task(ctypes.Structure):
    """The Task of core.cpp."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("ids", "offsets", "keep", "noise")),
        ("sentences", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("vocabulary", "dimension", "window")),
    ]


def main() -> None:
    options = parse()
    config = TrainConfig(
        vector_size=options.vector_size, window=5, negative=5, sample=options.sample, epochs=1, threads=1
    )
    with count_corpus(open_corpus(options.corpus)) as counted:
        vocabulary = counted.vocabulary
        with counted.encode() as corpus:
            part = first_sentences(corpus, options.tokens)
    samples = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        library = build(options.level, Path(folder))
        for _ in range(options.repeats):
            for name, value in measure(library, options.level, config, vocabulary, part).items():
                samples[name].append(value)
    report = {name: {"median": median(values), "all": values} for name, values in samples.items()}
    if options.json:
        print(json.dumps({"conditions": conditions(), "level": options.level, **report}))
        return
    print(
        table([["", "median [least, greatest]"], *([name, spread(v["all"])] for name, v in report.items())])
    )
    facts = {"corpus": options.corpus, "level": options.level, "settings": config, **conditions()}
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--vector-size", type=int, default=128)
    parser.add_argument("--sample", type=float, default=1e-4)
    parser.add_argument("--tokens", type=int, default=4_000_000, help="of the corpus, for each part")
    parser.add_argument("--repeats", type=int, default=5)
    levels = [level for level in _native.simd_levels() if level in VECTORS]
    parser.add_argument("--level", default=levels[-1], choices=levels, help="instruction set")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def first_sentences(corpus: EncodedCorpus, tokens: int) -> EncodedCorpus:
    """The corpus's first sentences, of at most `tokens` tokens, in memory."""
    sentences = max(1, int(np.searchsorted(corpus.offsets, tokens, side="right")) - 1)
    offsets = np.array(corpus.offsets[: sentences + 1])
    return EncodedCorpus(np.array(corpus.ids[: offsets[-1]]), offsets)


def build(level: str, folder: Path) -> ctypes.CDLL:
    """core.cpp for an instruction set."""
    vector, flags = VECTORS[level]
    compiler = str(sysconfig.get_config_var("CXX") or "c++").split()
    sources = [ROOT / "scripts/benchmark/core.cpp", *(ROOT / "csrc/cpu").glob("*.cpp")]
    sources = [path for path in sources if not path.name.startswith("cpu_trainer")]
    output = folder / "core.so"
    command = [*compiler, "-std=c++17", "-O3", "-fPIC", "-shared", f"-DVECTOR={vector}", *flags]
    subprocess.run([*command, f"-I{ROOT / 'csrc'}", *sources, "-o", output], check=True)
    library = ctypes.CDLL(str(output))
    library.peak_flops.restype = ctypes.c_double
    library.words_and_rows.restype = ctypes.c_int64
    library.tile_seconds.argtypes = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    return library


def measure(
    library: ctypes.CDLL, level: str, config: TrainConfig, vocabulary: Vocabulary, corpus: EncodedCorpus
) -> dict[str, float]:
    """One round of every part."""
    peak = library.peak_flops()
    together = peak_of_all_cores(library)
    words, rows = seconds_of_words_and_rows(library, config, vocabulary, corpus)
    score, tile = ctypes.c_double(), ctypes.c_double()
    stride = -(-config.vector_size // 16) * 16
    library.tile_seconds(stride, ctypes.byref(score), ctypes.byref(tile))
    real, real_flops = train(level, config, vocabulary, corpus)
    cached, cached_flops = train(level, config, *few_words(corpus))
    nano = 1e9
    return {
        "peak of multiply-adds, GFLOP/s": peak / nano,
        "peak of all cores at once, times that of one": together / peak,
        "engine, GFLOP/s": real_flops / nano,
        "engine, share of the peak": real_flops / peak,
        "engine with rows in the cache, GFLOP/s": cached_flops / nano,
        "engine with rows in the cache, share of the peak": cached_flops / peak,
        "engine, ns per window": real * nano,
        "engine with rows in the cache, ns per window": cached * nano,
        "row traffic alone, ns per window": rows * nano,
        "subsampling and draws, ns per window": words * nano,
        "subsampling and draws, share of the engine's time": words / real,
        "6 x 6 tile in the nearest cache: scores and gradients, ns": score.value * nano,
        "6 x 6 tile in the nearest cache: update, ns": (tile.value - score.value) * nano,
        "6 x 6 tile in the nearest cache, share of the peak": 6 * 36 * stride / tile.value / peak,
    }


def peak_of_all_cores(library: ctypes.CDLL) -> float:
    """FLOP a second of a thread on each core: virtual cores may be halves of one, or others' too."""
    cores = usable_cores()
    with ThreadPoolExecutor(cores) as threads:
        return sum(threads.map(lambda _: library.peak_flops(), range(cores)))


def seconds_of_words_and_rows(
    library: ctypes.CDLL, config: TrainConfig, vocabulary: Vocabulary, corpus: EncodedCorpus
) -> tuple[float, float]:
    """Seconds a window to draw the corpus's words, and to move their rows."""
    keep = keep_thresholds(vocabulary.counts, config.sample)
    noise = noise_table(vocabulary.counts, config.ns_exponent)
    task = Task(
        corpus.ids.ctypes.data,
        corpus.offsets.ctypes.data,
        keep.ctypes.data,
        noise.ctypes.data,
        len(corpus.offsets) - 1,
        len(vocabulary),
        config.vector_size,
        config.window,
    )
    words, rows = ctypes.c_double(), ctypes.c_double()
    kept = library.words_and_rows(ctypes.byref(task), ctypes.byref(words), ctypes.byref(rows))
    return words.value / kept, rows.value / kept


def few_words(corpus: EncodedCorpus) -> tuple[Vocabulary, EncodedCorpus]:
    """Sentences of a quarter as many tokens from a vocabulary whose rows stay in the cache."""
    random = np.random.default_rng(1)
    ids = random.integers(0, FEW_WORDS, max(FEW_WORDS, corpus.tokens // 4), dtype=np.int32)
    counts = np.maximum(np.bincount(ids, minlength=FEW_WORDS), 1)
    offsets = np.arange(0, len(ids) + 1, 1_000, dtype=np.int64)
    return Vocabulary([str(word) for word in range(FEW_WORDS)], counts), EncodedCorpus(
        ids[: offsets[-1]], offsets
    )


def train(
    level: str, config: TrainConfig, vocabulary: Vocabulary, corpus: EncodedCorpus
) -> tuple[float, float]:
    """Trains the corpus once; returns seconds per window and FLOP per second: 6 d for each trained pair."""
    backend = CpuBackend(level)
    backend.load(Model.initialize(vocabulary, config))
    backend.train(corpus, 0, corpus.tokens // 20, 0)
    began = time.perf_counter()
    stats = backend.train(corpus, 0, corpus.tokens, 0)
    seconds = time.perf_counter() - began
    backend.close()
    return seconds / stats.words, 6 * config.vector_size * stats.pairs / seconds


if __name__ == "__main__":
    sys.exit(main())
