"""Spells settings in messages as the options of the command line that set them."""

import ast
from collections.abc import Mapping

from full_w2v import objectives
from full_w2v.errors import Spell, as_python


def as_options(options: Mapping[str, str]) -> Spell:
    """Names settings by options, which are given by the name of what they set: min_alpha: "--min-alpha"."""

    def spell(name: str, value: str | None) -> str:
        if name not in options:
            return as_python(name, value)
        option = options[name]
        if (flag := _objective_option(name, value)) is not None:
            return flag
        if value in ("True", "False"):
            return option if value == "True" else f"--no-{option[2:]}"
        return option if value is None else f"{option} {_plain(value)}"

    return spell


def _objective_option(name: str, value: str | None) -> str | None:
    """The option that chooses an objective by this value of a setting, or what it is called without one."""
    chosen = [one for one in objectives.objectives() if one.option and one.setting == name]
    if value is None or not chosen:
        return None
    exact = [one.option for one in chosen if repr(one.value) == value]
    return exact[0] if exact else " or ".join(f"no {one.option}" for one in chosen)


def _plain(value: str) -> str:
    """A value as it is typed: text without quotes, where that is how Python would show it."""
    try:
        text = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
    return text if isinstance(text, str) and text.isprintable() else value
