"""Windows of any size: the longest sentence limits them, and radii are drawn from the window asked for."""

import numpy as np
import pytest
from contract_cases import assert_agrees, make_case, run_case

import full_w2v
from full_w2v import Word2Vec, _native
from full_w2v.backends.cpu import CpuBackend

LARGEST = 1_000_000_000


@pytest.mark.parametrize("level", _native.simd_levels())
@pytest.mark.parametrize("window", [1001, 5000, LARGEST])
@pytest.mark.parametrize(
    "kind", [{}, {"architecture": "cbow"}, {"share_negatives": 3}, {"order": "pair"}], ids=str
)
def test_a_window_beyond_every_sentence_agrees_with_the_oracle(level: str, window: int, kind: dict) -> None:
    short = {"vector_size": 9, "sample": 0, "lengths": (30, 1, 0, 7), "vocabulary": 300}
    for shrink in (True, False):
        assert_agrees(
            CpuBackend(level), make_case("wide", window=window, shrink_windows=shrink, **short, **kind)
        )


def test_radii_are_drawn_from_the_window_that_was_asked_for() -> None:
    """A window of twice a sentence leaves half of the centres their whole sentence, not all of them."""
    pairs = {}
    for window in (20, 40, LARGEST):
        case = make_case("drawn", window=window, sample=0, lengths=(20,) * 50, vocabulary=300, negative=1)
        pairs[window] = run_case(CpuBackend(), case).stats.pairs
    assert pairs[20] < 0.9 * pairs[40] < 0.9 * pairs[LARGEST]


def test_fixed_windows_beyond_the_sentence_give_the_bits_of_the_sentence() -> None:
    draw = np.random.default_rng(1)
    sentences = [[f"w{i}" for i in draw.integers(0, 50, 30)] for _ in range(20)]
    fixed = {
        "shrink_windows": False,
        "min_count": 1,
        "sample": 0,
        "threads": 1,
        "vector_size": 8,
        "backend": "cpu",
    }
    exact = full_w2v.train(sentences, window=29, **fixed).model.input
    np.testing.assert_array_equal(full_w2v.train(sentences, window=LARGEST, **fixed).model.input, exact)


def test_the_drop_in_takes_any_window_as_gensim() -> None:
    sentences = [["a", "b", "c", "d"] * 5] * 20
    for sg in (0, 1):
        model = Word2Vec(sentences, sg=sg, window=100_000, min_count=1, vector_size=8, workers=1, sample=0)
        assert np.isfinite(model.wv.vectors).all()
