"""What the tests of the CUDA backend share: devices to run on, and small trainings."""

import importlib.util
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from full_w2v.backends.base import SpanStats
from full_w2v.backends.cuda import EMULATED, CudaBackend
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

# Kernels with the orders that each one computes.
KERNEL_ORDERS = [
    ("warp", "window"),
    ("block", "pair"),
    ("register", "window"),
    ("register", "pair"),
    ("pair", "pair"),
]
RING_KERNELS = {"warp", "block", "group"}


class Device:
    """A device to test on. `emulator` is the emulated device's module; None on a real one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.emulator = None
        if name == EMULATED:
            if importlib.util.find_spec("full_w2v._cuda_emulated") is None:
                pytest.skip("needs full_w2v._cuda_emulated: build in place, without FULL_W2V_CUDA=off")
            self.emulator = importlib.import_module("full_w2v._cuda_emulated")
        try:
            CudaBackend(name)
        except BackendError as error:
            pytest.skip(f"needs a CUDA device: {error}")

    def configure(self, settings: str = "") -> None:
        """Sets up the emulated device; a real one is as it is."""
        if self.emulator:
            self.emulator.configure(settings)

    def backend(self, kernel: str = "auto", **options: object) -> CudaBackend:
        """By default with one block: sentences one after another, as the oracle takes them."""
        return CudaBackend(self.name, kernel=kernel, **{"blocks": 1, **options})

    def most_resident(self) -> float:
        """Blocks of a launch that ran at the same time, at most; a real device does not tell."""
        return self.emulator.most_blocks_resident() if self.emulator else math.inf


SEEDS = range(1, 21)  # of the schedules that each kernel must bear


@dataclass
class Outcome:
    """What a training left."""

    input: np.ndarray
    output: np.ndarray
    stats: SpanStats
    kernel: str = ""
    note: str = ""


def make_model(config: TrainConfig, counts: np.ndarray, spread: float = 0.3) -> Model:
    """A model with rows that are not zero: a mistake in a zero row would not show."""
    rows = np.random.default_rng(5).uniform(-spread, spread, (2, len(counts), config.vector_size))
    words = [f"w{i}" for i in range(len(counts))]
    inputs, outputs = rows.astype(np.float32)
    return Model(Vocabulary(words, counts.astype(np.int64)), config, inputs.copy(), outputs.copy())


def zipf_corpus(lengths: tuple[int, ...], vocabulary: int) -> tuple[EncodedCorpus, np.ndarray]:
    """Sentences of these lengths, the word with rank r drawn in proportion to 1 / r; and counts above 0."""
    random = np.random.default_rng(3)
    share = 1.0 / np.arange(1, vocabulary + 1)
    tokens = EncodedCorpus.from_sentences(
        [random.choice(vocabulary, length, p=share / share.sum()) for length in lengths]
    )
    return tokens, np.bincount(tokens.ids, minlength=vocabulary) + 1


def train(backend: CudaBackend, model: Model, corpus: EncodedCorpus, cuts: tuple[int, ...] = ()) -> Outcome:
    """All epochs of a training, cut into spans at these tokens; the model keeps its first rows."""
    trained = Model(model.vocabulary, model.config, model.input.copy(), model.output.copy())
    backend.load(trained)
    stats = SpanStats()
    borders = [0, *cuts, corpus.tokens]
    for epoch in range(model.config.epochs):
        for begin, end in itertools.pairwise(borders):
            stats += backend.train(corpus, begin, end, epoch)
    backend.read(trained)
    outcome = Outcome(trained.input, trained.output, stats, backend.kernel, backend.note)
    backend.close()
    return outcome


def assert_schedules_agree(device: Device, kernel: str, start: Model, tokens: EncodedCorpus) -> None:
    """No schedule of warps and lanes changes a bit of what a block computes; skips where none can be set."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its schedule")
    first = train(device.backend(kernel), start, tokens)
    for seed in SEEDS:
        device.configure(f"seed={seed},check=1")
        again = train(device.backend(kernel), start, tokens)
        np.testing.assert_array_equal(again.input, first.input)
        np.testing.assert_array_equal(again.output, first.output)
        assert again.stats == first.stats
