"""The tables that training draws from: which words survive subsampling, and which are drawn as negatives."""

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native


def keep_probability(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """Probability of keeping each word when frequent words are subsampled.

    p(w) = min(1, sqrt(t / f) + t / f), f the word's share of all tokens: word2vec.c's formula
    (the paper, Mikolov et al. 2013 eq. 5, omits the second term).

    counts: occurrences per word id, shape [vocabulary], all positive.
    sample: t, a share of tokens (no unit), usually 1e-5 to 1e-3; 0 keeps every word.
    Returns: shape [vocabulary], values in (0, 1].
    Raises ValueError if a count is not positive or sample is negative.
    """
    if counts.size and counts.min() <= 0:
        raise ValueError(f"counts must be positive, got {counts.min()} for word id {int(counts.argmin())}")
    if sample < 0:
        raise ValueError(f"sample must not be negative, got {sample}")
    if sample == 0:
        return np.ones(counts.shape)
    ratio: NDArray[np.float64] = sample * counts.sum() / counts
    keep: NDArray[np.float64] = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return keep


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint32]:
    """Per word the largest 32-bit draw that keeps it: ceil(p * 2^32) - 1 for `keep_probability` p.

    counts, sample: as for `keep_probability`. Returns: uint32, shape [vocabulary].
    """
    return (np.ceil(keep_probability(counts, sample) * 2.0**32) - 1).astype(np.uint32)


def noise_table(counts: NDArray[np.int64], exponent: float) -> NDArray[np.uint32]:
    """Alias table of the noise distribution p(w) ~ count(w) ** exponent (Mikolov et al. 2013, section 2.2).

    counts: occurrences per word id, shape [vocabulary], all positive.
    Returns: uint32, shape [vocabulary, 2]: each slot's threshold (of 2^32) and alias.
    """
    return _native.alias_table(counts.astype(np.float64) ** exponent)
