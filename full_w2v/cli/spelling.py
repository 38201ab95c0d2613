"""Spells settings in messages as the options of the command line that set them."""

import ast
from collections.abc import Mapping

from full_w2v.errors import Spell, as_python

# Options that stand for one value of a setting, by that value's repr().
FLAGS = {
    ("architecture", "'cbow'"): "--cbow",
    ("architecture", "'skip-gram'"): "no --cbow",
    ("hierarchical_softmax", "True"): "--hs",
    ("hierarchical_softmax", "False"): "no --hs",
}


def as_options(options: Mapping[str, str]) -> Spell:
    """Names settings by options, which are given by the name of what they set: min_alpha: "--min-alpha"."""

    def spell(name: str, value: str | None) -> str:
        if name not in options:
            return as_python(name, value)
        option = options[name]
        if (name, value) in FLAGS:
            return FLAGS[name, str(value)]
        if value in ("True", "False"):
            return option if value == "True" else f"--no-{option[2:]}"
        return option if value is None else f"{option} {_plain(value)}"

    return spell


def _plain(value: str) -> str:
    """A value as it is typed: text without quotes, where that is how Python would show it."""
    try:
        text = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
    return text if isinstance(text, str) and text.isprintable() else value
