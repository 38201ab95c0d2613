"""Objectives: what derives from them, for those of the package and for one that is registered only here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import full_w2v
from full_w2v import objectives
from full_w2v.backends import BACKENDS, open_backend, reference
from full_w2v.cli import main
from full_w2v.config import TrainConfig, setting_names
from full_w2v.errors import BackendError, ConfigError
from full_w2v.objectives import Matrix, Objective

SENTENCES = [["red", "green", "blue"], ["green", "blue", "sky"], ["red", "sky"]] * 20
SETTINGS = {"vector_size": 6, "min_count": 1, "sample": 0, "epochs": 2, "threads": 1, "window": 2}


def toy_steps(
    settings: reference.Settings, matrices: reference.Matrices, tile: reference.Tile, rate: float
) -> tuple[int, float]:
    """Skip-gram at half the rate, which counts each centre in a third matrix."""
    matrices.output[len(matrices.input) + tile.outputs[0], 0] += 1
    return reference.window_steps(settings, matrices, tile, rate / 2)


TOY = Objective(
    name="toy",
    role="architecture",
    setting="architecture",
    value="toy",
    option="--toy",
    help="half as fast",
    unused="without --toy",
    owns=("ns_exponent",),
    needs={"order": "window"},
    matrices=(Matrix("input"), Matrix("output"), Matrix("centres")),
    step=f"{__name__}:toy_steps",
)


def exit_code(arguments: list[str]) -> object:
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


@pytest.fixture
def toy() -> Iterator[Objective]:
    objectives.register(TOY)
    yield TOY
    objectives.unregister(TOY)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(" ".join(words) for words in SENTENCES) + "\n")
    return path


@pytest.mark.usefixtures("toy")
def test_a_registered_objective_trains_and_is_saved_whole(tmp_path: Path) -> None:
    result = full_w2v.train(SENTENCES, architecture="toy", backend="reference", **SETTINGS)
    plain = full_w2v.train(SENTENCES, alpha=0.0125, min_alpha=5e-5, backend="reference", **SETTINGS)
    np.testing.assert_allclose(result.model.input, plain.model.input, rtol=1e-5, atol=1e-7)
    assert result.model.matrix("centres")[:, 0].sum() == result.report.trained_words
    result.save(tmp_path / "m.safetensors")
    loaded = full_w2v.load_model(tmp_path / "m.safetensors")
    for name in ("input", "output", "centres"):
        np.testing.assert_array_equal(loaded.matrix(name), result.model.matrix(name))
    assert loaded.config.architecture == "toy"


@pytest.mark.usefixtures("toy")
def test_a_registered_objective_has_its_option(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "m.safetensors"
    command = ["train", str(corpus), "--output", str(output), "--vector-size", "4", "--sample", "0"]
    assert main([*command, "--toy", "--backend", "reference", "--ns-exponent", "0.5"]) == 0
    assert full_w2v.load_model(output).config.architecture == "toy"
    capsys.readouterr()
    for options, message in (
        (["--toy", "--order", "pair"], "--toy needs --order window, got --order pair"),
        (["--ns-exponent", "0.5"], "--ns-exponent has no effect without --toy"),
        (["--toy", "--cbow"], "argument --cbow: not allowed with argument --toy"),
    ):
        assert exit_code([*command, *options]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("backend", ["cpu", "auto"])
def test_a_backend_that_lacks_an_objective_says_who_has_it(backend: str) -> None:
    def unread() -> Iterator[list[str]]:
        raise AssertionError("the corpus is not read")
        yield []

    message = "cpu trains skip-gram and cbow.* only, got architecture='toy'; use backend='reference'"
    with pytest.raises(BackendError, match=message):
        full_w2v.train(unread(), architecture="toy", backend=backend, **SETTINGS)


@pytest.mark.usefixtures("toy")
def test_an_objective_leaves_with_its_registration() -> None:
    with pytest.raises(ConfigError, match="an objective named 'toy' is already registered"):
        objectives.register(TOY)
    objectives.unregister(TOY)
    try:
        with pytest.raises(ConfigError, match=r"architecture must be one of skip-gram, cbow.*, got 'toy'"):
            TrainConfig(architecture="toy")
        with pytest.raises(SystemExit):
            main(["train", "corpus.txt", "--output", "v.txt", "--toy"])
    finally:
        objectives.register(TOY)


@pytest.mark.parametrize("one", objectives.objectives(), ids=lambda one: one.name)
def test_what_an_objective_names_is_there(one: Objective) -> None:
    names = setting_names(TrainConfig)
    assert {one.setting, *one.owns, *one.needs} <= set(names)
    assert one.backends[-1] == "reference"
    assert set(one.backends) <= set(BACKENDS)
    assert one.role == "output layer" or callable(getattr(reference, one.step.partition(":")[2]))


@pytest.mark.parametrize(
    ("settings", "matrices", "tables"),
    [
        ({}, ["input", "output"], {"noise"}),
        ({"architecture": "cbow"}, ["input", "output"], {"noise"}),
        ({"hierarchical_softmax": True}, ["input", "output", "inner"], {"noise", "tree"}),
        (
            {"architecture": "cbow", "hierarchical_softmax": True, "negative": 0},
            ["input", "output", "inner"],
            {"tree"},
        ),
    ],
)
def test_matrices_and_tables_follow_from_the_settings(
    settings: dict[str, object], matrices: list[str], tables: set[str]
) -> None:
    config = TrainConfig(**settings)
    assert [matrix.name for matrix in objectives.matrices_of(config)] == matrices
    assert objectives.tables_of(config) == tables
    assert open_backend("cpu", config).name == "cpu"


def test_the_cuda_backend_is_refused_before_the_corpus_is_read() -> None:
    for settings, message in (
        ({"architecture": "cbow"}, "cuda trains skip-gram only, got architecture='cbow'; use backend='cpu'"),
        (
            {"hierarchical_softmax": True},
            "cuda trains with negative sampling only, got hierarchical_softmax=True; use backend='cpu'",
        ),
    ):
        assert str(BackendError(objectives.refusal("cuda", TrainConfig(**settings)))) == message
