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
