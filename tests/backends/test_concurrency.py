"""How many segments the CUDA backend may have in flight: by corpus, by vocabulary, at least one."""

import numpy as np
import pytest

from full_w2v.backends.concurrency import MOST_STEP, STEP_OF_A_WORD, WORDS_FOR_EACH_IN_FLIGHT, most_in_flight
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.vocabulary import Vocabulary


def sentences(words: int, length: int) -> EncodedCorpus:
    return EncodedCorpus(np.zeros(words, np.int32), np.arange(0, words + 1, length, dtype=np.int64))


def vocabulary(*counts: int) -> Vocabulary:
    return Vocabulary([f"w{i}" for i in range(len(counts))], np.array(counts, np.int64))


def config(**settings: object) -> TrainConfig:
    return TrainConfig(**{"sample": 0.0, "epochs": 5, "window": 5, "alpha": 0.025, **settings})


MANY = vocabulary(*[100] * 10_000)  # so many that no row is ever in many rings


@pytest.mark.parametrize(
    ("length", "settings", "held"),
    [
        (1_000, {}, 11),  # the ring's words
        (4, {}, 4),  # the sentence's
        (1_000, {"window": 2}, 5),
        (8_192, {}, 11),
    ],
)
def test_a_small_corpus_limits_the_words_in_flight(length: int, settings: dict[str, int], held: int) -> None:
    tokens = sentences(1_024_000, length)
    expected = 5 * 1_024_000 / WORDS_FOR_EACH_IN_FLIGHT / held
    assert most_in_flight(MANY, tokens, config(**settings)) == int(expected)
    assert most_in_flight(MANY, tokens, config(**settings, epochs=10)) == int(2 * expected)


@pytest.mark.parametrize(
    ("words", "step"), [(10_000_000, 5 * 10_000_000 * STEP_OF_A_WORD), (100_000_000, MOST_STEP)]
)
def test_a_frequent_word_limits_the_copies_of_its_row(words: int, step: float) -> None:
    one_in_five = vocabulary(200, *[1] * 800)
    tokens = sentences(words, 1_000)
    expected = step / 0.025 / 0.2 / 11
    assert most_in_flight(one_in_five, tokens, config()) == int(expected)
    # At half the rate twice as many copies do as much harm.
    assert most_in_flight(one_in_five, tokens, config(alpha=0.0125)) == int(2 * expected)


def test_subsampling_counts_before_the_limits_are_taken() -> None:
    frequent = vocabulary(1_000_000, *[10] * 100_000)  # every second token
    tokens = sentences(100_000_000, 1_000)
    assert most_in_flight(frequent, tokens, config(sample=1e-4)) > 10 * most_in_flight(
        frequent, tokens, config()
    )


@pytest.mark.parametrize("tokens", [1, 50])
def test_the_smallest_corpus_trains_one_segment_at_a_time(tokens: int) -> None:
    assert most_in_flight(vocabulary(tokens), sentences(tokens, tokens), config()) == 1


def test_a_rate_of_zero_harms_nothing() -> None:
    still = most_in_flight(MANY, sentences(1_000_000, 1_000), config(alpha=0.0, min_alpha=0.0))
    assert still == int(config().epochs * 1_000_000 / WORDS_FOR_EACH_IN_FLIGHT / 11)
