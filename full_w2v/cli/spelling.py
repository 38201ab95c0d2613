"""Spells settings in messages as the options of the command line that set them."""

import re
from collections.abc import Mapping

# Options that stand for one value of a setting.
FLAGS = {
    ("architecture", "cbow"): "--cbow",
    ("architecture", "skip-gram"): "no --cbow",
    ("hierarchical_softmax", "True"): "--hs",
    ("hierarchical_softmax", "False"): "no --hs",
}
# A setting has an underscore, or a value behind it, or is what the message is about; not so a word in quotes
# or a part of a path.
SETTING = re.compile(
    r"""(?<![\w/.'"-])(?P<name>[a-z]\w*)(?:=(?P<quote>['"]?)(?P<value>[^\s,;'"()]+)(?P=quote))?(?![\w/.'"-])"""
)
SUBJECT = re.compile(r"give either (\w+) or (\w+)|(\w+) must\b")


def as_options(message: str, options: Mapping[str, str]) -> str:
    """The message with the names of settings replaced by options.

    options: by the name of what they set. For instance min_alpha: "--min-alpha".
    """
    about = SUBJECT.match(message)
    subjects = {name for name in about.groups() if name} if about else set()

    def spelled(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if name not in options or not (value or "_" in name or name in subjects):
            return found[0]
        if (name, value) in FLAGS:
            return FLAGS[name, value]
        option = options[name]
        if value in ("True", "False"):
            return option if value == "True" else f"--no-{option[2:]}"
        return f"{option} {value}" if value else option

    return SETTING.sub(spelled, message)
