"""Errors that full_w2v raises: each one is a built-in error too, so that callers may catch either."""


class FullW2VError(Exception):
    """Base of every error that full_w2v raises on purpose. Its message is one line for the user."""


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


class UnknownWordError(FullW2VError, KeyError):
    """A word is not among the embeddings."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


def shown(value: object) -> str:
    """A word or value as an error message quotes it: on one line, in ASCII if not printable, cut at 60."""
    if isinstance(value, (str, bytes)):
        value = value[:61]  # a file of one endless line should not be escaped whole
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
