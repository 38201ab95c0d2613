"""What the kernels move, counted on the emulated device: the paper's saving comes out of a run."""

import numpy as np
import pytest
import traffic
from cuda_devices import Device, make_model

from full_w2v.backends.cuda import EMULATED
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus

WORDS, CONTEXTS, OUTPUTS, ROW = 60, 6, 6, 512  # of a sentence; of a full window; bytes


@pytest.fixture(scope="module")
def counted():
    """Figures per trained word of each kernel, for d = 128, fixed windows of 3 and 5 negatives."""
    device = Device(EMULATED)
    tokens = EncodedCorpus.from_sentences([np.random.default_rng(1).integers(0, 5000, WORDS)])
    found = {}
    for kernel, order in traffic.KERNELS.items():
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
