"""Checks of single settings: each takes a name and a value, and returns the value as a Python value."""

import math
import operator

import numpy as np

from full_w2v.errors import ConfigError, setting


def checked_integer(name: str, value: object, low: int, high: int) -> int:
    """A whole number, NumPy's too, as a Python number. Raises ConfigError unless low <= value <= high."""
    if isinstance(value, (bool, np.bool_)):
        raise ConfigError(f"{setting(name)} must be a whole number, got {value}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # the error says what it is
    except TypeError:
        raise ConfigError(f"{setting(name)} must be a whole number, got {value!r}") from None
    if not low <= number <= high:
        raise ConfigError(f"{setting(name)} must be between {low} and {high}, got {number}")
    return number


def checked_number(name: str, value: object, low: float, high: float) -> float:
    """A finite number as a Python float. Raises ConfigError unless low <= value <= high."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ConfigError(f"{setting(name)} must be a finite number, got {value!r}")
    if not math.isfinite(value):
        raise ConfigError(f"{setting(name)} must be a finite number, got {value}")
    if not low <= value <= high:
        raise ConfigError(f"{setting(name)} must be between {low} and {high}, got {value}")
    return float(value)


def checked_bool(name: str, value: object) -> bool:
    """True or False, NumPy's too. Raises ConfigError for anything else."""
    if not isinstance(value, (bool, np.bool_)):
        raise ConfigError(f"{setting(name)} must be True or False, got {value!r}")
    return bool(value)


def checked_choice(name: str, value: object, choices: tuple[str, ...]) -> object:
    """One of the choices. Raises ConfigError for anything else."""
    if value not in choices:
        raise ConfigError(f"{setting(name)} must be one of {', '.join(choices)}, got {value!r}")
    return value
