"""How fast this machine trains, and how much of what its device could give that is: `full-w2v bench`.

On CUDA every kernel but `group` trains a corpus of words drawn by Zipf's law. Words per second are compared
with the bound of the model (full_w2v.bench), once with what the table knows of the device, and once with the
rates at which it was seen to read and add to rows: those are what the table does not know.
"""

import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from full_w2v.backends import Backend, open_backend
from full_w2v.backends.cuda import MAX_BLOCKS, CudaBackend
from full_w2v.bench.devices import Device, device_from_runtime, resident_warps
from full_w2v.bench.kernel_counts import (
    NEGATIVE,
    ORDERS,
    ROW_BYTES,
    VECTOR_ATOMICS,
    VECTOR_SIZE,
    WINDOW,
    KernelCost,
    load_costs,
)
from full_w2v.bench.roofline import Bounds, bounds, misses, row_sequences
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import keep_thresholds
from full_w2v.errors import BackendError, ConfigError, setting
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

BACKENDS = ("cpu", "cuda")
SENTENCE_WORDS = 1_000  # long, so that nearly every window is whole
SUBSAMPLING = 1e-4  # how a text's frequent words are thinned out before they are drawn here
WARM_UP_SHARE = 10
FEWEST_WORDS = 100
EMULATED_WORDS, EMULATED_VOCABULARY = 200, 1_000
CACHE_MODEL_WORDS = 50_000
MEANINGLESS = "the device is emulated: these times say nothing of any GPU"


@dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """What is measured.

    words: trained in one run. vocabulary: rows of each matrix. Both are cut down on the emulated device.
    repeats: runs of each kernel; the median counts. threads: CPU threads; 0 uses every core.

    Raises ConfigError for a number that is too small.
    """

    words: int = 1 << 24
    vocabulary: int = 100_000
    repeats: int = 3
    threads: int = 0

    def __post_init__(self) -> None:
        for name, least in (("words", FEWEST_WORDS), ("vocabulary", 10), ("repeats", 1), ("threads", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{setting(name)} must be at least {least}, got {getattr(self, name)}")


@dataclass(frozen=True)
class Speed:
    """Trained words per second of several runs, and pairs per word."""

    runs: tuple[float, ...]
    pairs: float

    @property
    def median(self) -> float:
        """Words per second."""
        return statistics.median(self.runs)


@dataclass(frozen=True)
class RowRate:
    """How fast rows were read or added to. rows: which ones; bytes_per_second: of their values."""

    use: str
    rows: str
    bytes_per_second: float


def bench(backend: str, settings: BenchSettings) -> dict[str, Any]:
    """Measures a backend; plain values, ready for JSON.

    Raises ConfigError for a backend that cannot be measured, BackendError, with the reason, for one that
    cannot be used here.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"bench measures {' or '.join(BACKENDS)}, got {backend!r}")
    engine = open_backend(backend)
    if isinstance(engine, CudaBackend):
        measured = _bench_cuda(engine, settings)
    else:
        measured = _bench_cpu(engine, settings)
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    return {"backend": backend, **machine, **measured}


def zipf_corpus(vocabulary: int, words: int, seed: int = 1) -> tuple[Vocabulary, EncodedCorpus]:
    """Words drawn by Zipf's law as subsampling leaves them, in sentences of SENTENCE_WORDS."""
    counts = np.maximum(1e9 / np.arange(1, vocabulary + 1), 1).astype(np.int64)
    kept = counts * ((keep_thresholds(counts, SUBSAMPLING) + 1.0) / 2**32)
    ends = np.cumsum(kept) / kept.sum()
    drawn = np.random.default_rng(seed).random(words)
    ids = np.minimum(np.searchsorted(ends, drawn, side="right"), vocabulary - 1).astype(np.int32)
    offsets = np.append(np.arange(0, words, SENTENCE_WORDS, dtype=np.int64), words)
    return Vocabulary([str(rank) for rank in range(vocabulary)], counts), EncodedCorpus(ids, offsets)


def to_text(result: dict[str, Any]) -> str:
    """Aligned lines for people; ends without a newline."""
    facts = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    lines = [f"{result['description']}; {facts}"]
    if result.get("note"):
        lines.append(f"note: {result['note']}")
    if "rates" in result:
        lines += ["", f"{'rows':28}{'10^9 bytes/s':>14}{'10^6 rows/s':>14}"]
        lines += [_rate_line(**rate) for rate in result["rates"]]
    lines += ["", f"{'kernel':10}{'10^6 words/s':>14}"]
    if "rates" in result:
        lines[-1] += f"{'10^9 bytes/s':>14}  share of the model's bound; of that with measured rates"
    lines += [_kernel_line(name, one) for name, one in result["kernels"].items()]
    return "\n".join(lines)


def _rate_line(use: str, rows: str, bytes_per_second: float) -> str:
    rows_per_second = bytes_per_second / ROW_BYTES
    return f"{use + ', ' + rows:28}{bytes_per_second / 1e9:>14,.2f}{rows_per_second / 1e6:>14,.2f}"


def _kernel_line(name: str, one: dict[str, Any]) -> str:
    if "refused" in one:
        return f"{name:10}not measured: {one['refused']}"
    line = f"{name:10}{one['words_per_second'] / 1e6:>14,.3f}"
    if "model" not in one:
        return f"{line}, {one['flops_per_second'] / 1e9:,.1f} GFLOP/s"
    return f"{line}{one['bytes_per_second'] / 1e9:>14,.2f}  " + "; ".join(
        f"{model['share_of_most']:.1%} to {model['share_of_least']:.1%} of {model['most']:,.4g} to "
        f"{model['least']:,.4g} ({model['binding']})"
        for model in (one["model"], one["model_with_measured_rates"])
    )


def _config(order: str, threads: int = 0) -> TrainConfig:
    """The settings that the model's counts are of; every word is trained."""
    return TrainConfig(
        vector_size=VECTOR_SIZE,
        window=WINDOW,
        shrink_windows=False,
        negative=NEGATIVE,
        sample=0.0,
        epochs=1,
        order="pair" if order == "pair" else "window",
        threads=threads,
    )


def _speed(backend: Backend, model: Model, corpus: EncodedCorpus, repeats: int) -> Speed:
    """Trains a tenth of the corpus, then all of it again and again."""
    backend.load(model)
    backend.train(corpus, 0, max(1, corpus.tokens // WARM_UP_SHARE), 0)
    runs = []
    for _ in range(repeats):
        began = time.perf_counter()
        stats = backend.train(corpus, 0, corpus.tokens, 0)
        runs.append(stats.words / (time.perf_counter() - began))
    return Speed(tuple(runs), stats.pairs / stats.words)


def _described(speed: Speed) -> dict[str, Any]:
    return {"words_per_second": speed.median, "runs": speed.runs, "pairs_per_word": speed.pairs}


def _shown(settings: BenchSettings) -> dict[str, Any]:
    chosen = {"vector_size": VECTOR_SIZE, "window": WINDOW, "negative": NEGATIVE}
    return {**asdict(settings), **chosen}


def _bench_cpu(backend: Backend, settings: BenchSettings) -> dict[str, Any]:
    """Words per second on CPU threads: no model of the device, but its multiply-adds."""
    vocabulary, corpus = zipf_corpus(settings.vocabulary, settings.words)
    model = Model.initialize(vocabulary, _config("window", settings.threads))
    speed = _speed(backend, model, corpus, settings.repeats)
    description = backend.description
    backend.close()
    flops = 6 * VECTOR_SIZE * speed.pairs * speed.median
    return {
        "description": f"cpu ({description})",
        "settings": _shown(settings),
        "kernels": {"cpu": {**_described(speed), "flops_per_second": flops}},
    }


def _bench_cuda(backend: CudaBackend, settings: BenchSettings) -> dict[str, Any]:
    if backend.emulated:
        words, rows = min(settings.words, EMULATED_WORDS), min(settings.vocabulary, EMULATED_VOCABULARY)
        settings = replace(settings, words=words, vocabulary=rows)
    device = device_from_runtime(backend.properties)
    vocabulary, corpus = zipf_corpus(settings.vocabulary, settings.words)
    costs = load_costs()
    rates = list(_row_rates(backend, device, vocabulary, corpus, settings.repeats))
    miss = _miss(device, costs["warp"], vocabulary, corpus)
    return {
        "description": f"cuda ({backend.hardware()})",
        "note": MEANINGLESS if backend.emulated else "",
        "settings": _shown(settings),
        "device": asdict(device),
        "l2_miss": miss,
        "rates": [asdict(rate) for rate in rates],
        "kernels": {
            name: _kernel_result(name, device, costs, rates, miss, (vocabulary, corpus), settings.repeats)
            for name in ORDERS
        },
    }


def _row_rates(
    backend: CudaBackend, device: Device, vocabulary: Vocabulary, corpus: EncodedCorpus, passes: int
) -> Iterator[RowRate]:
    """Every use of rows that the device has: of those that fit into its L2, of all, and as negatives come."""
    words, count = len(vocabulary), corpus.tokens
    random = np.random.default_rng(1)
    few = max(1, min(words, device.l2_bytes // 2 // ROW_BYTES))
    drawn = row_sequences(_beginning(corpus, -(-count // NEGATIVE)), vocabulary)
    negatives = np.concatenate(drawn)[:, 2:].ravel()[:count] - words
    lists: dict[str, tuple[int, NDArray[np.int32]]] = {
        "in the L2": (few, random.integers(0, few, count, dtype=np.int32)),
        "uniform": (words, random.integers(0, words, count, dtype=np.int32)),
        "by Zipf's law": (words, negatives.astype(np.int32)),
    }
    for rows, (matrix_rows, ids) in lists.items():
        for use in backend.row_uses():
            seconds = backend.row_seconds(use, matrix_rows, VECTOR_SIZE, ids, passes)
            yield RowRate(use, rows, len(ids) * ROW_BYTES / seconds)


def _miss(device: Device, cost: KernelCost, vocabulary: Vocabulary, corpus: EncodedCorpus) -> float:
    """Share of rows that miss the L2 while the warp kernel trains the beginning of the corpus."""
    design = cost.design
    warps = resident_warps(device, design.registers, design.shared_bytes, design.warps)
    return misses(row_sequences(_beginning(corpus, CACHE_MODEL_WORDS), vocabulary), device, warps)


def _beginning(corpus: EncodedCorpus, words: int) -> EncodedCorpus:
    """The first sentences that hold at least so many words, or all."""
    sentences = min(corpus.sentences, max(1, -(-words // SENTENCE_WORDS)))
    end = int(corpus.offsets[sentences])
    return EncodedCorpus(np.array(corpus.ids[:end]), np.array(corpus.offsets[: sentences + 1]))


def _kernel_result(
    name: str,
    device: Device,
    costs: dict[str, KernelCost],
    rates: list[RowRate],
    miss: float,
    data: tuple[Vocabulary, EncodedCorpus],
    repeats: int,
) -> dict[str, Any]:
    """A kernel's speed and its bounds, or why the device cannot run it."""
    backend = CudaBackend(kernel=name, blocks=MAX_BLOCKS)  # the speed is asked for, not the vectors
    try:
        speed = _speed(backend, Model.initialize(data[0], _config(ORDERS[name])), data[1], repeats)
        if backend.kernel != name:
            return {"refused": backend.note}
    except BackendError as error:
        return {"refused": str(error)}
    finally:
        backend.close()
    cost = costs[VECTOR_ATOMICS] if name == "warp" and device.vector_atomics else costs[name]
    known, atomics = _measured(device, rates)
    return {
        **_described(speed),
        "bytes_per_second": cost.counts.bytes * speed.median,
        "model": _beside(speed, bounds(device, name, cost, miss)),
        "model_with_measured_rates": _beside(speed, bounds(known, name, cost, miss, atomics=atomics)),
    }


def _measured(device: Device, rates: list[RowRate]) -> tuple[Device, tuple[float, float]]:
    """The device with its L2's bandwidth as measured, and the sectors that an atomic one is worth."""

    def best(use: str, rows: str) -> float:
        return max(rate.bytes_per_second for rate in rates if rate.use.startswith(use) and rate.rows == rows)

    loads = best("load", "in the L2")
    worths = sorted(loads / best("add", rows) for rows in ("in the L2", "by Zipf's law"))
    return replace(device, l2_gbs=loads / 1e9), (worths[0], worths[1])


def _beside(speed: Speed, model: Bounds) -> dict[str, Any]:
    measured = speed.median / 1e6
    shares = {"share_of_most": measured / model.most, "share_of_least": measured / model.least}
    return {**asdict(model), **shares}
