"""The mimic of many segments in flight: what scripts/benchmark/staleness.py trains is what it says."""

import shutil

import numpy as np
import pytest
import staleness
from contract_cases import CASES, Case, assert_agrees, corpus, make_case, model, tolerance

from full_w2v import _native
from full_w2v.backends.reference import (
    Matrices,
    ReferenceBackend,
    Sentence,
    group_tile,
    survivors,
    window_steps,
)
from full_w2v.backends.schedule import learning_rate

WINDOW_CASES = [
    case
    for case in CASES
    if case.config.order == "window" and case.config.share_negatives == 1 and sum(case.lengths) < 1000
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if shutil.which("c++") is None:
        pytest.skip("needs a C++ compiler as c++")
    return staleness.build(tmp_path_factory.mktemp("mimic"), _native.simd_levels()[-1])


@pytest.mark.parametrize("ring", [False, True], ids=["rows", "ring"])
@pytest.mark.parametrize("case", WINDOW_CASES[::3], ids=str)
def test_one_segment_at_a_time_is_the_contract(library, case: Case, ring: bool) -> None:
    assert_agrees(staleness.StaleBackend(library, 1, ring=ring), case)


def in_ticks(case: Case) -> Matrices:
    """One epoch with every sentence in flight: in a tick each of them trains a window of the same rows."""
    oracle, tokens = ReferenceBackend(), corpus(case)
    oracle.load(model(case))
    settings, rows = oracle.settings(0), Matrices(oracle.input, oracle.output)
    bounds = list(zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True))
    flights = [(int(a), Sentence(tokens.ids, survivors(settings, tokens.ids, a, b))) for a, b in bounds]
    for centre in range(max(len(sentence.kept) for _, sentence in flights)):
        before = Matrices(rows.input.copy(), rows.output.copy())
        for first, sentence in flights:
            if centre >= len(sentence.kept):
                continue
            alone = Matrices(before.input.copy(), before.output.copy())
            rate = float(learning_rate(case.config, tokens.tokens, 0, first))
            window_steps(settings, alone, group_tile(settings, sentence, centre, centre + 1), rate)
            rows.input[:] += alone.input - before.input
            rows.output[:] += alone.output - before.output
    return rows


@pytest.mark.parametrize("in_flight", [30, 100])
def test_windows_of_a_tick_read_the_rows_as_the_tick_finds_them(library, in_flight: int) -> None:
    case = make_case("ticks", lengths=(7, 12, 3, 0, 20) * 6, vocabulary=40, sample=0.0)
    exact, found = in_ticks(case), model(case)
    backend = staleness.StaleBackend(library, in_flight, ring=False)
    staleness.train(backend, found.vocabulary, corpus(case), case.config, start=found)
    np.testing.assert_allclose(found.input, exact.input, rtol=0, atol=2 * tolerance(case).rows)
    np.testing.assert_allclose(found.output, exact.output, rtol=0, atol=2 * tolerance(case).rows)
    alone = model(case)
    staleness.train(
        staleness.StaleBackend(library, 1, ring=False),
        alone.vocabulary,
        corpus(case),
        case.config,
        start=alone,
    )
    assert np.abs(alone.input - found.input).max() > 100 * tolerance(case).rows


def test_every_word_is_trained_once_however_many_are_in_flight(library) -> None:
    case = make_case("long", lengths=(0, 2500, 3, 1024, 1025), vocabulary=500, vector_size=16)
    trained = set()
    for in_flight in (1, 2, 7, 64):
        backend = staleness.StaleBackend(library, in_flight)
        backend.load(model(case))
        stats = backend.train(corpus(case), 0, corpus(case).tokens, 0)
        backend.close()
        trained.add((stats.words, stats.pairs))
    assert len(trained) == 1


def test_the_study_scores_every_number_in_flight_with_every_seed(
    library, tmp_path, monkeypatch, capsys
) -> None:
    text = tmp_path / "corpus.txt"
    text.write_text("one two three four five\n" * 40, encoding="utf-8")
    monkeypatch.setattr(staleness, "build", lambda *_: library)
    monkeypatch.setattr(staleness, "score", lambda *_: {"set": 0.5})
    arguments = [str(text), "--words", "100", "--in-flight", "1", "8", "--seeds", "1", "2", "--epochs", "1"]
    monkeypatch.setattr("sys.argv", ["staleness.py", *arguments])
    staleness.main()
    printed = capsys.readouterr().out
    assert "words 100" in printed
    assert [line.split() for line in printed.splitlines()[1:3]] == [
        ["1", "0.500", "(0.000)"],
        ["8", "0.500", "(0.000)"],
    ]
