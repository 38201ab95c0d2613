"""Steps within a tile: what they bound, that all instruction sets cut alike, and trainings that need them."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
from contract_cases import CASES, Case, assert_agrees, make_case, tiles
from contract_cases import counts as counts_of
from contract_cases import model as start_of
from hypothesis import given, settings
from hypothesis import strategies as st

import full_w2v
from full_w2v import _native
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.reference import NO_PAIR, ReferenceBackend, block_end, part, strip_end
from full_w2v.config import TrainConfig

LEVELS = _native.simd_levels()
SANE = 100.0  # norms of rows; gensim's are below 20 on these corpora


@pytest.mark.parametrize(
    ("alpha", "pairs"),
    [(0.025, 20), (0.05, 10), (0.1, 5), (0.07, 7), (0.3, 1), (0.5, 1), (2.0, 1), (1e-3, 500)],
)
def test_a_decimal_rate_gives_the_pairs_that_it_names(alpha: float, pairs: int) -> None:
    assert TrainConfig(alpha=alpha, min_alpha=0).step_pairs == pairs


def test_a_rate_of_zero_allows_any_number_of_pairs() -> None:
    assert TrainConfig(alpha=0, min_alpha=0).step_pairs >= 2**30


def steps_of(case: Case):
    """Every step of the oracle's tiles, as a tile of its own, and how many steps its tile takes."""
    backend = ReferenceBackend()
    backend.load(start_of(case))
    common = backend.settings(0)
    for tile in tiles(case):
        steps, block = [], 0
        while block < len(tile.outputs):
            outputs, strip = (block, block_end(tile, block, common.step_pairs)), 0
            while strip < len(tile.inputs):
                inputs = strip, strip_end(common, tile, strip)
                steps.append(part(tile, inputs, outputs))
                strip = inputs[1]
            block = outputs[1]
        yield from ((step, len(steps)) for step in steps)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.startswith("steps-")], ids=str)
def test_no_row_meets_more_pairs_in_a_step_than_the_rate_allows(case: Case) -> None:
    bound = case.config.step_pairs
    for step, _ in steps_of(case):
        with_others = (step.labels != NO_PAIR) & ((step.labels == 0) | (step.targets == 0))
        rows: dict[tuple[str, int], int] = {}
        for c, word in enumerate(step.inputs.tolist()):
            rows["input", word] = rows.get(("input", word), 0) + int(with_others[c].sum())
        for o, word in enumerate(step.outputs.tolist()):
            met = step.labels[:, o] != NO_PAIR
            rows["output", word] = rows.get(("output", word), 0) + int(met.sum())
        assert max(rows.values(), default=0) <= bound


def test_usual_windows_take_one_step() -> None:
    usual = make_case("usual", alpha=0.025, vocabulary=3000, sample=1e-3, lengths=(20,) * 50)
    taken = [count for _, count in steps_of(usual)]
    assert len(taken) > 300
    assert set(taken) == {1}


@given(
    level=st.sampled_from(LEVELS),
    alpha=st.sampled_from([0.02, 0.05, 0.09, 0.2, 0.6]),
    window=st.integers(1, 24),
    negative=st.integers(1, 24),
    vocabulary=st.integers(1, 40),
    vector_size=st.integers(1, 40),
    shrink=st.booleans(),
    kind=st.sampled_from(["skip-gram", "share", "cbow", "path", "cbow-path", "path-alone"]),
    share=st.integers(2, 12),
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_any_sizes_agree_with_the_oracle(
    level, alpha, window, negative, vocabulary, vector_size, shrink, kind, share, lengths
) -> None:
    kinds = {
        "skip-gram": {},
        "share": {"share_negatives": share},
        "cbow": {"architecture": "cbow"},
        "path": {"hierarchical_softmax": True},
        "cbow-path": {"hierarchical_softmax": True, "architecture": "cbow"},
        "path-alone": {"hierarchical_softmax": True, "negative": 0},
    }
    case = make_case(
        "any",
        alpha=alpha,
        window=window,
        vocabulary=vocabulary,
        vector_size=vector_size,
        shrink_windows=shrink,
        lengths=(*lengths, 2),
        spread=min(0.3, (3 / vector_size) ** 0.5),
        sample=0.0,
        **{"negative": negative, **kinds[kind]},
    )
    assert counts_of(case).sum() > 0
    assert_agrees(CpuBackend(level), case)


# What trained garbage, or ended as "diverged", before there were steps.


def _words(length: int, words: list[str], sentences: int = 40) -> list[list[str]]:
    draw = random.Random(5)
    return [draw.choices(words, k=length) for _ in range(sentences)]


def _baskets() -> list[list[str]]:
    draw = random.Random(5)
    return [[f"i{basket % 2}_{draw.randrange(300)}" for _ in range(900)] for basket in range(60)]


def _runs() -> list[list[str]]:
    draw = random.Random(5)
    return [
        [word for _ in range(8) for word in draw.choice("ACGT") * draw.randrange(5, 20)] for _ in range(40)
    ]


CORPORA = {
    "baskets": _baskets(),
    "letters": _words(300, list("acgt")),
    "runs": _runs(),
    "one word": [["a"] * 400] * 9,
}


@dataclass(frozen=True)
class Trial:
    corpus: str
    settings: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        return "-".join([self.corpus, *(f"{name}={value}" for name, value in self.settings)])


def trial(corpus: str, **settings: object) -> Trial:
    return Trial(corpus, tuple(settings.items()))


TRIALS = [
    trial("baskets", window=150, alpha=0.05),
    trial("baskets", window=200, alpha=0.05),
    trial("baskets", window=900, shrink_windows=False, alpha=0.025),
    trial("letters", window=50, shrink_windows=False, alpha=0.05),
    trial("letters", window=50, shrink_windows=False, alpha=0.05, negative=100),
    trial("letters", window=20, share_negatives=32, alpha=0.05),
    trial("runs", window=10, shrink_windows=False, alpha=0.05),
    trial("runs", window=3, shrink_windows=False, alpha=0.05),
    trial("runs", window=10, alpha=0.5),
    trial("one word", window=10, alpha=0.25),
]


OBJECTIVES = ("skip-gram", "cbow", "path", "cbow-path")
SHARED = [case for case in TRIALS if "share_negatives" in dict(case.settings)]  # in skip-gram alone


@pytest.mark.parametrize(
    ("case", "objective"),
    [(case, objective) for case in TRIALS for objective in OBJECTIVES[: 1 if case in SHARED else None]],
    ids=str,
)
def test_trainings_that_used_to_blow_up_stay_sane(case: Trial, objective: str) -> None:
    wanted = dict(case.settings)
    wanted["architecture"] = "cbow" if "cbow" in objective else "skip-gram"
    wanted["hierarchical_softmax"] = "path" in objective
    result = full_w2v.train(
        CORPORA[case.corpus],
        backend="cpu",
        **{"vector_size": 16, "min_count": 1, "sample": 0, "threads": 1, "epochs": 2, **wanted},
    )
    for matrix in result.model.matrices:
        assert np.linalg.norm(matrix, axis=1).max() < SANE
    if case.corpus == "baskets":
        assert_communities(result.model)


def assert_communities(model) -> None:
    """Items of one community are nearer to each other than to those of the other one."""
    rows = model.input / np.linalg.norm(model.input, axis=1, keepdims=True)
    first = np.array([word.startswith("i0_") for word in model.vocabulary.words])
    within, across = (rows[first] @ rows[first].T).mean(), (rows[first] @ rows[~first].T).mean()
    assert within > 0.5
    assert across < within - 0.4
