"""Errors that full_w2v raises: each one is a built-in error too, so that callers may catch either.

Messages name settings by `setting`, so that each front end can spell them as its user sets them, and touches
nothing else of a message, whatever words, paths and values it holds.
"""

import secrets
from collections.abc import Callable

# spell(name, value): how a front end names a setting, with its value as repr() shows it or None.
Spell = Callable[[str, str | None], str]

# Around the settings in a message. No path and no repr() holds a NUL, and nobody can guess the rest.
_MARK = f"\0{secrets.token_hex(8)}\0"


def setting(name: str, *value: object) -> str:
    """A setting, and the value that it has or should have, as a part of an error's message."""
    return f"{_MARK}{name}={value[0]!r}{_MARK}" if value else f"{_MARK}{name}{_MARK}"


def spelled(message: str, spell: Spell) -> str:
    """A message with its settings as `spell` names them."""
    parts = message.split(_MARK)
    for place in range(1, len(parts), 2):
        name, given, value = parts[place].partition("=")
        parts[place] = spell(name, value if given else None)
    return "".join(parts)


def as_python(name: str, value: str | None) -> str:
    """How Python names a setting: as an argument."""
    return name if value is None else f"{name}={value}"


class FullW2VError(Exception):
    """Base of every error that full_w2v raises on purpose. Its message is one line for the user.

    template: the message for `spelled`; str() spells settings as Python does.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(spelled(message, as_python))
        self.template = message


def template_of(error: Exception) -> str:
    """An error's message as a part of another one's: settings stay marked."""
    return error.template if isinstance(error, FullW2VError) else str(error)


class ConfigError(FullW2VError, ValueError):
    """A setting is out of range or contradicts another one."""


class CorpusError(FullW2VError, ValueError):
    """A corpus cannot be read, decoded or trained on."""


class FormatError(FullW2VError, ValueError):
    """A file of embeddings, a model or an evaluation set is not what its format asks for."""


class BackendError(FullW2VError, RuntimeError):
    """A backend cannot be used on this machine, or failed while training."""


class DivergenceError(BackendError):
    """Training left the range of sane numbers and was ended; the model keeps its last sane vectors."""


class TrainingWarning(UserWarning):
    """A training that ended well has not done what its user probably wants."""


class FormatWarning(UserWarning):
    """A file was read, but not all of what it holds."""


class UnknownWordError(FullW2VError, KeyError):
    """A word is not among the embeddings."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


def shown(value: object) -> str:
    """A word or value as an error message quotes it: on one line, in ASCII if not printable, cut at 60."""
    if isinstance(value, (str, bytes)):
        value = value[:61]  # a file of one endless line should not be escaped whole
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
