"""Training settings: checked once, when they are made, and never changed after."""

import math
import operator
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from full_w2v.errors import ConfigError, setting
from full_w2v.machine import cpu_quota

Architecture = Literal["skip-gram", "cbow"]
Order = Literal["window", "pair"]
RowPrecision = Literal["float32", "bf16"]
ScorePrecision = Literal["float32", "tf32"]

MAX_VECTOR_SIZE = 65_536
MAX_WINDOW = 1_000_000_000  # no sentence has room for more than its own words
MAX_NEGATIVE = 1_000
MAX_THREADS = 1_024
MAX_STEP_PAIRS = 1 << 30  # where the learning rate allows any number


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How word vectors are trained. Defaults are gensim's, but for skip-gram itself.

    architecture: "skip-gram" predicts a word from each of its contexts; "cbow" from all of them together.
    cbow_mean: CBOW predicts from the mean of the contexts; False takes their sum.
    vector_size: dimension d of both matrices.
    window: largest distance W between a centre word and a context word, in words kept by subsampling.
    shrink_windows: draw each window's radius from 1 ... W; False takes W always (the paper's fixed window).
    negative: negatives drawn for each centre word; 0, with hierarchical softmax, for no negative sampling.
    hierarchical_softmax: predict a word's path in the Huffman tree, besides the word if there are negatives.
    ns_exponent: negatives are drawn in proportion to count ** ns_exponent.
    sample: subsampling threshold t, a share of all tokens (no unit); 0 keeps every word.
    alpha, min_alpha: learning rate at the first token and after the last; linear between.
    epochs: passes over the corpus.
    seed: key of every random draw and of the first vectors, 0 ... 2^64 - 1.
    order: "window" scores a whole window before updating it; "pair" updates pair by pair, as the paper.
    share_negatives: number of consecutive centres that draw one common set of negatives.
    row_precision: how rows are stored in training: "float32", or "bf16" with stochastic rounding.
    score_precision: what rows are rounded to before they are multiplied for a score: "float32", or "tf32".
    loss: sum the loss while training.
    threads: CPU threads; 0 takes every core this process may use. One thread is bit-reproducible.
    pin_threads: keep each of them on a core of its own while it trains (Linux).

    Raises ConfigError (a ValueError) for the first setting that is out of range.
    """

    architecture: Architecture = "skip-gram"
    cbow_mean: bool = True
    vector_size: int = 100
    window: int = 5
    shrink_windows: bool = True
    negative: int = 5
    hierarchical_softmax: bool = False
    ns_exponent: float = 0.75
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 1e-4
    epochs: int = 5
    seed: int = 1
    order: Order = "window"
    share_negatives: int = 1
    row_precision: RowPrecision = "float32"
    score_precision: ScorePrecision = "float32"
    loss: bool = False
    threads: int = 0
    pin_threads: bool = False

    def __post_init__(self) -> None:
        self._set("vector_size", checked_integer("vector_size", self.vector_size, 1, MAX_VECTOR_SIZE))
        self._set("window", checked_integer("window", self.window, 1, MAX_WINDOW))
        for name in ("cbow_mean", "hierarchical_softmax", "shrink_windows", "loss", "pin_threads"):
            self._set(name, _checked_bool(name, getattr(self, name)))
        fewest = 0 if self.hierarchical_softmax else 1
        if self.negative == 0 and fewest == 1:
            raise ConfigError(
                f"{setting('negative')} must be between 1 and {MAX_NEGATIVE}, got 0; "
                f"0 needs {setting('hierarchical_softmax', True)}"
            )
        self._set("negative", checked_integer("negative", self.negative, fewest, MAX_NEGATIVE))
        self._set("epochs", checked_integer("epochs", self.epochs, 1, 1_000_000))
        self._set("seed", checked_integer("seed", self.seed, 0, 2**64 - 1))
        self._set("share_negatives", checked_integer("share_negatives", self.share_negatives, 1, 64))
        self._set("threads", checked_integer("threads", self.threads, 0, MAX_THREADS))
        self._set("ns_exponent", _checked_number("ns_exponent", self.ns_exponent, -10.0, 10.0))
        self._set("sample", _checked_number("sample", self.sample, 0.0, 1.0))
        self._set("alpha", _checked_number("alpha", self.alpha, 0.0, 10.0))
        self._set("min_alpha", _checked_number("min_alpha", self.min_alpha, 0.0, 10.0))
        if self.min_alpha > self.alpha:
            raise ConfigError(
                f"{setting('min_alpha')} must not exceed {setting('alpha')} ({self.alpha}), "
                f"got {self.min_alpha}"
            )
        self._check_choice("architecture", get_args(Architecture))
        self._check_choice("order", get_args(Order))
        self._check_choice("row_precision", get_args(RowPrecision))
        self._check_choice("score_precision", get_args(ScorePrecision))
        if self.share_negatives > 1 and self.order == "pair":
            raise ConfigError(
                f"{setting('share_negatives')} above 1 needs {setting('order', 'window')}, "
                f"got {setting('order', 'pair')}"
            )
        if self.architecture == "cbow":
            self._check_single_windows(setting("architecture", "cbow"))
        if self.hierarchical_softmax:
            self._check_single_windows(setting("hierarchical_softmax", True))
        if self.row_precision == "bf16":
            self._check_plain(setting("row_precision", "bf16"))
        if self.score_precision == "tf32":
            self._check_plain(setting("score_precision", "tf32"))

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise ConfigError(
                f"{setting(name)} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
            )

    def _check_single_windows(self, what: str) -> None:
        if self.order != "window":
            raise ConfigError(
                f"{what} needs {setting('order', 'window')}, got {setting('order', self.order)}"
            )
        if self.share_negatives > 1:
            raise ConfigError(
                f"{what} needs {setting('share_negatives', 1)}, "
                f"got {setting('share_negatives', self.share_negatives)}"
            )

    def _check_plain(self, what: str) -> None:
        plain = {"architecture": "skip-gram", "hierarchical_softmax": False, "order": "window"}
        for name, needed in plain.items():
            if getattr(self, name) != needed:
                raise ConfigError(f"{what} needs {setting(name, needed)}, got {getattr(self, name)!r}")

    def _set(self, name: str, value: object) -> None:
        """Stores a setting as a Python value: it may have come as a NumPy scalar."""
        object.__setattr__(self, name, value)

    @property
    def step_pairs(self) -> int:
        """Pairs that one row may meet in a step: M of csrc/contract/README.md, max(1, floor(1 / (2 alpha))).

        The slack lets a decimal alpha, such as 0.05, give the number that it names (10).
        """
        if self.alpha * MAX_STEP_PAIRS < 1:
            return MAX_STEP_PAIRS
        return max(1, math.floor(0.5 / self.alpha * (1 + 1e-9)))

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Settings from `to_dict`; raises ConfigError if one is unknown or out of range."""
        unknown = sorted(set(values) - set(setting_names(cls)))
        if unknown:
            known = ", ".join(setting_names(cls))
            raise ConfigError(f"unknown setting {', '.join(unknown)}; known are {known}")
        return cls(**values)


def setting_names(config: Any) -> list[str]:
    """Names of the fields of a class of settings, a dataclass."""
    return [field.name for field in fields(config)]


def usable_cores() -> int:
    """Cores that this process may keep busy: those it may run on, or what a container's CPU quota allows.

    A quota of 1.5 cores counts as 2: threads may outnumber it, and one thread would leave a third unused.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else min(cores, max(1, math.ceil(quota)))


# Every level that some machine has, slowest first; _native.simd_levels() are this machine's.
SIMD_LEVELS = ("scalar", "sse2", "neon", "avx2", "avx512")


def simd_cap(simd: str | None = None) -> str:
    """The largest instruction set allowed, by default FULL_W2V_SIMD's; empty for any. Raises ConfigError."""
    cap = os.environ.get("FULL_W2V_SIMD", "") if simd is None else simd
    if cap not in ("", *SIMD_LEVELS):
        raise ConfigError(f"FULL_W2V_SIMD must be one of {', '.join(SIMD_LEVELS)}, got {cap}")
    return cap


def checked_integer(name: str, value: object, low: int, high: int) -> int:
    """A whole number, NumPy's too, as a Python number; raises ConfigError if it is none in low ... high."""
    if isinstance(value, (bool, np.bool_)):
        raise ConfigError(f"{setting(name)} must be a whole number, got {value}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # the error says what it is
    except TypeError:
        raise ConfigError(f"{setting(name)} must be a whole number, got {value!r}") from None
    if not low <= number <= high:
        raise ConfigError(f"{setting(name)} must be between {low} and {high}, got {number}")
    return number


def _checked_number(name: str, value: object, low: float, high: float) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ConfigError(f"{setting(name)} must be a finite number, got {value!r}")
    if not math.isfinite(value):
        raise ConfigError(f"{setting(name)} must be a finite number, got {value}")
    if not low <= value <= high:
        raise ConfigError(f"{setting(name)} must be between {low} and {high}, got {value}")
    return float(value)


def _checked_bool(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise ConfigError(f"{setting(name)} must be True or False, got {value!r}")
    return bool(value)
