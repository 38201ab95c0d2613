"""What the kernels move, counted on the emulated device: the paper's saving comes out of a run."""

import instructions
import numpy as np
import pytest
import traffic
from cuda_devices import Device, make_model

from full_w2v.backends.cuda import EMULATED
from full_w2v.bench.kernel_counts import load_costs
from full_w2v.bench.throughput import zipf_corpus
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus

WORDS, CONTEXTS, OUTPUTS, ROW = 60, 6, 6, 512  # of a sentence; of a full window; bytes


@pytest.fixture(scope="module")
def counted():
    """Figures per trained word of each kernel, for d = 128, fixed windows of 3 and 5 negatives."""
    device = Device(EMULATED)
    tokens = EncodedCorpus.from_sentences([np.random.default_rng(1).integers(0, 5000, WORDS)])
    found = {}
    for kernel, order in traffic.ORDERS.items():
        config = TrainConfig(
            vector_size=128, window=3, shrink_windows=False, negative=5, sample=0.0, epochs=1, order=order
        )
        found[kernel] = traffic.measure(kernel, make_model(config, np.full(5000, 9)), tokens)
    yield found
    device.configure()


@pytest.mark.parametrize("kernel", ["block", "warp"])
def test_the_ring_saves_89_percent_of_the_pair_kernels_traffic(counted, kernel: str) -> None:
    assert counted[kernel]["rows"]["total"] <= 7200
    assert counted[kernel]["bytes"] <= 0.11 * counted["pair"]["bytes"]


def test_each_kernel_moves_the_rows_that_its_header_says(counted) -> None:
    # 12 contexts fewer in a sentence: three words at each end lack some. No negative equals its target here.
    contexts = CONTEXTS - 12 / WORDS
    expected = {
        "pair": 4 * contexts * OUTPUTS * ROW,
        "register": (2 * contexts * OUTPUTS + 2 * OUTPUTS) * ROW,
        "block": (2 + 2 * OUTPUTS) * ROW,
        "warp": (2 + 2 * OUTPUTS) * ROW,
    }
    for kernel, rows in expected.items():
        assert counted[kernel]["rows"]["total"] == pytest.approx(rows, rel=1e-12)
        # Dense: a request of 32 lanes touches four sectors of 32 bytes.
        sectors = counted[kernel]["rows"]["sectors"]
        assert 32 * sum(sectors.values()) == pytest.approx(rows, rel=1e-12)


@pytest.mark.parametrize("kernel", traffic.ORDERS)
def test_saved_counts_are_what_a_run_counts(kernel: str) -> None:
    """`scripts/benchmark/roofline.py --save-counts` counts from PTX; this is the emulator's own count."""
    vocabulary, tokens = zipf_corpus(1000, 200)
    model = make_model(instructions.make_config(128, 3, False, 5, traffic.ORDERS[kernel]), vocabulary.counts)
    found, saved = traffic.measure(kernel, model, tokens), load_costs()[kernel].counts
    for access in ("load", "atomic"):
        sectors = sum(found[part]["sectors"][access] for part in ("rows", "ids", "draws"))
        # Saved counts are of a longer sentence, whose ends weigh less.
        assert getattr(saved, f"{access}_sectors") == pytest.approx(sectors, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_row_rates_are_of_all_the_rows_listed(seed: int) -> None:
    device = Device(EMULATED)
    device.configure(f"seed={seed},check=1")
    rows = np.random.default_rng(1).integers(0, 50, 70, dtype=np.int32)
    assert device.emulator.row_uses() == ["load", "load 16 bytes", "add"]  # compute capability 8.6
    for use in device.emulator.row_uses():
        found = device.emulator.row_rate(use=use, vocabulary=50, stride=104, rows=rows, passes=2)
        assert found["values"] == 70 * 104
        assert found["seconds"] > 0
    device.configure()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"use": "add 16 bytes"}, "use must be one of row_uses"),
        ({"rows": np.array([0, 9], np.int32)}, "rows must be ids of the vocabulary, got 9"),
        ({"rows": np.zeros(0, np.int32)}, "rows must be a list of at least 1, got 0"),
        ({"stride": 12}, "stride must be a multiple of 8, got 12"),
        ({"passes": 0}, "passes must be at least 1, got 0"),
        ({"vocabulary": 0}, "vocabulary must be at least 1, got 0"),
    ],
)
def test_row_rates_refuse_what_they_cannot_measure(wrong: dict[str, object], message: str) -> None:
    arguments = {"use": "load", "vocabulary": 9, "stride": 8, "rows": np.zeros(3, np.int32), "passes": 1}
    with pytest.raises(ValueError, match=message):
        Device(EMULATED).emulator.row_rate(**{**arguments, **wrong})
