"""The learning rate over a training, and the segments that each take one rate."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from full_w2v.config import TrainConfig

# Tokens of a sentence that share one learning rate: kSegmentTokens of csrc/contract/params.h.
SEGMENT_TOKENS = 1024


def learning_rate(
    config: TrainConfig, corpus_tokens: int, epoch: int, tokens: ArrayLike
) -> NDArray[np.float64]:
    """Learning rate once `tokens` of an epoch's tokens have passed.

    alpha - (alpha - min_alpha) * (epoch * T + tokens) / (epochs * T): linear over the tokens of all epochs.
    A segment trains at the rate of its first token, regardless of which thread trains it and when.

    corpus_tokens: T, tokens of the encoded corpus, subsampled or not.
    epoch: 0 ... config.epochs - 1.
    tokens: encoded tokens of this epoch before the segment, 0 ... T; any shape.
    Returns: the rates, in the shape of `tokens`.
    Raises ValueError if the corpus has no tokens.
    """
    if corpus_tokens < 1:
        raise ValueError(f"corpus_tokens must be positive, got {corpus_tokens}")
    passed = epoch * float(corpus_tokens) + np.asarray(tokens, np.float64)
    share = passed / (config.epochs * float(corpus_tokens))
    return np.asarray(config.alpha - (config.alpha - config.min_alpha) * share)


def segments(sentence_begin: int, sentence_end: int) -> Iterator[tuple[int, int]]:
    """Token ranges (begin, end) of a sentence's segments: SEGMENT_TOKENS each, the last one what is left."""
    for begin in range(sentence_begin, sentence_end, SEGMENT_TOKENS):
        yield begin, min(begin + SEGMENT_TOKENS, sentence_end)
