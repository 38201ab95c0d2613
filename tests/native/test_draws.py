"""The generator against its published vectors, C++ draws against the oracle's, and draws against their laws.

Seeds are fixed: a test of chance passes always or never. Under the right law a p-value is uniform, so that
with the bound at 1e-4 the 15 such tests of this file had a chance of 0.15 % of an unlucky seed between them;
samples are so large that an exponent off by 0.01 has a p-value below 1e-9.
"""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from full_w2v import _native
from full_w2v.backends import reference
from full_w2v.encoding.sampling_tables import keep_probability, keep_thresholds, noise_table

UNLIKELY = 1e-4
NO_NOISE = noise_table(np.array([1]), 1.0)
# The known-answer vectors that Random123 publishes for philox4x32 with 10 rounds: counter, key, result.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


def oracle(seed, epoch, *, window, shrink, noise, negative):
    keep = np.zeros(1, np.uint32)
    return reference.Settings(
        seed=np.uint64(seed),
        epoch=epoch,
        window=window,
        shrink_windows=shrink,
        negative=negative,
        share_negatives=1,
        pair_order=False,
        cbow_mean=True,
        hierarchical=False,
        keep=keep,
        noise=noise,
        path_offsets=np.zeros(1, np.int64),
        points=np.empty(0, np.int64),
        codes=np.empty(0, np.uint8),
    )


def draws(count, *, window=5, shrink=True, noise=NO_NOISE, negative=1):
    return _native.token_draws(np.arange(count), 1, 0, window, shrink, noise, negative)


def zipf(vocabulary):
    return 20_000 // np.arange(1, vocabulary + 1)


# The generator


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, answer):
    low, high = words(key)
    seed = high << 32 | low
    assert _native.philox(np.array([words(counter)], np.uint32), seed)[0].tolist() == words(answer)
    block = reference.philox(tuple(np.uint64(word) for word in words(counter)), np.uint64(seed))
    assert [int(word) for word in block] == words(answer)


@pytest.mark.parametrize("position", [0, 3, 1025, 2**32 - 1, 2**32, 2**40 + 5])
def test_draws_are_the_generators_words_that_the_contract_names(position):
    seed, epoch, window, negative = 2**63 + 9, 4, 1000, 9
    table = noise_table(zipf(50), 0.75)
    low, high = position & 0xFFFFFFFF, position >> 32
    quarter = position >> 2
    counters = [
        [quarter & 0xFFFFFFFF, quarter >> 32, epoch, 0],
        *([low, high, epoch, 1 + i] for i in range(3)),
    ]
    blocks = _native.philox(np.array(counters, np.uint32), seed)
    own = blocks[1:].ravel().astype(np.uint64)
    keep, radius, negatives = _native.token_draws(
        np.array([position]), seed, epoch, window, True, table, negative
    )
    assert keep[0] == blocks[0, position & 3]
    assert radius[0] == 1 + (int(own[0]) * window >> 32)
    slots = own[1 : 1 + negative] * np.uint64(50)
    fraction, slot = slots & np.uint64(0xFFFFFFFF), (slots >> np.uint64(32)).astype(int)
    assert negatives[0].tolist() == np.where(fraction < table[slot, 0], slot, table[slot, 1]).tolist()


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (1, 1), (2**64 - 1, 2**31 - 1), (2**32, 3)])
@pytest.mark.parametrize("shrink", [True, False])
def test_the_oracle_draws_what_native_code_draws(seed, epoch, shrink):
    table = noise_table(zipf(1000), 0.75)
    positions = np.array([*range(40), 2**31 - 1, 2**31, 2**32, 2**40 + 3])
    settings = oracle(seed, epoch, window=7, shrink=shrink, noise=table, negative=15)
    native = _native.token_draws(positions, seed, epoch, 7, shrink, table, 15)
    assert [reference.keep_draw(settings, p) for p in positions] == native[0].tolist()
    assert [reference.radius(settings, p) for p in positions] == native[1].tolist()
    assert [reference.negatives(settings, p).tolist() for p in positions] == native[2].tolist()


def test_more_negatives_leave_the_first_ones_as_they_were():
    table = noise_table(zipf(1000), 0.75)
    few, many = draws(100, noise=table, negative=5), draws(100, noise=table, negative=15)
    assert np.array_equal(few[0], many[0])
    assert np.array_equal(few[1], many[1])
    assert np.array_equal(few[2], many[2][:, :5])


# Negatives

NOISE = [
    pytest.param(zipf(5000), 0.75, id="word2vec"),
    pytest.param(zipf(5000), 1.0, id="unigram"),
    pytest.param(zipf(5000), 0.0, id="uniform"),
    pytest.param(zipf(5000), -0.5, id="rare words first"),
    pytest.param(np.array([1]), 0.75, id="one word"),
    pytest.param(np.array([3, 1]), 0.75, id="two words"),
    pytest.param(np.array([10**9, 1]), 1.0, id="a rare word"),
    pytest.param(np.full(7, 4), 0.75, id="equal counts"),
]


def noise_law(counts, exponent):
    weights = counts.astype(np.float64) ** exponent
    return weights / weights.sum()


@pytest.mark.parametrize(("counts", "exponent"), NOISE)
def test_the_alias_table_holds_the_noise_distribution(counts, exponent):
    table, slots = noise_table(counts, exponent).astype(np.int64), len(counts)
    share = [Fraction(0)] * slots
    for slot, (threshold, alias) in enumerate(table.tolist()):
        own = Fraction(threshold, 2**32)
        share[slot] += own / slots
        share[alias] += (1 - own) / slots
    # A threshold is cut to 32 bits: each of the word's slots is off by less than 2^-32 / slots. Roundings of
    # the float64 weights come on top.
    parts = 1 + np.bincount(table[:, 1], minlength=slots)
    allowed = parts * 2.0**-32 / slots + 2.0**-52
    found = np.array([float(value) for value in share])
    assert (np.abs(found - noise_law(counts, exponent)) <= allowed).all()
    assert sum(share) == 1


@pytest.mark.parametrize(("counts", "exponent"), NOISE)
def test_every_32_bit_draw_together_gives_the_noise_distribution(counts, exponent):
    table, slots = noise_table(counts, exponent).tolist(), len(counts)
    share = np.zeros(slots)
    for slot, (threshold, alias) in enumerate(table):
        # Draws d with slot * 2^32 <= d * slots < slot * 2^32 + threshold, then those below (slot + 1) * 2^32.
        bounds = (slot << 32, (slot << 32) + threshold, (slot + 1) << 32)
        first, middle, last = (-(-bound // slots) for bound in bounds)
        share[slot] += (middle - first) / 2**32
        share[alias] += (last - middle) / 2**32
    parts = 1 + np.bincount([alias for _, alias in table], minlength=slots)
    assert (np.abs(share - noise_law(counts, exponent)) <= 2 * (parts + 1) * 2.0**-32).all()


@pytest.mark.parametrize(("counts", "exponent"), NOISE)
def test_negatives_follow_the_noise_distribution(counts, exponent):
    negatives = draws(200_000, noise=noise_table(counts, exponent), negative=10, window=1)[2]
    observed = np.bincount(negatives.ravel(), minlength=len(counts))
    assert len(observed) == len(counts)
    expected = noise_law(counts, exponent) * negatives.size
    # Chi-square wants at least 5 expected of each kind (Cochran 1954): rarer words are counted together.
    rare = expected < 5
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 5:
        assert observed[-1] < 10
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    assert len(observed) == 1 or stats.chisquare(observed, expected).pvalue > UNLIKELY


def test_the_sample_of_negatives_tells_neighbouring_exponents_apart():
    negatives = draws(200_000, noise=noise_table(zipf(5000), 0.75), negative=10)[2]
    observed = np.bincount(negatives.ravel(), minlength=5000)
    wrong = noise_law(zipf(5000), 0.74) * negatives.size
    assert stats.chisquare(observed, wrong).pvalue < 1e-9


@pytest.mark.parametrize(
    ("weights", "message"), [([], "got 0"), ([0.0], "positive"), ([1.0, -1.0], "at index 1")]
)
def test_a_table_of_impossible_weights_is_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        _native.alias_table(np.array(weights))


def test_a_table_whose_aliases_are_out_of_range_is_refused():
    with pytest.raises(ValueError, match="out of range"):
        draws(1, noise=np.array([[0, 1]], np.uint32))


# Subsampling and radius


@pytest.mark.parametrize("sample", [1e-2, 1e-3, 1e-4])
def test_words_are_kept_as_often_as_the_formula_says(sample):
    counts = zipf(200)
    probability, threshold = keep_probability(counts, sample), keep_thresholds(counts, sample)
    keep = draws(200 * 10_000)[0].reshape(10_000, 200)
    kept = (keep <= threshold).sum(axis=0)
    chance = probability < 1
    assert (kept[~chance] == 10_000).all()
    mean, variance = 10_000 * probability[chance], 10_000 * (probability * (1 - probability))[chance]
    deviation = ((kept[chance] - mean) ** 2 / variance).sum()
    assert chance.any()
    assert stats.chi2.sf(deviation, chance.sum()) > UNLIKELY


def test_sample_zero_keeps_every_draw():
    assert (keep_thresholds(zipf(10), 0.0) == 2**32 - 1).all()


def test_a_threshold_keeps_exactly_its_share_of_draws():
    counts = np.array([1, 10**6, 10**9])
    share = (keep_thresholds(counts, 1e-5).astype(np.int64) + 1) / 2**32
    probability = keep_probability(counts, 1e-5)
    assert (probability <= share).all()
    assert (share < probability + 2.0**-32).all()


@pytest.mark.parametrize("window", [1, 2, 5, 10, 1000])
def test_radii_are_uniform_from_one_to_the_window(window):
    radii = draws(500_000, window=window)[1]
    assert (radii.min(), radii.max()) == (1, window)
    assert window == 1 or stats.chisquare(np.bincount(radii)[1:]).pvalue > UNLIKELY


def test_fixed_windows_have_the_whole_radius():
    assert (draws(1000, window=7, shrink=False)[1] == 7).all()


def test_a_tokens_draws_are_independent_of_each_other_and_of_the_next_tokens():
    keep, radius, negatives = draws(200_000, noise=noise_table(np.ones(4), 1.0), negative=8)
    kept = (keep >> 30).astype(np.int64)
    columns = [kept, radius, *negatives.T, np.roll(kept, 1), np.roll(radius, 1), np.roll(negatives[:, 0], 1)]
    for i, first in enumerate(columns):
        for second in columns[i + 1 :]:
            table = np.bincount(first * 6 + second, minlength=36).reshape(6, 6)
            table = table[table.any(axis=1)][:, table.any(axis=0)]
            # 78 pairs of columns: their share of the bound.
            assert stats.chi2_contingency(table).pvalue > UNLIKELY / 78
