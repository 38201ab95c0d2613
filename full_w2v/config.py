"""Training settings: checked once, when they are made, and never changed after.

Each setting is declared once, where TrainConfig has it: its kind, its values, whether the native trainers
take it, and its help on the command line.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from enum import Enum
from typing import Any, Literal, get_args

from full_w2v import objectives
from full_w2v.checks import checked_bool, checked_choice, checked_integer, checked_number
from full_w2v.errors import ConfigError, setting

Order = Literal["window", "pair"]
RowPrecision = Literal["float32", "bf16"]
ScorePrecision = Literal["float32", "tf32"]

MAX_VECTOR_SIZE = 65_536
MAX_WINDOW = 1_000_000_000  # no sentence has room for more than its own words
MAX_NEGATIVE = 1_000
MAX_THREADS = 1_024
MAX_STEP_PAIRS = 1 << 30  # where the learning rate allows any number
FIRST_VERSION = "0.1.0"

Check = Callable[[str, object], object]


class Kind(Enum):
    """What a setting decides."""

    MODEL = "model"  # what is trained; needed to use a saved model further
    OPTIMIZATION = "optimization"  # how it is trained
    RUN = "run"  # how it is run here; not saved


@dataclass(frozen=True)
class Declaration:
    """What is declared of a setting in addition to its name, type and default.

    check: takes name and value, returns the value as a Python value, raises ConfigError.
    choices: its values, if there are few. native: the native trainers take it, by its name.
    help, metavar: of its option; without help it has none of its own.
    since: the version of full-w2v that had it first.
    """

    kind: Kind
    check: Check
    help: str = ""
    metavar: str = "N"
    choices: tuple[str, ...] = ()
    native: bool = True
    since: str = FIRST_VERSION


def declaration(of: "Field[Any]") -> Declaration:
    """The declaration of a field of TrainConfig."""
    found: Declaration = of.metadata["declaration"]
    return found


def _whole(default: int, kind: Kind, low: int, high: int, help: str, **more: Any) -> Any:
    def check(name: str, value: object) -> int:
        return checked_integer(name, value, low, high)

    return _declared(default, Declaration(kind, check, help, **more))


def _number(default: float, kind: Kind, low: float, high: float, help: str, **more: Any) -> Any:
    def check(name: str, value: object) -> float:
        return checked_number(name, value, low, high)

    return _declared(default, Declaration(kind, check, help, metavar="X", **more))


def _flag(default: bool, kind: Kind, help: str = "", **more: Any) -> Any:
    return _declared(default, Declaration(kind, checked_bool, help, **more))


def _choice(default: str, kind: Kind, choices: tuple[str, ...], help: str, **more: Any) -> Any:
    def check(name: str, value: object) -> object:
        return checked_choice(name, value, choices)

    return _declared(default, Declaration(kind, check, help, choices=choices, **more))


def _architecture() -> Any:
    def check(name: str, value: object) -> object:
        return checked_choice(name, value, objectives.architectures())

    return _declared(objectives.SKIP_GRAM.name, Declaration(Kind.MODEL, check))


def _declared(default: object, declared: Declaration) -> Any:
    return field(default=default, metadata={"declaration": declared})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How word vectors are trained. Defaults are gensim's, except that skip-gram is the default.

    architecture: "skip-gram" predicts a word from each of its contexts; "cbow" from all of them together; or
        the name of an architecture registered with `full_w2v.objectives`.
    cbow_mean: CBOW predicts from the mean of the contexts; False takes their sum.
    vector_size: dimension d of both matrices.
    window: largest distance W between a centre word and a context word, in words kept by subsampling.
    shrink_windows: draw each window's radius from 1 ... W; False takes W always (the paper's fixed window).
    negative: negatives drawn for each centre word; 0, with hierarchical softmax, for no negative sampling.
    hierarchical_softmax: predict a word's path in the Huffman tree, and the word if there are negatives.
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

    architecture: str = _architecture()
    cbow_mean: bool = _flag(True, Kind.MODEL, "CBOW predicts from the contexts' mean (default) or their sum")
    vector_size: int = _whole(100, Kind.MODEL, 1, MAX_VECTOR_SIZE, "dimension of the vectors")
    window: int = _whole(5, Kind.MODEL, 1, MAX_WINDOW, "largest distance between centre and context word")
    shrink_windows: bool = _flag(
        True, Kind.MODEL, "draw each window's size from 1 ... --window (default), or always use all of it"
    )
    negative: int = _whole(5, Kind.MODEL, 0, MAX_NEGATIVE, "negatives per centre word")
    hierarchical_softmax: bool = _flag(False, Kind.MODEL, native=False)
    ns_exponent: float = _number(
        0.75, Kind.MODEL, -10.0, 10.0, "negatives are drawn by count to this power", native=False
    )
    sample: float = _number(
        1e-3,
        Kind.MODEL,
        0.0,
        1.0,
        "subsampling threshold for frequent words, a share of all words",
        native=False,
    )
    alpha: float = _number(0.025, Kind.OPTIMIZATION, 0.0, 10.0, "learning rate at the beginning")
    min_alpha: float = _number(1e-4, Kind.OPTIMIZATION, 0.0, 10.0, "learning rate at the end")
    epochs: int = _whole(5, Kind.OPTIMIZATION, 1, 1_000_000, "passes over the corpus")
    seed: int = _whole(1, Kind.OPTIMIZATION, 0, 2**64 - 1, "key of every random draw")
    order: Order = _choice(
        "window", Kind.OPTIMIZATION, get_args(Order), "update window by window (default) or pair by pair"
    )
    share_negatives: int = _whole(
        1, Kind.OPTIMIZATION, 1, 64, "consecutive centre words that share their negatives"
    )
    row_precision: RowPrecision = _choice(
        "float32",
        Kind.OPTIMIZATION,
        get_args(RowPrecision),
        "how rows are stored in training (default %(default)s; bf16 is rounded stochastically)",
    )
    score_precision: ScorePrecision = _choice(
        "float32",
        Kind.OPTIMIZATION,
        get_args(ScorePrecision),
        "what rows are rounded to for their scores (default %(default)s)",
    )
    loss: bool = _flag(False, Kind.RUN, "report the mean loss of each epoch")
    threads: int = _whole(0, Kind.RUN, 0, MAX_THREADS, "CPU threads; 0 uses every core", native=False)
    pin_threads: bool = _flag(False, Kind.RUN, "keep each thread on its own core", native=False)

    def __post_init__(self) -> None:
        for one in fields(self):
            # Stored as a Python value: it may have come as a NumPy scalar.
            value = declaration(one).check(one.name, getattr(self, one.name))
            object.__setattr__(self, one.name, value)
        if self.min_alpha > self.alpha:
            raise ConfigError(
                f"{setting('min_alpha')} must not exceed {setting('alpha')} ({self.alpha}), "
                f"got {self.min_alpha}"
            )
        if self.share_negatives > 1 and self.order == "pair":
            raise ConfigError(
                f"{setting('share_negatives')} above 1 needs {setting('order', 'window')}, "
                f"got {setting('order', 'pair')}"
            )
        objectives.check(self)
        for name in ("row_precision", "score_precision"):
            if getattr(self, name) != "float32":
                self._check_plain(setting(name, getattr(self, name)))

    def _check_plain(self, what: str) -> None:
        plain = {"architecture": "skip-gram", "hierarchical_softmax": False, "order": "window"}
        for name, needed in plain.items():
            if getattr(self, name) != needed:
                raise ConfigError(f"{what} needs {setting(name, needed)}, got {getattr(self, name)!r}")

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

    def of_kind(self, kind: Kind) -> dict[str, Any]:
        """The settings of one kind, as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self) if declaration(one).kind is kind}


def setting_names(config: Any) -> list[str]:
    """Names of the fields of a class of settings, a dataclass."""
    return [one.name for one in fields(config)]
