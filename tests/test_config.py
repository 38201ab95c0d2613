import json
import math
from typing import Any

import numpy as np
import pytest

from full_w2v.config import TrainConfig
from full_w2v.errors import ConfigError

BAD_SETTINGS = [
    ("vector_size", 0, "vector_size must be between 1 and 65536, got 0"),
    ("vector_size", 1.5, "vector_size must be a whole number, got 1.5"),
    ("window", 0, "window must be between 1 and 1000000000, got 0"),
    ("window", True, "window must be a whole number, got True"),
    ("negative", 0, r"negative must be between 1 and 1000, got 0; 0 needs hierarchical_softmax=True"),
    ("epochs", -1, "epochs must be between 1 and 1000000, got -1"),
    ("seed", -1, "seed must be between 0 and 18446744073709551615, got -1"),
    ("seed", 2**64, "seed must be between 0 and 18446744073709551615, got 18446744073709551616"),
    ("threads", -1, "threads must be between 0 and 1024, got -1"),
    ("share_negatives", 0, "share_negatives must be between 1 and 64, got 0"),
    ("ns_exponent", math.nan, "ns_exponent must be a finite number, got nan"),
    ("sample", -0.1, "sample must be between 0.0 and 1.0, got -0.1"),
    ("sample", "1e-3", "sample must be a finite number, got '1e-3'"),
    ("alpha", math.inf, "alpha must be a finite number, got inf"),
    ("min_alpha", 0.5, r"min_alpha must not exceed alpha \(0.025\), got 0.5"),
    ("architecture", "sg", "architecture must be one of skip-gram, cbow, got 'sg'"),
    ("hierarchical_softmax", 1, "hierarchical_softmax must be True or False, got 1"),
    ("cbow_mean", 1, "cbow_mean must be True or False, got 1"),
    ("order", "windows", "order must be one of window, pair, got 'windows'"),
    ("row_precision", "bf17", "row_precision must be one of float32, bf16, got 'bf17'"),
    ("score_precision", "half", "score_precision must be one of float32, tf32, got 'half'"),
    ("loss", 1, "loss must be True or False, got 1"),
    ("shrink_windows", None, "shrink_windows must be True or False, got None"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_SETTINGS)
def test_a_setting_out_of_range_fails_when_it_is_made(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        TrainConfig(**{name: value})


def test_shared_negatives_need_window_order() -> None:
    assert TrainConfig(share_negatives=2).share_negatives == 2
    with pytest.raises(ConfigError, match="share_negatives above 1 needs order='window', got order='pair'"):
        TrainConfig(share_negatives=2, order="pair")


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ({"architecture": "cbow"}, "architecture='cbow'"),
        ({"hierarchical_softmax": True}, "hierarchical_softmax=True"),
    ],
)
def test_cbow_and_hierarchical_softmax_train_window_by_window(setting: dict[str, Any], shown: str) -> None:
    with pytest.raises(ConfigError, match=f"{shown} needs order='window', got order='pair'"):
        TrainConfig(order="pair", **setting)
    with pytest.raises(ConfigError, match=f"{shown} needs share_negatives=1, got share_negatives=2"):
        TrainConfig(share_negatives=2, **setting)


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ({"order": "pair"}, "order='window', got 'pair'"),
        ({"architecture": "cbow"}, "architecture='skip-gram', got 'cbow'"),
        ({"hierarchical_softmax": True}, "hierarchical_softmax=False, got True"),
    ],
)
def test_rows_of_bf16_train_skip_gram_by_windows(setting: dict[str, Any], shown: str) -> None:
    assert TrainConfig(row_precision="bf16", share_negatives=3).row_precision == "bf16"
    with pytest.raises(ConfigError, match=f"row_precision='bf16' needs {shown}"):
        TrainConfig(row_precision="bf16", **setting)


@pytest.mark.parametrize(
    ("setting", "needed"),
    [
        ({"architecture": "cbow"}, "architecture='skip-gram', got 'cbow'"),
        ({"hierarchical_softmax": True}, "hierarchical_softmax=False, got True"),
        ({"order": "pair"}, "order='window', got 'pair'"),
    ],
)
def test_scores_in_tf32_need_plain_windows(setting: dict[str, Any], needed: str) -> None:
    with pytest.raises(ConfigError, match=f"score_precision='tf32' needs {needed}"):
        TrainConfig(score_precision="tf32", **setting)


def test_only_hierarchical_softmax_trains_without_negatives() -> None:
    assert TrainConfig(hierarchical_softmax=True, negative=0).negative == 0
    with pytest.raises(ConfigError, match="negative must be between 0 and 1000, got -1"):
        TrainConfig(hierarchical_softmax=True, negative=-1)


def test_defaults_are_those_of_gensim() -> None:
    from inspect import signature

    from gensim.models import Word2Vec

    gensim = {name: p.default for name, p in signature(Word2Vec.__init__).parameters.items()}
    ours = TrainConfig().to_dict()
    common = sorted(set(gensim) & set(ours))
    assert common == [
        "alpha", "cbow_mean", "epochs", "min_alpha", "negative", "ns_exponent", "sample", "seed",
        "shrink_windows", "vector_size", "window",
    ]  # fmt: skip
    assert {name: ours[name] for name in common} == {name: gensim[name] for name in common}


def test_settings_survive_a_dictionary() -> None:
    for config in (
        TrainConfig(vector_size=7, order="pair", seed=2**64 - 1),
        TrainConfig(architecture="cbow", cbow_mean=False),
        TrainConfig(hierarchical_softmax=True, negative=0),
    ):
        assert TrainConfig.from_dict(config.to_dict()) == config


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown setting size, workers; known are architecture, cbow_mean"):
        TrainConfig.from_dict({"size": 5, "workers": 2})


def test_numpy_scalars_are_taken_as_python_numbers() -> None:
    given = {
        "vector_size": np.int64(64), "seed": np.uint64(2**64 - 1), "alpha": np.float32(0.5), "min_alpha": 0,
        "loss": np.bool_(True), "shrink_windows": np.False_,
    }  # fmt: skip
    config = TrainConfig(**given)
    assert config == TrainConfig(
        vector_size=64, seed=2**64 - 1, alpha=0.5, min_alpha=0.0, loss=True, shrink_windows=False
    )
    assert {name: type(getattr(config, name)) for name in given} == {
        "vector_size": int, "seed": int, "alpha": float, "min_alpha": float, "loss": bool,
        "shrink_windows": bool,
    }  # fmt: skip
    assert json.loads(json.dumps(config.to_dict())) == config.to_dict()


@pytest.mark.parametrize("value", [np.bool_(True), np.float64(3.0), None, "3"])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="window must be a whole number, got"):
        TrainConfig(window=value)
