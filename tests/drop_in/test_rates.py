"""Learning rates: those of the settings, of arguments, and of corpora in pieces."""

import numpy as np
import pytest
from small_models import SENTENCES, TINY, TOKENS, Rates, built

from full_w2v import Word2Vec
from full_w2v.errors import BackendError


def test_rates_given_to_train_stay_with_the_model() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    model.train(SENTENCES, total_examples=1200, epochs=1, start_alpha=0.01, end_alpha=0.002)
    assert (model.alpha, model.min_alpha) == (0.01, 0.002)
    assert model.min_alpha_yet_reached == pytest.approx(0.002)
    fresh = Word2Vec(SENTENCES, **{**TINY, "epochs": 1, "alpha": 0.01, "min_alpha": 0.002})
    np.testing.assert_array_equal(model.wv.vectors, fresh.wv.vectors)


def test_a_rate_that_rises_again_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    assert "Effective 'alpha' higher" not in caplog.text
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert "Effective 'alpha' higher than previous training cycles" in caplog.text


def test_a_rate_below_min_alpha_is_min_alpha() -> None:
    low = Word2Vec(SENTENCES, **TINY, alpha=0.001, min_alpha=0.02)
    constant = Word2Vec(SENTENCES, **TINY, alpha=0.02, min_alpha=0.02)
    np.testing.assert_array_equal(low.wv.vectors, constant.wv.vectors)


def test_a_training_that_diverges_is_an_error() -> None:
    # A step of 10 is far beyond 1, where a pair's own gradient step stops shrinking its error.
    with pytest.raises(BackendError, match=r"training diverged: .* lower alpha, which was 10"):
        Word2Vec(SENTENCES, sg=1, vector_size=8, alpha=10.0, min_alpha=10.0, epochs=50, workers=1)


def test_the_rate_falls_by_the_share_that_the_corpus_is_of_the_announced_one() -> None:
    for count in ({"total_examples": 4 * len(SENTENCES)}, {"total_words": 4 * TOKENS}):
        rates = Rates()
        model = built()
        model.train(SENTENCES, epochs=2, start_alpha=0.02, end_alpha=0.01, callbacks=[rates], **count)
        # Epochs begin at 0.02 and 0.015, and fall by a quarter of 0.005.
        assert rates.epochs == pytest.approx([0.01875, 0.01375])
        assert rates.batches[-1].learning_rate == pytest.approx(0.01375)


def test_a_corpus_in_pieces_trains_at_the_rates_of_the_whole() -> None:
    rates = Rates()
    model = built()
    for piece in (SENTENCES[:600], SENTENCES[600:]):
        model.train(piece, total_examples=1200, epochs=1, callbacks=[rates])
    assert rates.epochs == pytest.approx([0.01255, 0.01255])  # half way from 0.025 to 0.0001, twice


def test_more_sentences_than_announced_train_on_at_the_least_rate() -> None:
    rates = Rates()
    model = built()
    trained = model.train(SENTENCES, total_examples=100, epochs=2, callbacks=[rates])
    assert trained == (2 * TOKENS, 2 * TOKENS)
    assert rates.batches[-1].learning_rate == pytest.approx(model.min_alpha)
