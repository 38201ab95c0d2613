"""Training without any pairs warns and suggests a remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import full_w2v
from full_w2v.errors import TrainingWarning

CORPORA: dict[str, tuple[str, tuple[str, ...]]] = {
    "one word a line": ("a\nb\nc\n" * 20, ()),
    "sentences of one word": ("a b c a b c\n" * 20, ("--sentences", "1")),
    "all dropped by subsampling": ("a b\n" * 9, ("--sample", "1e-9")),
}


@pytest.mark.parametrize("case", CORPORA)
def test_the_program_warns_and_says_what_to_do(
    command: Callable[..., Any], tmp_path: Path, case: str
) -> None:
    text, options = CORPORA[case]
    (tmp_path / "c.txt").write_text(text)
    small = ("--min-count", "1", "--vector-size", "4", "--quiet", "--output", tmp_path / "v.txt")
    done = command("train", tmp_path / "c.txt", *small, *options, "--json")
    assert done.code == 0
    assert done.err.startswith("full-w2v: warning: nothing was trained: ")
    assert ("on one line" in done.err) == ("dropped every word" not in done.err)
    assert "--sample" in done.err
    report = json.loads(done.out)
    assert report["pairs"] == 0
    assert report["warnings"]
    plain = command("train", tmp_path / "c.txt", *small, *options)
    assert "in 0 pairs" in plain.out


def test_python_warns_too() -> None:
    with pytest.warns(TrainingWarning, match="nothing was trained: of 60 words"):
        result = full_w2v.train([["a"], ["b"]] * 6, min_count=1, sample=0, vector_size=4)
    assert result.report.warnings


def test_a_training_with_pairs_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    result = full_w2v.train([["a", "b"]] * 30, min_count=1, sample=0, vector_size=4)
    assert result.report.warnings == []
    assert not [one for one in recwarn if issubclass(one.category, TrainingWarning)]


def test_subsampling_that_drops_every_word_is_named() -> None:
    with pytest.warns(
        TrainingWarning, match="subsampling dropped every word, .*; raise sample, which was 1e-12"
    ):
        full_w2v.train([["a", "b"]] * 9, min_count=1, sample=1e-12, vector_size=4)
