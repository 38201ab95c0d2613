"""What a backend is: the one interface through which the trainer uses the CPU, the GPU or the oracle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model


@dataclass(frozen=True)
class SpanStats:
    """What training a span did.

    words: centre words that survived subsampling. pairs: (context, output) pairs trained.
    loss: sum of -log sigmoid(+-x.y) over those pairs in float64, as they were scored; 0 unless asked for.
    """

    words: int = 0
    pairs: int = 0
    loss: float = 0.0

    def __add__(self, other: "SpanStats") -> "SpanStats":
        return SpanStats(self.words + other.words, self.pairs + other.pairs, self.loss + other.loss)


class Backend(Protocol):
    """Trains spans of an encoded corpus by the contract of csrc/contract; holds the matrices meanwhile."""

    name: str

    @staticmethod
    def hardware() -> str:
        """What the backend would run on here, for people to read.

        Raises BackendError, with the reason, if it cannot run.
        """

    @staticmethod
    def refusal(config: TrainConfig) -> str:
        """Why the backend does not train with these settings, and what does; empty if it does."""

    @property
    def description(self) -> str:
        """What trains the loaded model, for people to read: instruction set and threads, or device."""

    def load(self, model: Model) -> None:
        """Takes the model's matrices, its vocabulary's tables and its settings."""

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        """Trains every segment that begins at a token in begin ... end - 1, in epoch 0, 1, ...

        A segment is a sentence, or 1,024 tokens of a longer one. So any partition of the corpus into spans
        trains each token once.
        """

    def largest_norm(self, begin: int, end: int) -> float:
        """Largest norm of rows begin ... end - 1 of all matrices; infinity if a value is not finite.

        A backend for which rows are far away may look at other rows too, or give 0, unless it is asked for
        all of them.
        """

    def read(self, model: Model) -> None:
        """Copies the matrices as they now are into the model's."""

    def close(self) -> None:
        """Frees what the backend holds; only `load` may be called after."""


def largest_norm(matrices: Sequence[NDArray[np.floating[Any]]]) -> float:
    """Largest Euclidean norm of a row of these matrices; infinity if a square is not finite."""
    largest = 0.0
    for rows in matrices:
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(np.einsum("ij,ij->i", rows, rows).max(initial=0.0))
        if not math.isfinite(square):
            return math.inf
        largest = max(largest, square)
    return math.sqrt(largest)
