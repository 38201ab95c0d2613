"""Backends that train: each one computes the contract of csrc/contract/README.md."""

from dataclasses import dataclass
from importlib import import_module

from full_w2v.backends.base import Backend, SpanStats
from full_w2v.config import TrainConfig
from full_w2v.errors import BackendError, ConfigError, setting

__all__ = ["BACKENDS", "Backend", "BackendStatus", "SpanStats", "backend_status", "open_backend"]

# Name and the class that implements it, in the order in which "auto" prefers them. A backend's module is
# imported only when it is asked for: the oracle's needs numba, the GPU's a driver.
_CLASSES = {
    "cuda": "full_w2v.backends.cuda:CudaBackend",
    "cpu": "full_w2v.backends.cpu:CpuBackend",
    "reference": "full_w2v.backends.reference:ReferenceBackend",
}
# The oracle is for checking others, far too slow for text.
_AUTOMATIC = ("cuda", "cpu")
BACKENDS = ("auto", *_CLASSES)


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can be used here. detail: what it would run on, or why it cannot be used."""

    name: str
    usable: bool
    detail: str


def backend_status() -> list[BackendStatus]:
    """Every backend, and whether this machine can use it."""
    return [_status_or_misuse(name) for name in _CLASSES]


def open_backend(name: str = "auto", config: TrainConfig | None = None) -> Backend:
    """A backend by name; "auto" takes the first usable one that trains with these settings.

    Raises ConfigError for an unknown name or a wrong environment variable; BackendError, with the reason, for
    a backend that cannot be used here, or does not train with these settings.
    """
    config = config or TrainConfig()
    if name == "auto":
        name = _first_usable(config)
    if name not in _CLASSES:
        raise ConfigError(f"{setting('backend')} must be one of {', '.join(BACKENDS)}, got {name!r}")
    status = _status(name)
    if not status.usable:
        raise BackendError(
            f"{name} backend unavailable: {status.detail}. full-w2v backends shows every backend"
        )
    if reason := _class(name).refusal(config):
        raise BackendError(reason)
    return _class(name)()


def _first_usable(config: TrainConfig) -> str:
    reasons = []
    for status in map(_status, _AUTOMATIC):
        reason = _class(status.name).refusal(config) if status.usable else f"{status.name}: {status.detail}"
        if not reason:
            return status.name
        reasons.append(reason)
    raise BackendError(
        f"no backend can be used here ({'; '.join(reasons)}). full-w2v backends shows every backend"
    )


def _class(name: str) -> type[Backend]:
    module, attribute = _CLASSES[name].split(":")
    backend: type[Backend] = getattr(import_module(module), attribute)
    return backend


def _status_or_misuse(name: str) -> BackendStatus:
    """The status; a wrong environment variable makes a backend unusable."""
    try:
        return _status(name)
    except ConfigError as error:
        return BackendStatus(name, False, str(error))


def _status(name: str) -> BackendStatus:
    try:
        return BackendStatus(name, True, _class(name).hardware())
    except (BackendError, ImportError) as error:
        return BackendStatus(name, False, str(error))
