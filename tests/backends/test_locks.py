"""Locked input rows: each takes its share of its change, on every instruction set as in the oracle."""

from typing import Any

import numpy as np
import pytest

from full_w2v import _native
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.reference import ReferenceBackend
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

WORDS, DIMENSION = 12, 37
SETTINGS: list[dict[str, Any]] = [
    {},
    {"loss": True},
    {"negative": 3, "window": 2},
    {"share_negatives": 4},
    {"architecture": "cbow"},
    {"architecture": "cbow", "cbow_mean": False},
    {"hierarchical_softmax": True},
    {"hierarchical_softmax": True, "negative": 0},
    {"hierarchical_softmax": True, "architecture": "cbow"},
]


def corpus() -> EncodedCorpus:
    """Short and long sentences over few words, so that windows repeat them."""
    draw = np.random.default_rng(2)
    return EncodedCorpus.from_sentences([draw.integers(0, WORDS, n).tolist() for n in (1, 2, 5, 40, 1500)])


def trained(backend: Any, locks: np.ndarray | None, settings: dict[str, Any]) -> Model:
    config = TrainConfig(
        vector_size=DIMENSION, epochs=1, alpha=0.05, min_alpha=0.05, sample=0, threads=1, **settings
    )
    vocabulary = Vocabulary([f"w{i}" for i in range(WORDS)], np.arange(WORDS, 0, -1) * 50)
    model = Model.initialize(vocabulary, config)
    model.output[:] = np.random.default_rng(4).normal(0, 0.1, model.output.shape)
    model.locks = locks
    backend.load(model)
    backend.train(corpus(), 0, corpus().tokens, 0)
    backend.read(model)
    backend.close()
    return model


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("simd", _native.simd_levels())
def test_locks_agree_with_the_oracle(simd: str, settings: dict[str, Any]) -> None:
    locks = np.resize(np.array([0.0, 1.0, 0.25], np.float32), WORDS)
    found = trained(CpuBackend(simd), locks, settings)
    expected = trained(ReferenceBackend(), locks, settings)
    for matrix, exact in ((found.input, expected.input), (found.output, expected.output)):
        # 1,548 windows in float32 against float64, over rows of lengths around 1.
        np.testing.assert_allclose(matrix, exact, atol=2e-4)
    untrained = trained(ReferenceBackend(), np.zeros(WORDS, np.float32), settings).input
    np.testing.assert_array_equal(found.input[::3], untrained[::3])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_locks_of_0_change_no_input_row_and_locks_of_1_nothing_else(settings: dict[str, Any]) -> None:
    free = trained(ReferenceBackend(), None, settings)
    open_locks = trained(ReferenceBackend(), np.ones(WORDS, np.float32), settings)
    # before + 1 (after - before) rounds once more than `after`.
    np.testing.assert_allclose(open_locks.input, free.input, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(open_locks.output, free.output, rtol=1e-6, atol=1e-7)
    native = trained(CpuBackend(), np.ones(WORDS, np.float32), settings)
    np.testing.assert_allclose(native.input, free.input, atol=2e-4)
    locked = trained(CpuBackend(), np.zeros(WORDS, np.float32), settings)
    start = Model.initialize(locked.vocabulary, locked.config)
    np.testing.assert_array_equal(locked.input, start.input)
    assert not np.array_equal(np.vstack(locked.matrices[1:]), np.vstack(free.matrices[1:]))


def test_pair_order_has_no_locks() -> None:
    with pytest.raises(ValueError, match="locks need window order, got pair order"):
        trained(CpuBackend(), np.zeros(WORDS, np.float32), {"order": "pair"})
