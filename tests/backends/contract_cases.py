"""Awkward trainings on which every backend must agree with the oracle, and how closely float32 can agree.

@pytest.mark.parametrize("case", CASES, ids=str)
def test_my_backend_computes_the_contract(case):
    assert_agrees(MyBackend(), case)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from full_w2v.backends.base import Backend, SpanStats
from full_w2v.backends.reference import NO_PAIR, ReferenceBackend, Sentence, Tile, group_tile, survivors
from full_w2v.backends.schedule import segments
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

DIMENSIONS = (1, 31, 32, 33, 100, 128, 300, 1024)
UNIT_ROUNDOFF = 2.0**-24  # of float32
SIGMOID_ERROR = 2.0**-22  # what csrc/contract/README.md lets a backend's sigmoid be off by
# A sum of n independent roundings exceeds 6 sqrt(n) of them with probability below 4e-8 (Higham and Mary,
# SIAM J. Sci. Comput. 41, 2019, theorem 2.4: 2 exp(-6^2 / 2)).
ROUNDING_SPREAD = 6.0


@dataclass(frozen=True)
class Case:
    """A training: rows uniform in -spread ... spread, sentences of these lengths, `vocabulary` words.

    word_counts: of every word, where they are not those of `counts`.
    """

    name: str
    config: TrainConfig
    vocabulary: int
    lengths: tuple[int, ...]
    spread: float
    word_counts: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Run:
    """What a training left: both matrices as float64 and the statistics of all epochs."""

    input: NDArray[np.float64]
    output: NDArray[np.float64]
    stats: SpanStats


@dataclass(frozen=True)
class Tolerance:
    """Largest difference from the oracle: in any value of a matrix, and in the summed loss."""

    rows: float
    loss: float


def make_case(name: str, *, vocabulary: int = 60, lengths: tuple[int, ...] = (), **settings: object) -> Case:
    """A case from settings; by default half of the tokens kept and sentences of 0 to 3 windows + 1 tokens."""
    spread = settings.pop("spread", None)
    word_counts = settings.pop("word_counts", ())
    defaults = {"vector_size": 32, "epochs": 1, "alpha": 0.05, "min_alpha": 0.01, "sample": 0.2 / vocabulary}
    config = TrainConfig(**{**defaults, "loss": True, "threads": 1, "seed": 7, **settings})
    # Scores of about 1 and steps of about 0.005 a pair: large enough that no mistake hides, small enough
    # (alpha * |row|^2 below 0.3) that many pairs on one row do not overshoot and blow roundings up.
    spread = spread or min(0.5, (12 / config.vector_size) ** 0.5)
    lengths = lengths or tuple(range(3 * config.window + 2))
    return Case(name, config, vocabulary, lengths, spread, word_counts)


def _cases() -> Iterator[Case]:
    for d in DIMENSIONS:
        for order in ("window", "pair"):
            for shrink in (True, False):
                name = f"d{d}-{order}-{'shrinking' if shrink else 'fixed'}"
                yield make_case(name, vector_size=d, order=order, shrink_windows=shrink)
    for negative in (1, 5, 6, 15):
        yield make_case(f"negative{negative}-pair", negative=negative, order="pair", vector_size=33)
        for share in (1, 2, 3):
            name = f"negative{negative}-share{share}"
            yield make_case(name, negative=negative, share_negatives=share, vector_size=33)
    for vocabulary in (1, 2, 7):
        yield make_case(f"vocabulary{vocabulary}-pair", vocabulary=vocabulary, order="pair")
        for share in (1, 2, 3):
            yield make_case(
                f"vocabulary{vocabulary}-share{share}", vocabulary=vocabulary, share_negatives=share
            )
    for window in (5, 16):
        name = f"vocabulary7-window{window}-share4"
        yield make_case(name, vocabulary=7, window=window, share_negatives=4)
    for window in (1, 2, 8, 9, 20):
        for share in (1, 3):
            name = f"window{window}-share{share}"
            yield make_case(name, window=window, share_negatives=share, vector_size=100)
        yield make_case(f"window{window}-few-words", window=window, vocabulary=20, lengths=(11, 40, 3, 25))
        yield make_case(f"window{window}-pair", window=window, order="pair", vector_size=100)
    long = {"lengths": (0, 2500, 3, 1024, 1025), "vocabulary": 500, "vector_size": 16, "min_alpha": 0.0}
    yield make_case("long-pair", order="pair", **long)
    yield make_case("long-fixed-unsampled", shrink_windows=False, sample=0.0, **long)
    for share in (1, 2, 3):
        yield make_case(f"long-share{share}", share_negatives=share, **long)
    yield make_case("long-mostly-kept", sample=1e-3, **long)
    # Of these words the first and the third are sometimes dropped, the second never.
    yield make_case("unsorted", vocabulary=5, word_counts=(900, 9, 800, 5, 3), sample=0.05)
    yield from _many_words()
    yield make_case("share-all", share_negatives=64, vector_size=100, window=2)
    yield make_case("two-epochs", epochs=2, seed=2**64 - 1, vector_size=100)
    yield make_case("two-epochs-pair", epochs=2, seed=2**63 + 2**32, vector_size=100, order="pair")
    yield make_case("all-kept", sample=0.0, ns_exponent=0.0, vector_size=128)
    yield make_case("few-kept", sample=5e-5, ns_exponent=-0.5, vector_size=128, vocabulary=500)
    yield from _steps()
    for order in ("window", "pair"):  # scores of about +-40, some beyond what float32's exp can hold
        yield make_case(f"large-scores-{order}", spread=6.5, vector_size=8, vocabulary=1000, order=order)


def _steps() -> Iterator[Case]:
    """Tiles that are cut, at every rate: by many contexts, many negatives, repeated words and all of them."""
    few = {"vector_size": 33, "spread": 0.2}
    for alpha in (0.025, 0.1, 0.25, 0.6):
        yield make_case(f"steps-alpha{alpha}", alpha=alpha, window=9, **few)
        yield make_case(f"steps-alpha{alpha}-vocabulary4", alpha=alpha, window=20, vocabulary=4, **few)
    yield make_case("steps-fixed3", alpha=0.1, window=3, shrink_windows=False, vocabulary=4, **few)
    yield make_case("steps-negative40", negative=40, window=9, **few)
    yield make_case("steps-negative40-share3", negative=40, share_negatives=3, vocabulary=9, **few)
    yield make_case("steps-share32-window20", window=20, share_negatives=32, lengths=(40, 7, 90), **few)


def _many_words() -> Iterator[Case]:
    # Words seldom repeat in a window: its tile is not counted.
    many = {"vocabulary": 3000, "sample": 1e-3, "vector_size": 33}
    for share in (1, 2, 3, 4, 5):
        for negative in (5, 10):
            name = f"many-words-share{share}-negative{negative}"
            yield make_case(name, share_negatives=share, negative=negative, **many)
    # Small tiles at the ends of their arrays.
    for window in (1, 4, 9):
        name = f"many-words-window{window}-share2-negative1"
        lengths = tuple(range(max(8, 3 * window + 2)))
        fixed = {"window": window, "shrink_windows": False, "lengths": lengths}
        yield make_case(name, share_negatives=2, negative=1, **fixed, **many)
    for window in (9, 16):
        yield make_case(f"many-words-window{window}", window=window, shrink_windows=False, **many)


CASES = list(_cases())


def _cbow_cases() -> Iterator[Case]:
    def case(name: str, **settings: object) -> Case:
        mean = settings.pop("cbow_mean", True)
        name = f"cbow-{name}-{'mean' if mean else 'sum'}"
        return make_case(name, architecture="cbow", cbow_mean=mean, **settings)

    for d in DIMENSIONS:
        for mean in (True, False):
            yield case(f"d{d}", vector_size=d, cbow_mean=mean)
    yield case("d100-fixed", vector_size=100, shrink_windows=False)
    for negative in (1, 6, 15, 40):
        yield case(f"negative{negative}", negative=negative, vector_size=33)
    for vocabulary in (1, 2, 7):
        yield case(f"vocabulary{vocabulary}", vocabulary=vocabulary)
    # The sum of ten equal rows is long: shorter ones keep it from overshooting (make_case says more).
    yield case("vocabulary2", vocabulary=2, cbow_mean=False, spread=0.1)
    for window in (1, 2, 9, 20):
        yield case(f"window{window}", window=window, vector_size=100)
        yield case(f"window{window}-few-words", window=window, vocabulary=20, lengths=(11, 40, 3, 25))
    long = {"lengths": (0, 2500, 3, 1024, 1025), "vocabulary": 500, "vector_size": 16, "min_alpha": 0.0}
    for alpha, vocabulary in ((0.25, 4), (0.6, 40)):
        few = {"vocabulary": vocabulary, "vector_size": 33, "spread": 0.2}
        yield case(f"steps-alpha{alpha}", alpha=alpha, window=9, **few)
    yield case("long", **long)
    yield case("long-fixed-unsampled", shrink_windows=False, sample=0.0, cbow_mean=False, **long)
    yield case("two-epochs", epochs=2, seed=2**64 - 1, vector_size=100)
    yield case("all-kept", sample=0.0, ns_exponent=0.0, vector_size=128)
    yield case("few-kept", sample=5e-5, ns_exponent=-0.5, vector_size=128, vocabulary=500)
    yield case("large-scores", spread=6.5, vector_size=8, vocabulary=1000, shrink_windows=False)
    yield case("large-scores", spread=3.0, vector_size=8, vocabulary=1000, cbow_mean=False)


CBOW_CASES = list(_cbow_cases())


def _path_cases() -> Iterator[Case]:
    def case(name: str, **settings: object) -> Case:
        return make_case(f"path-{name}", hierarchical_softmax=True, **settings)

    for architecture in ("skip-gram", "cbow"):
        for negative in (0, 5):
            both = {"architecture": architecture, "negative": negative}
            kind = f"{architecture}-negative{negative}"
            for d in (1, 33, 128):
                yield case(f"{kind}-d{d}", vector_size=d, **both)
            yield case(f"{kind}-two-epochs", epochs=2, vector_size=100, **both)
            for vocabulary in (2, 7):
                yield case(f"{kind}-vocabulary{vocabulary}", vocabulary=vocabulary, **both)
            yield case(f"{kind}-steps", alpha=0.25, window=9, spread=0.2, vocabulary=40, **both)
    yield case("vocabulary1", vocabulary=1)  # whose tree has no node
    yield case("window9", window=9, vector_size=100)
    yield case("sum", architecture="cbow", cbow_mean=False)
    yield case("many-negatives", negative=15, vector_size=100)
    yield case("long", lengths=(0, 1500, 3), vocabulary=500, vector_size=16, min_alpha=0.0)
    yield case("large-scores", spread=6.5, vector_size=8, vocabulary=1000)


PATH_CASES = list(_path_cases())


def counts(case: Case) -> NDArray[np.int64]:
    """Counts of a case's words: falling with the rank, but slowly, lest one row take all the roundings."""
    if case.word_counts:
        return np.array(case.word_counts, dtype=np.int64)
    return (1000 / np.sqrt(np.arange(1, case.vocabulary + 1))).astype(np.int64)


def corpus(case: Case) -> EncodedCorpus:
    """Tokens drawn from the counts' distribution, cut into sentences of the case's lengths."""
    share = counts(case) / counts(case).sum()
    tokens = np.random.default_rng(11).choice(case.vocabulary, sum(case.lengths), p=share)
    return EncodedCorpus(tokens.astype(np.int32), np.cumsum([0, *case.lengths], dtype=np.int64))


def model(case: Case) -> Model:
    """The rows that a case starts from. Output rows are not zero: a mistake in one would not show."""
    matrices = 3 if case.config.hierarchical_softmax else 2
    shape = (matrices, case.vocabulary, case.config.vector_size)
    rows = np.random.default_rng(13).uniform(-case.spread, case.spread, shape).astype(np.float32)
    words = [f"w{i}" for i in range(case.vocabulary)]
    return Model(Vocabulary(words, counts(case)), case.config, *(matrix.copy() for matrix in rows))


def output_rows(model: Model) -> NDArray[np.float32]:
    """The words' output rows, and behind them the inner nodes', as the oracle holds them."""
    return np.vstack(model.matrices[1:])


def run_case(backend: Backend, case: Case, start: Model | None = None) -> Run:
    """Trains all epochs of a case, each in one span, from `start` or from the case's own rows."""
    trained, tokens = start or model(case), corpus(case)
    backend.load(trained)
    stats = SpanStats()
    for epoch in range(case.config.epochs):
        stats += backend.train(tokens, 0, tokens.tokens, epoch)
    if isinstance(backend, ReferenceBackend):
        input, output = backend.input.copy(), backend.output.copy()
    else:
        backend.read(trained)
        input, output = trained.input.astype(np.float64), output_rows(trained).astype(np.float64)
    backend.close()
    return Run(input, output, stats)


@cache
def reference_run(case: Case) -> Run:
    """The oracle's training, kept for the next backend."""
    return run_case(ReferenceBackend(), case)


def difference(a: Run, b: Run) -> float:
    """Largest difference in a value of either matrix."""
    return float(max(np.abs(a.input - b.input).max(), np.abs(a.output - b.output).max()))


def amplification(case: Case) -> float:
    """How much training grows a rounding: what the oracle makes of rows moved by one, over that one."""
    exact, start, grown = reference_run(case), model(case), 1.0
    moves = np.random.default_rng(17)
    for _ in range(3):
        moved = model(case)
        for rows, original in zip(moved.matrices, start.matrices, strict=True):
            # Two float32 steps to either side: enough that every value moves.
            steps = np.copysign(2 * np.spacing(np.abs(original)), moves.random(rows.shape) - 0.5)
            np.add(original, steps, out=rows, casting="same_kind")
        before = max(np.abs(a - b).max() for a, b in zip(moved.matrices, start.matrices, strict=True))
        grown = max(grown, difference(run_case(ReferenceBackend(), case, moved), exact) / float(before))
    return grown


def tiles(case: Case) -> Iterator[Tile]:
    """Every tile of a case's training, in order."""
    backend, tokens, share = ReferenceBackend(), corpus(case), case.config.share_negatives
    backend.load(model(case))
    for settings in map(backend.settings, range(case.config.epochs)):
        for begin, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True):
            sentence = Sentence(tokens.ids, survivors(settings, tokens.ids, begin, end))
            for segment in segments(begin, end):
                first, last = np.searchsorted(sentence.kept, segment)
                for i in range(first, last, share):
                    yield group_tile(settings, sentence, i, min(i + share, last))


def most_updates(case: Case) -> tuple[int, int]:
    """How often the busiest row is stored, and how many pairs change it."""
    stores, pairs = np.zeros((2, 2 * case.vocabulary)), np.zeros((2, 2 * case.vocabulary))
    for tile in tiles(case):
        met = tile.labels != NO_PAIR
        once = met[:1] if case.config.architecture == "cbow" else met  # an output meets all contexts at once
        for side, (words, meetings) in enumerate(((tile.inputs, met.sum(1)), (tile.outputs, once.sum(0)))):
            np.add.at(stores[side], words, meetings > 0)
            np.add.at(pairs[side], words, meetings)
    return int((pairs if case.config.order == "pair" else stores).max()), int(pairs.max())


def largest_hidden(case: Case, inputs: NDArray[np.float64]) -> float:
    """Largest |h| of CBOW's windows, by these input rows; for skip-gram, whose h is one row, largest |x|."""
    if case.config.architecture != "cbow":
        return float(np.linalg.norm(inputs, axis=1).max())
    share = [1 / max(len(t.inputs), 1) if case.config.cbow_mean else 1.0 for t in tiles(case)]
    sums = [np.linalg.norm(inputs[t.inputs].sum(axis=0)) for t in tiles(case)]
    return float((np.array(sums) * share).max())


@cache
def tolerance(case: Case) -> Tolerance:
    """How far a correct float32 backend may be from the oracle.

    With u = 2^-24, M the largest value and S the largest |x| |y| of the rows, x being in CBOW the mean or sum
    of n <= 2 W rows, a value of a row that is stored t times and takes part in p pairs gathers at most
        6 sqrt(t) u M                                from rounding what is stored,
        6 sqrt(p) alpha M u (sqrt(d + n) S / 4 + 8)  from rounded scores (the slope of sigmoid is at most
                                                     1/4) and eight more roundings, in g and in the product,
        p alpha M 2^-22                              from an approximate sigmoid: its errors may all add up,
    and training grows each error by the measured `amplification`.
    """
    config, run, start = case.config, reference_run(case), model(case)
    u, d = UNIT_ROUNDOFF, config.vector_size
    inputs, outputs = np.vstack([start.input, run.input]), np.vstack([output_rows(start), run.output])
    longest = np.linalg.norm(inputs, axis=1).max()
    hidden = max(largest_hidden(case, start.input), largest_hidden(case, run.input))
    summed = max(1.0, hidden / longest)  # how much larger a sum's values are than its rows'
    largest = max(np.abs(inputs).max() * summed, np.abs(outputs).max())
    output_length = np.linalg.norm(outputs, axis=1).max()
    scores = hidden * output_length
    terms = d + (2 * config.window if config.architecture == "cbow" else 0)
    stores, pairs = most_updates(case)
    storing = ROUNDING_SPREAD * np.sqrt(stores) * u
    scoring = ROUNDING_SPREAD * np.sqrt(pairs) * config.alpha * u * (np.sqrt(terms) * scores / 4 + 8)
    approximation = pairs * config.alpha * SIGMOID_ERROR
    rows = amplification(case) * largest * (storing + scoring + approximation)
    # The slope of -log sigmoid is at most 1. A row's errors are as independent as its roundings: multiplied
    # with a row they grow like that row's length.
    score_error = rows * (hidden + summed * output_length) + ROUNDING_SPREAD * np.sqrt(terms) * u * scores
    loss = run.stats.pairs * (score_error + SIGMOID_ERROR * (1 + scores))
    return Tolerance(float(rows), float(loss))


def assert_agrees(backend: Backend, case: Case) -> None:
    """Asserts that a backend's training of a case is the oracle's, within `tolerance`.

    With and without the loss: a backend may have kernels that do not sum it.
    """
    exact, allowed = reference_run(case), tolerance(case)
    for loss in (True, False):
        found = run_case(backend, with_settings(case, loss=loss))
        assert (found.stats.words, found.stats.pairs) == (exact.stats.words, exact.stats.pairs)
        np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=allowed.rows)
        np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=allowed.rows)
        if loss:
            assert abs(found.stats.loss - exact.stats.loss) <= allowed.loss
        else:
            assert found.stats.loss == 0.0


def with_settings(case: Case, **settings: object) -> Case:
    """The case with other settings but the same rows and sentences."""
    return replace(case, config=replace(case.config, **settings))
