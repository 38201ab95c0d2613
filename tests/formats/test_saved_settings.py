"""Settings in a saved model: their kinds, and files of older and newer versions."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from full_w2v.config import Kind, TrainConfig, declaration
from full_w2v.errors import FormatError, FormatWarning
from full_w2v.formats.saved_settings import loaded_settings, saved_settings
from full_w2v.version import __version__


def test_all_but_how_it_was_run_comes_back() -> None:
    config = TrainConfig(
        architecture="cbow", cbow_mean=False, vector_size=7, negative=3, alpha=0.05, epochs=2, seed=2**64 - 1,
        threads=3, pin_threads=True, loss=True,
    )  # fmt: skip
    metadata = saved_settings(config)
    assert loaded_settings(metadata) == replace(config, threads=0, pin_threads=False, loss=False)
    assert metadata["needs"] == "0.1.0"
    saved = {*json.loads(metadata["model"]), *json.loads(metadata["optimization"])}
    assert not {"threads", "pin_threads", "loss"} & saved


def test_what_matters_to_a_model_is_told_from_how_it_is_run() -> None:
    kinds = {one.name: declaration(one).kind for one in fields(TrainConfig)}
    assert {kinds[name] for name in ("loss", "threads", "pin_threads")} == {Kind.RUN}
    assert {kinds[name] for name in ("alpha", "epochs", "seed", "order")} == {Kind.OPTIMIZATION}
    assert {kinds[name] for name in ("architecture", "vector_size", "negative")} == {Kind.MODEL}


def test_a_file_of_an_earlier_build_holds_all_settings_flat() -> None:
    config = TrainConfig(vector_size=3, threads=2, hierarchical_softmax=True)
    assert loaded_settings({"config": json.dumps(config.to_dict())}) == config


def newer(**changes: dict[str, Any] | str) -> dict[str, str]:
    """Metadata of a version to come: settings are added to what this one writes."""
    metadata = saved_settings(TrainConfig(vector_size=3))
    for name, value in changes.items():
        metadata[name] = value if isinstance(value, str) else json.dumps(json.loads(metadata[name]) | value)
    return metadata


def test_unknown_settings_of_the_training_are_left_out_with_a_warning() -> None:
    with pytest.warns(FormatWarning, match="does not know are left out: momentum, warm_up$"):
        found = loaded_settings(newer(optimization={"warm_up": 10, "momentum": 0.9}, needs="0.1.0"))
    assert found == TrainConfig(vector_size=3)


def test_unknown_settings_of_the_model_are_an_error_that_names_the_version() -> None:
    message = (
        "the model has settings that this version does not know: subwords; "
        f"it needs full-w2v 0.4.0 or newer, and this is {__version__}"
    )
    with pytest.raises(FormatError, match=message):
        loaded_settings(newer(model={"subwords": [3, 6]}, needs="0.4.0"))


def test_an_unknown_value_names_the_version_too() -> None:
    with pytest.raises(
        FormatError, match=r"architecture must be one of .*, got 'glove'; it needs full-w2v 0\.3\.0 or"
    ):
        loaded_settings(newer(model={"architecture": "glove"}, needs="0.3.0"))
    with pytest.raises(FormatError, match=r"got 'glove'$"):  # no version to come
        loaded_settings(newer(model={"architecture": "glove"}))


def test_a_setting_to_come_is_saved_only_where_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its default it keeps no older version from reading the file."""
    later = {
        one.name: replace(declaration(one), since="0.12.0")
        for one in fields(TrainConfig)
        if one.name == "shrink_windows"
    }
    monkeypatch.setattr(
        "full_w2v.formats.saved_settings.declaration", lambda one: later.get(one.name, declaration(one))
    )
    metadata = saved_settings(TrainConfig())
    assert ("shrink_windows" in json.loads(metadata["model"]), metadata["needs"]) == (False, "0.1.0")
    metadata = saved_settings(TrainConfig(shrink_windows=False))
    assert ("shrink_windows" in json.loads(metadata["model"]), metadata["needs"]) == (True, "0.12.0")


@given(st.dictionaries(st.sampled_from(["model", "optimization", "needs", "config"]), st.text(max_size=20)))
def test_any_damage_is_one_error(metadata: dict[str, str]) -> None:
    with pytest.raises(FormatError) as caught:
        loaded_settings(metadata)
    assert "\n" not in str(caught.value)
