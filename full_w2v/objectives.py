"""What can be trained. Each objective says here everything that the rest of the package asks of it.

A training has one architecture, how contexts predict, and at least one output layer, what they predict. Both
are an `Objective`: its settings and what they need, its matrices and tables, the oracle's step, the backends
that compute it and its option on the command line. The rules of TrainConfig, the matrices of a Model and of
its file, options and refusals derive from it, also for an objective that is registered elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from full_w2v.errors import ConfigError, setting

Role = Literal["architecture", "output layer"]
Table = Literal["noise", "tree"]
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Matrix:
    """A matrix in training, float32, with a row of `vector_size` values for each word or inner node.

    name: of the tensor in a saved model, and of its field in Model if that has one.
    rows: what a row belongs to; there are as many rows of inner nodes as of words, the last of them unused.
    """

    name: str
    rows: Literal["word", "node"] = "word"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One architecture or output layer.

    name: for people; of an architecture also its value of `TrainConfig.architecture`.
    setting, value: what TrainConfig says where it is used; a `used` of its own may decide otherwise.
    option, help: how the command line chooses it; an option of "" is that of no other one given.
    unused: what to call a command line without it, in messages about options that have no effect then.
    owns: settings that have no effect without it.
    needs: settings, with the value that it requires of each.
    matrices, tables: what it trains, and what it draws or reads from.
    step: of an architecture, the oracle's step as "module:function", a `Step` of full_w2v.backends.reference.
    backends: names of the backends that compute it, the preferred one first.
    """

    name: str
    role: Role
    setting: str
    value: object
    option: str = ""
    help: str = ""
    unused: str = ""
    owns: tuple[str, ...] = ()
    needs: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    matrices: tuple[Matrix, ...] = ()
    tables: tuple[Table, ...] = ()
    step: str = ""
    backends: tuple[str, ...] = ("reference",)
    used: Callable[[Any], bool] | None = None

    def is_used(self, config: Any) -> bool:
        """Whether a training with these settings, a TrainConfig or the options of `train`, has it."""
        if self.used is not None:
            return self.used(config)
        return bool(getattr(config, self.setting) == self.value)


_SINGLE_WINDOWS = MappingProxyType({"order": "window", "share_negatives": 1})
_ROWS = (Matrix("input"), Matrix("output"))

SKIP_GRAM = Objective(
    name="skip-gram",
    role="architecture",
    setting="architecture",
    value="skip-gram",
    matrices=_ROWS,
    step="full_w2v.backends.reference:skip_gram_steps",
    backends=("cpu", "cuda", "reference"),
)
CBOW = Objective(
    name="cbow",
    role="architecture",
    setting="architecture",
    value="cbow",
    option="--cbow",
    help="predict each word from its contexts together (default: from each of them, skip-gram)",
    unused="without --cbow",
    owns=("cbow_mean",),
    needs=_SINGLE_WINDOWS,
    matrices=_ROWS,
    step="full_w2v.backends.reference:cbow_steps",
    backends=("cpu", "reference"),
)
NEGATIVE_SAMPLING = Objective(
    name="negative sampling",
    role="output layer",
    setting="negative",
    value=5,
    unused="with --negative 0",
    owns=("ns_exponent",),
    tables=("noise",),
    backends=("cpu", "cuda", "reference"),
    used=lambda config: config.negative > 0,
)
HIERARCHICAL_SOFTMAX = Objective(
    name="hierarchical softmax",
    role="output layer",
    setting="hierarchical_softmax",
    value=True,
    option="--hs",
    help="add hierarchical softmax to negative sampling; with --negative 0, use it alone",
    unused="without --hs",
    needs=_SINGLE_WINDOWS,
    matrices=(Matrix("inner", "node"),),
    tables=("tree",),
    backends=("cpu", "reference"),
)

_registered = {one.name: one for one in (SKIP_GRAM, CBOW, NEGATIVE_SAMPLING, HIERARCHICAL_SOFTMAX)}


def register(objective: Objective) -> None:
    """Makes an objective known. Raises ConfigError if another one has its name."""
    if objective.name in _registered:
        raise ConfigError(f"an objective named {objective.name!r} is already registered")
    _registered[objective.name] = objective


def unregister(objective: Objective) -> None:
    """Forgets an objective that was registered."""
    del _registered[objective.name]


def objectives() -> list[Objective]:
    """All of them: those of this module, then those registered later."""
    return list(_registered.values())


def architectures() -> tuple[str, ...]:
    """The values of `TrainConfig.architecture`."""
    return tuple(one.name for one in objectives() if one.role == "architecture")


def used_by(config: Any) -> list[Objective]:
    """What a training with these settings consists of: its architecture, then its output layers."""
    return sorted((one for one in objectives() if one.is_used(config)), key=lambda one: one.role)


def matrices_of(config: Any) -> list[Matrix]:
    """The matrices in training, `input` first."""
    return list(dict.fromkeys(matrix for one in used_by(config) for matrix in one.matrices))


def tables_of(config: Any) -> set[Table]:
    """The tables that a training needs."""
    return {table for one in used_by(config) for table in one.tables}


def step_of(config: Any) -> str:
    """The oracle's step, as "module:function"."""
    return used_by(config)[0].step


def check(config: Any) -> None:
    """Raises ConfigError if the objectives that the settings choose do not allow the other settings."""
    parts = used_by(config)
    if not any(one.role == "output layer" for one in parts):
        raise ConfigError(
            f"{setting('negative')} must be between 1 and 1000, got {config.negative}; "
            f"0 needs {setting('hierarchical_softmax', True)}"
        )
    for one in parts:
        for name, needed in one.needs.items():
            found = getattr(config, name)
            if found != needed:
                chosen = setting(one.setting, one.value)
                raise ConfigError(f"{chosen} needs {setting(name, needed)}, got {setting(name, found)}")


def refusal(backend: str, config: Any) -> str:
    """Why a backend does not train with these settings, as far as objectives go; empty if it does."""
    for one in used_by(config):
        if backend not in one.backends:
            alike = [other for other in objectives() if other.role == one.role]
            known = [other.name for other in alike if backend in other.backends]
            verb = "trains" if one.role == "architecture" else "trains with"
            return (
                f"{backend} {verb} {' and '.join(known)} only, got {setting(one.setting, one.value)}; "
                f"use {setting('backend', one.backends[0])}"
            )
    return ""
