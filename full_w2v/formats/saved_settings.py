"""Settings as a saved model holds them, readable by older and newer versions of full_w2v.

Metadata of the file:

    model         settings that say what the model is, as JSON; those newer than version 0.1.0 only where they
                  are not at their default
    optimization  settings that say how it was trained, as JSON
    needs         the lowest version of full_w2v that knows all of `model`

How a training is run, on how many threads for instance, is not saved. Files of earlier builds hold all
settings flat in `config`.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from full_w2v.config import FIRST_VERSION, Kind, TrainConfig, declaration
from full_w2v.errors import ConfigError, FormatError, FormatWarning, shown, template_of
from full_w2v.version import __version__

_KINDS = (Kind.MODEL, Kind.OPTIMIZATION)


def saved_settings(config: TrainConfig) -> dict[str, str]:
    """The entries of a file's metadata that hold the settings."""
    model, needs = {}, FIRST_VERSION
    for one in fields(config):
        declared, value = declaration(one), getattr(config, one.name)
        newer = _version(declared.since) > _version(FIRST_VERSION)
        if declared.kind is Kind.MODEL and not (newer and value == one.default):
            model[one.name] = value
            needs = max(needs, declared.since, key=_version)
    return {
        Kind.MODEL.value: json.dumps(model),
        Kind.OPTIMIZATION.value: json.dumps(config.of_kind(Kind.OPTIMIZATION)),
        "needs": needs,
    }


def loaded_settings(metadata: Mapping[str, str]) -> TrainConfig:
    """The settings in a file's metadata.

    Unknown settings of how the model was trained are left out with a FormatWarning. Raises FormatError for
    unknown settings of what it is, naming the version that knows them, and for values that are not valid.
    """
    if "config" in metadata:
        return _config(_object(metadata["config"]), FIRST_VERSION)
    needs = metadata.get("needs", FIRST_VERSION)
    known = {one.name: declaration(one).kind for one in fields(TrainConfig)}
    taken: dict[str, Any] = {}
    for kind in _KINDS:
        found = _object(metadata.get(kind.value, ""))
        unknown = sorted(set(found) - set(known))
        if unknown and kind is Kind.MODEL:
            raise FormatError(
                f"the model has settings that this version does not know: {_names(unknown)}{_wanted(needs)}"
            )
        if unknown:
            warnings.warn(
                f"settings of the training that this version does not know are left out: {_names(unknown)}",
                FormatWarning,
                stacklevel=5,
            )
        taken |= {name: value for name, value in found.items() if name in known}
    return _config(taken, needs)


def _config(settings: dict[str, Any], needs: str) -> TrainConfig:
    try:
        return TrainConfig.from_dict(settings)
    except ConfigError as error:
        wanted = _wanted(needs) if _version(needs) > _version(__version__) else ""
        raise FormatError(f"the settings are not valid: {template_of(error)}{wanted}") from error


def _object(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        raise FormatError(f"expected the settings as JSON, got {shown(text)}") from None
    if not isinstance(settings, dict):
        raise FormatError(f"expected the settings as a JSON object, got {shown(text)}")
    return settings


def _names(unknown: list[str]) -> str:
    return ", ".join(shown(name)[1:-1] for name in unknown)


def _wanted(needs: str) -> str:
    return f"; it needs full-w2v {shown(needs)[1:-1]} or newer, and this is {__version__}"


def _version(text: str) -> tuple[int, ...]:
    """A version for comparison; parts that are not numbers count as 0."""
    return tuple(
        int(part) if part.isascii() and part.isdigit() and len(part) < 10 else 0 for part in text.split(".")
    )
