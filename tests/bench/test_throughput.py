"""`full-w2v bench`: what it measures is there, adds up, and is put beside the model."""

import json

import numpy as np
import pytest

from full_w2v.backends.cuda import DEVICE_VARIABLE, EMULATED
from full_w2v.bench import throughput as bench
from full_w2v.bench.kernel_counts import ORDERS, load_costs
from full_w2v.cli import main
from full_w2v.errors import ConfigError

SMALL = bench.BenchSettings(words=1_000, vocabulary=300, repeats=1, threads=1)


@pytest.fixture(scope="module")
def emulated():
    return pytest.importorskip(
        "full_w2v._cuda_emulated", reason="needs full_w2v._cuda_emulated: build in place"
    )


@pytest.fixture(scope="module")
def on_cuda(emulated):
    """The bench of every kernel on the emulated device."""
    emulated.configure("shared_bytes=232448")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DEVICE_VARIABLE, EMULATED)
        yield bench.bench("cuda", SMALL)
    emulated.configure("")


def test_every_kernel_is_measured_beside_its_bounds(on_cuda) -> None:
    assert list(on_cuda["kernels"]) == list(ORDERS)
    costs = load_costs()
    for name, found in on_cuda["kernels"].items():
        assert found["words_per_second"] in found["runs"]
        assert 34 < found["pairs_per_word"] <= 36  # of whole windows, but at a sentence's ends
        assert found["bytes_per_second"] == pytest.approx(
            found["words_per_second"] * costs[name].counts.bytes
        )
        for key in ("model", "model_with_measured_rates"):
            model = found[key]
            assert model["most"] == min(model["limits"].values())
            assert model["share_of_most"] == pytest.approx(found["words_per_second"] / 1e6 / model["most"])
            assert model["least"] <= model["most"]


def test_measured_rates_take_the_place_of_what_the_table_does_not_know(on_cuda) -> None:
    rates = {(rate["use"], rate["rows"]): rate["bytes_per_second"] for rate in on_cuda["rates"]}
    loads = max(rates["load", "in the L2"], rates["load 16 bytes", "in the L2"])
    counts = load_costs()["warp"].counts
    # The emulated device loads faster than it adds; on either side of that a sector of atomics is worth more.
    worth = min(loads / rates["add", rows] for rows in ("in the L2", "by Zipf's law"))
    sectors = 32 * (counts.load_sectors + worth * counts.atomic_sectors)
    found = on_cuda["kernels"]["warp"]["model_with_measured_rates"]["limits"]["L2"]
    assert found == pytest.approx(loads / sectors / 1e6)


def test_times_of_the_emulated_device_are_said_to_mean_nothing(on_cuda) -> None:
    assert bench.MEANINGLESS in bench.to_text(on_cuda)
    assert on_cuda["device"]["name"] == "emulated device"
    assert json.loads(json.dumps(on_cuda)) is not None


def test_the_cpu_is_measured_by_its_multiply_adds() -> None:
    found = bench.bench("cpu", SMALL)
    cpu = found["kernels"]["cpu"]
    assert cpu["flops_per_second"] == pytest.approx(6 * 128 * cpu["pairs_per_word"] * cpu["words_per_second"])
    assert "GFLOP/s" in bench.to_text(found)


def test_the_command_prints_one_object(capsys) -> None:
    assert main(["bench", "--backend", "cpu", "--words", "1000", "--repeats", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backend"] == "cpu"


def test_without_a_device_bench_says_why(capsys, monkeypatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "99")
    assert main(["bench", "--backend", "cuda"]) == 1
    error = capsys.readouterr().err
    assert "cuda backend unavailable: " in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("words", 99), ("vocabulary", 9), ("repeats", 0), ("threads", -1)]
)
def test_settings_that_measure_nothing_are_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be at least .*, got {value}"):
        bench.BenchSettings(**{name: value})


def test_only_backends_that_train_text_are_measured() -> None:
    with pytest.raises(ConfigError, match="bench measures cpu or cuda, got 'reference'"):
        bench.bench("reference", SMALL)


def test_frequent_words_are_drawn_as_subsampling_leaves_them() -> None:
    vocabulary, corpus = bench.zipf_corpus(1_000, 200_000)
    share = np.bincount(corpus.ids, minlength=1_000) / corpus.tokens
    # sqrt(t / f) of the frequent ones: their shares are as sqrt(f), 1 / sqrt(rank).
    assert share[0] / share[15] == pytest.approx(4.0, rel=0.15)
    assert len(vocabulary) == 1_000
    assert np.diff(corpus.offsets).max() == bench.SENTENCE_WORDS
