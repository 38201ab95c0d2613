"""What do thousands of segments in flight at once cost in quality? A GPU's order of updates, on the CPU.

staleness.cpp trains B segments at a time: all of them see the rows as they were before any of them has
changed one, and context rows stay copies while they are in the ring, as in csrc/cuda. Prints the scores of
the vectors by B, means and deviations over seeds.

    python scripts/benchmark/staleness.py corpus.txt --in-flight 1 64 256 1024 2112 4096 --seeds 1 2 3
"""

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from conditions import conditions, table
from core import ROOT, VECTORS

from full_w2v import _native
from full_w2v.backends.base import SpanStats
from full_w2v.config import TrainConfig
from full_w2v.corpus import open_corpus
from full_w2v.embeddings import Embeddings
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.evaluation import default_sets, evaluate
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

ROW_UNIT = 16  # values: rows begin at multiples of the widest vector


class Task(ctypes.Structure):
    """The Task of staleness.cpp."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("ids", "offsets", "keep", "noise", "input", "output")),
        *((name, ctypes.c_int64) for name in ("sentences", "stride", "in_flight")),
        ("seed", ctypes.c_uint64),
        *((name, ctypes.c_int32) for name in ("vocabulary", "dimension", "window", "negative", "epochs")),
        *((name, ctypes.c_int32) for name in ("shrink_windows", "ring", "loss")),
        *((name, ctypes.c_float) for name in ("alpha", "min_alpha")),
        ("step_pairs", ctypes.c_int32),
    ]


class Stats(ctypes.Structure):
    """The SpanStats of csrc/contract/params.h."""

    _fields_ = [("words", ctypes.c_int64), ("pairs", ctypes.c_int64), ("loss", ctypes.c_double)]


def build(folder: Path, level: str) -> ctypes.CDLL:
    """staleness.cpp for an instruction set."""
    vector, flags = VECTORS[level]
    compiler = str(sysconfig.get_config_var("CXX") or "c++").split()
    sources = [ROOT / "scripts/benchmark/staleness.cpp"]
    sources += [ROOT / "csrc/cpu" / name for name in ("aligned_memory.cpp", "workspace.cpp")]
    output = folder / f"staleness-{level}.so"
    command = [*compiler, "-std=c++17", "-O3", "-fPIC", "-shared", f"-DVECTOR={vector}", *flags]
    subprocess.run([*command, f"-I{ROOT / 'csrc'}", *sources, "-o", output], check=True)
    return ctypes.CDLL(str(output))


class StaleBackend:
    """Trains with `in_flight` segments at a time, whole epochs only: skip-gram by windows, negative sampling.

    ring: context rows are copied while their words are within reach; without, for each window.
    """

    name = "stale"

    def __init__(self, library: ctypes.CDLL, in_flight: int, *, ring: bool = True) -> None:
        self._library, self._in_flight, self._ring = library, in_flight, ring

    def load(self, model: Model) -> None:
        """Takes the model's matrices, its vocabulary's tables and its settings."""
        self._config, self._words = model.config, len(model.vocabulary)
        self._keep = keep_thresholds(model.vocabulary.counts, model.config.sample)
        self._noise = noise_table(model.vocabulary.counts, model.config.ns_exponent)
        self._rows = [_padded(matrix) for matrix in (model.input, model.output)]

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        """Trains an epoch. Raises ValueError unless begin ... end - 1 are all of the corpus's tokens."""
        if (begin, end) != (0, corpus.tokens):
            raise ValueError(f"the mimic trains whole epochs, got tokens {begin} to {end} of {corpus.tokens}")
        ids, offsets = np.ascontiguousarray(corpus.ids), np.ascontiguousarray(corpus.offsets)
        config, stats = self._config, Stats()
        task = Task(
            *(array.ctypes.data for array in (ids, offsets, self._keep, self._noise, *self._rows)),
            corpus.sentences,
            self._rows[0].shape[1],
            self._in_flight,
            config.seed,
            self._words,
            *(config.vector_size, config.window, config.negative, config.epochs),
            *(config.shrink_windows, self._ring, config.loss),
            *(config.alpha, config.min_alpha, config.step_pairs),
        )
        self._library.train_stale(ctypes.byref(task), ctypes.c_int32(epoch), ctypes.byref(stats))
        return SpanStats(stats.words, stats.pairs, stats.loss)

    def read(self, model: Model) -> None:
        """Copies the matrices as they now are into the model's."""
        for matrix, rows in zip((model.input, model.output), self._rows, strict=True):
            matrix[:] = rows[:, : matrix.shape[1]]

    def close(self) -> None:
        """Frees the matrices."""
        del self._rows


def _padded(matrix: np.ndarray) -> np.ndarray:
    """The rows with zeros behind them, up to a multiple of ROW_UNIT, aligned to as many values."""
    stride = -(-matrix.shape[1] // ROW_UNIT) * ROW_UNIT
    memory = np.zeros(len(matrix) * stride + ROW_UNIT, np.float32)
    skipped = -memory.ctypes.data // memory.itemsize % ROW_UNIT
    rows = memory[skipped : skipped + len(matrix) * stride].reshape(len(matrix), stride)
    rows[:, : matrix.shape[1]] = matrix
    return rows


@dataclass(frozen=True)
class Trial:
    """One training: its seed and segments in flight, and the scores of its vectors by set."""

    in_flight: int
    seed: int
    scores: dict[str, float]


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = build(folder, _native.simd_levels()[-1])
        text = prefix(Path(options.corpus), options.words, folder) if options.words else options.corpus
        with count_corpus(open_corpus(str(text))) as counted, counted.encode() as corpus:
            result = study(options, library, counted.vocabulary, corpus)
    print(json.dumps(result) if options.json else show(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--words", type=int, help="train on the first lines with so many words alone")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 64, 256, 1024, 2112, 4096])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--sample", type=float, default=1e-4)
    parser.add_argument("--alpha", type=float, default=0.025)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--pairs", metavar="FILE", nargs="*", default=[], help="further judged word pairs")
    parser.add_argument("--restrict-vocabulary", type=int, default=30_000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def prefix(path: Path, words: int, folder: Path) -> Path:
    """A file with the first lines of another one, of `words` words together or a few more."""
    output = folder / "prefix.txt"
    left = words
    with path.open("rb") as lines, output.open("wb") as file:
        for line in lines:
            if left <= 0:
                break
            file.write(line)
            left -= len(line.split())
    return output


def study(
    options: argparse.Namespace, library: ctypes.CDLL, vocabulary: Vocabulary, corpus: EncodedCorpus
) -> dict[str, object]:
    """Trains and scores every number in flight with every seed, seed by seed."""
    config = TrainConfig(
        vector_size=options.vector_size,
        sample=options.sample,
        alpha=options.alpha,
        epochs=options.epochs,
        threads=1,
    )
    trials = []
    for seed in options.seeds:
        for in_flight in options.in_flight:
            model = train(StaleBackend(library, in_flight), vocabulary, corpus, replace(config, seed=seed))
            scores = score(model, options.pairs, options.restrict_vocabulary)
            trials.append(Trial(in_flight, seed, scores))
            print(json.dumps(asdict(trials[-1])), file=sys.stderr, flush=True)
    return {
        "conditions": conditions(),
        "corpus": options.corpus,
        "words": corpus.raw_tokens,
        "vocabulary": len(vocabulary),
        "settings": config.to_dict(),
        "trials": [asdict(trial) for trial in trials],
    }


def train(
    backend: StaleBackend,
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    config: TrainConfig,
    *,
    start: Model | None = None,
) -> Model:
    """A model, a new one unless `start` is given, after all epochs of its settings."""
    model = start or Model.initialize(vocabulary, config)
    backend.load(model)
    for epoch in range(config.epochs):
        backend.train(corpus, 0, corpus.tokens, epoch)
    backend.read(model)
    backend.close()
    return model


def score(model: Model, pairs: list[str], restrict_vocabulary: int) -> dict[str, float]:
    """Spearman correlations and the share of analogies answered right, by name of the set; 0 if diverged."""
    if not all(np.isfinite(matrix).all() for matrix in model.matrices):
        return {}
    sets = default_sets()
    result = evaluate(
        Embeddings.from_model(model), [*map(str, sets.pairs), *pairs], sets.analogies, restrict_vocabulary
    )
    scores = {one.name: one.spearman for one in result.pairs}
    scores |= {one.name: one.accuracy for one in result.analogies}
    return {name: value for name, value in scores.items() if value is not None}


def show(result: dict[str, Any]) -> str:
    """Means and deviations over the seeds by segments in flight, and the conditions."""
    trials = [Trial(**trial) for trial in result["trials"]]
    names = list(trials[0].scores)
    lines = [("in flight", *names)]
    for in_flight in dict.fromkeys(trial.in_flight for trial in trials):
        of_all = [trial.scores for trial in trials if trial.in_flight == in_flight]
        lines.append(
            (f"{in_flight:,}", *(mean_and_deviation([s.get(name) for s in of_all]) for name in names))
        )
    facts = {name: value for name, value in result.items() if name not in ("trials", "conditions")}
    facts |= result["conditions"]
    return table(lines) + "\n\n" + ", ".join(f"{name} {value}" for name, value in facts.items())


def mean_and_deviation(values: list[float | None]) -> str:
    """Mean, and the deviation of several values in brackets; "diverged" if one is missing."""
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return "diverged"
    deviation = f" ({statistics.stdev(found):.3f})" if len(found) > 1 else ""
    return f"{statistics.mean(found):.3f}{deviation}"


if __name__ == "__main__":
    main()
