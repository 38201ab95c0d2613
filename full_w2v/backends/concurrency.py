"""How many segments a GPU may train concurrently without losing quality.

A concurrent segment trains copies: it does not see what others change in the meantime, and others see its
changes only when a word has left its ring. Two effects follow, and each sets a limit:

- a large part of a small corpus is trained at once, from rows that still lack most changes;
- a frequent word of a small vocabulary is in many rings at once, and all their steps add up.

The numbers come from scripts/benchmark/staleness.py, which trains that way on the CPU; the README next to it
holds the table.
"""

import numpy as np
from numpy.typing import NDArray

from full_w2v.backends.schedule import SEGMENT_TOKENS
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import keep_thresholds
from full_w2v.vocabulary import Vocabulary

# Words trained in all epochs together, for each one whose changes are held back.
WORDS_FOR_EACH_IN_FLIGHT = 100_000
# Copies of the most frequent word's row in rings at the same time, times the learning rate of each: at most,
# and for each word trained. Training diverged at 7, where it had not at 3.
MOST_STEP = 2.0
STEP_OF_A_WORD = 1 / 50_000_000


def _segments(offsets: NDArray[np.int64]) -> int:
    """How many segments the sentences are cut into, looked at in pieces: large corpora are mapped."""
    piece = 1 << 20
    starts = range(0, len(offsets) - 1, piece)
    lengths = (np.diff(offsets[start : start + piece + 1]) for start in starts)
    return sum(int((-(-length // SEGMENT_TOKENS)).sum()) for length in lengths)


def most_in_flight(vocabulary: Vocabulary, corpus: EncodedCorpus, config: TrainConfig) -> int:
    """Segments that may be in flight at once, at least 1.

    With K the words that subsampling leaves of an epoch, E epochs, S segments and p the most frequent
    word's share of K, a segment holds back h = min(2 W + 1, K / S) words, and B may be in flight if

        B h <= E K / WORDS_FOR_EACH_IN_FLIGHT     alpha B h p <= min(MOST_STEP, E K STEP_OF_A_WORD)
    """
    kept = vocabulary.counts * ((keep_thresholds(vocabulary.counts, config.sample) + 1.0) / 2**32)
    words = corpus.tokens * kept.sum() / vocabulary.counts.sum()
    segments = _segments(corpus.offsets)
    held = min(2 * config.window + 1, max(1.0, words / max(1, segments)))
    trained = config.epochs * words
    step = config.alpha * kept.max() / kept.sum()  # of the row that is in most rings, for each word held back
    by_vocabulary = min(MOST_STEP, trained * STEP_OF_A_WORD) / max(step, 1e-12)
    return max(1, int(min(trained / WORDS_FOR_EACH_IN_FLIGHT, by_vocabulary) / held))
