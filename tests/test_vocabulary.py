"""The vocabulary and the tables that training draws from."""

import numpy as np
import pytest

from full_w2v.encoding.sampling_tables import keep_probability, keep_thresholds, noise_table
from full_w2v.vocabulary import Vocabulary


def test_words_ids_and_tokens():
    vocabulary = Vocabulary(["the", "cat"], np.array([5, 2]))
    assert len(vocabulary) == 2
    assert "cat" in vocabulary
    assert "dog" not in vocabulary
    assert vocabulary.ids == {"the": 0, "cat": 1}
    assert vocabulary.tokens == vocabulary.raw_tokens == 7
    assert Vocabulary(["the"], np.array([5]), raw_tokens=9).raw_tokens == 9


def test_keep_probability_is_word2vecs():
    """word2vec.c keeps a word of count c out of n with probability (sqrt(c / (t n)) + 1) (t n) / c."""
    counts, sample = np.array([1000, 100, 10, 1]), 1e-2
    total = sample * counts.sum()
    expected = np.minimum(1, (np.sqrt(counts / total) + 1) * total / counts)
    np.testing.assert_allclose(keep_probability(counts, sample), expected, rtol=1e-15)
    assert keep_probability(counts, 0).tolist() == [1, 1, 1, 1]


def test_keep_thresholds_are_the_largest_draws_that_keep():
    thresholds = keep_thresholds(np.array([1000, 1]), 1e-3)
    probability = keep_probability(np.array([1000, 1]), 1e-3)
    assert thresholds.dtype == np.uint32
    assert thresholds[0] < probability[0] * 2.0**32 <= thresholds[0] + 1
    assert thresholds[1] == 2**32 - 1


@pytest.mark.parametrize(("counts", "sample"), [([3, 0], 1e-3), ([3, -1], 0.0), ([3], -1.0)])
def test_counts_and_samples_that_are_wrong(counts, sample):
    with pytest.raises(ValueError, match="must"):
        keep_probability(np.array(counts), sample)


def test_the_noise_table_holds_the_noise_distribution():
    counts = np.array([1000, 100, 10, 1])
    table = noise_table(counts, 0.75).astype(np.float64)
    kept = table[:, 0] / 2**32
    drawn = kept + np.bincount(table[:, 1].astype(int), 1 - kept, minlength=4)
    # Thresholds are cut to multiples of 2^-32, in each of the four slots.
    np.testing.assert_allclose(drawn / 4, counts**0.75 / (counts**0.75).sum(), atol=4 * 2.0**-32)
