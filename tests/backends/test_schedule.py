import numpy as np
import pytest

from full_w2v import _native
from full_w2v.backends.schedule import SEGMENT_TOKENS, learning_rate, segments
from full_w2v.config import TrainConfig

CONFIG = TrainConfig(alpha=0.025, min_alpha=1e-4, epochs=5)


def test_the_rate_falls_from_alpha_to_min_alpha():
    assert learning_rate(CONFIG, 1000, 0, 0) == 0.025
    assert learning_rate(CONFIG, 1000, 4, 1000) == pytest.approx(1e-4, rel=1e-12)
    # Halfway through five epochs is halfway through the third.
    assert learning_rate(CONFIG, 1000, 2, 500) == pytest.approx((0.025 + 1e-4) / 2, rel=1e-12)


def test_equal_steps_lower_the_rate_equally_even_from_one_epoch_to_the_next():
    rates = np.concatenate(
        [learning_rate(CONFIG, 1000, epoch, np.arange(0, 1000, 100)) for epoch in range(5)]
    )
    np.testing.assert_allclose(np.diff(rates), -(0.025 - 1e-4) / 50, rtol=1e-9)


def test_alpha_equal_to_min_alpha_keeps_the_rate():
    constant = TrainConfig(alpha=0.03, min_alpha=0.03)
    assert (learning_rate(constant, 10, 3, np.arange(10)) == 0.03).all()


@pytest.mark.parametrize(("alpha", "min_alpha"), [(0.025, 1e-4), (0.05, 0.0), (10.0, 0.3)])
@pytest.mark.parametrize("tokens", [1, 17_005_207, 10**12])
def test_the_native_rate_is_the_same_in_float32(alpha, min_alpha, tokens):
    config = TrainConfig(alpha=alpha, min_alpha=min_alpha, epochs=3)
    begins = np.linspace(0, tokens - 1, 1001).astype(np.int64)
    for epoch in range(3):
        native = _native.learning_rates(alpha, min_alpha, 3, tokens, epoch, begins)
        exact = learning_rate(config, tokens, epoch, begins)
        # alpha, min_alpha and the result are rounded to float32, each by at most alpha * 2^-24.
        np.testing.assert_allclose(native, exact, rtol=0, atol=3 * alpha * 2.0**-24)


def test_a_corpus_without_tokens_has_no_rate():
    with pytest.raises(ValueError, match="corpus_tokens must be positive, got 0"):
        learning_rate(CONFIG, 0, 0, 0)


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 2048, 5000])
def test_segments_cover_a_sentence_once_and_begin_every_1024_tokens(length):
    parts = list(segments(7, 7 + length))
    assert [token for begin, end in parts for token in range(begin, end)] == list(range(7, 7 + length))
    assert [begin for begin, _ in parts] == list(range(7, 7 + length, 1024))


def test_python_and_native_code_cut_the_same_segments():
    assert SEGMENT_TOKENS == _native.SEGMENT_TOKENS
