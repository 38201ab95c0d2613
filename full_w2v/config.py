"""Training settings: checked once, when they are made, and never changed after."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from full_w2v.errors import ConfigError

Order = Literal["window", "pair"]

MAX_VECTOR_SIZE = 65_536
MAX_WINDOW = 1_000
MAX_NEGATIVE = 1_000
MAX_THREADS = 1_024


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How skip-gram with negative sampling is trained. Defaults are gensim's, but for skip-gram itself.

    vector_size: dimension d of both matrices.
    window: largest distance W between a centre word and a context word, in words kept by subsampling.
    shrink_windows: draw each window's radius from 1 ... W; False takes W always (the paper's fixed window).
    negative: negatives drawn for each centre word.
    ns_exponent: negatives are drawn in proportion to count ** ns_exponent.
    sample: subsampling threshold t, a share of all tokens (no unit); 0 keeps every word.
    alpha, min_alpha: learning rate at the first token and after the last; linear between.
    epochs: passes over the corpus.
    seed: key of every random draw and of the first vectors, 0 ... 2^64 - 1.
    order: "window" scores a whole window before updating it; "pair" updates pair by pair, as the paper.
    share_negatives: number of consecutive centres that draw one common set of negatives.
    loss: sum the loss while training.
    threads: CPU threads; 0 takes every core this process may use. One thread is bit-reproducible.

    Raises ConfigError (a ValueError) for the first setting that is out of range.
    """

    vector_size: int = 100
    window: int = 5
    shrink_windows: bool = True
    negative: int = 5
    ns_exponent: float = 0.75
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 1e-4
    epochs: int = 5
    seed: int = 1
    order: Order = "window"
    share_negatives: int = 1
    loss: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        _check_integer("vector_size", self.vector_size, 1, MAX_VECTOR_SIZE)
        _check_integer("window", self.window, 1, MAX_WINDOW)
        _check_integer("negative", self.negative, 1, MAX_NEGATIVE)
        _check_integer("epochs", self.epochs, 1, 1_000_000)
        _check_integer("seed", self.seed, 0, 2**64 - 1)
        _check_integer("share_negatives", self.share_negatives, 1, 64)
        _check_integer("threads", self.threads, 0, MAX_THREADS)
        _check_number("ns_exponent", self.ns_exponent, -10.0, 10.0)
        _check_number("sample", self.sample, 0.0, 1.0)
        _check_number("alpha", self.alpha, 0.0, 10.0)
        _check_number("min_alpha", self.min_alpha, 0.0, 10.0)
        if self.min_alpha > self.alpha:
            raise ConfigError(f"min_alpha must not exceed alpha ({self.alpha}), got {self.min_alpha}")
        for name in ("shrink_windows", "loss"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if self.order not in get_args(Order):
            raise ConfigError(f"order must be one of {', '.join(get_args(Order))}, got {self.order!r}")
        if self.share_negatives > 1 and self.order == "pair":
            raise ConfigError("share_negatives above 1 needs order='window', got order='pair'")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Settings from `to_dict`; raises ConfigError if one is unknown or out of range."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(f"unknown setting {', '.join(unknown)}; known are {_names(cls)}")
        return cls(**values)


def _names(config: type[TrainConfig]) -> str:
    return ", ".join(field.name for field in fields(config))


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"{name} must be a whole number, got {value!r}")
    if not low <= value <= high:
        raise ConfigError(f"{name} must be between {low} and {high}, got {value}")


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ConfigError(f"{name} must be a finite number, got {value!r}")
    if not low <= value <= high:
        raise ConfigError(f"{name} must be between {low} and {high}, got {value}")
