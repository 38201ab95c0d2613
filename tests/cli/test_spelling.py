"""Messages name the options that a user of the command line can set."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Command

import full_w2v
from full_w2v.cli import main
from full_w2v.cli.spelling import as_options
from full_w2v.config import TrainConfig, setting_names
from full_w2v.corpus import ReadSettings
from full_w2v.encoding.preparation import Preparation
from full_w2v.errors import ConfigError, setting, spelled

OPTIONS = {
    "vector_size": "--vector-size",
    "order": "--order",
    "cbow_mean": "--cbow-mean",
    "vocabulary": "--vocab",
    "architecture": "--cbow",
    "hierarchical_softmax": "--hs",
    "encoding": "--encoding",
}


@pytest.mark.parametrize(
    ("part", "option", "python"),
    [
        (setting("vector_size"), "--vector-size", "vector_size"),
        (setting("order", "window"), "--order window", "order='window'"),
        (setting("vector_size", 3), "--vector-size 3", "vector_size=3"),
        (setting("architecture", "cbow"), "--cbow", "architecture='cbow'"),
        (setting("architecture", "skip-gram"), "no --cbow", "architecture='skip-gram'"),
        (setting("hierarchical_softmax", True), "--hs", "hierarchical_softmax=True"),
        (setting("hierarchical_softmax", False), "no --hs", "hierarchical_softmax=False"),
        (setting("cbow_mean", False), "--no-cbow-mean", "cbow_mean=False"),
        (setting("encoding", "a=b\n"), "--encoding 'a=b\\n'", "encoding='a=b\\n'"),
        (setting("blocks", 4), "blocks=4", "blocks=4"),  # no option sets it
    ],
    ids=range(10),  # marks differ from process to process
)
def test_settings_are_spelled_as_the_front_end_does(part: str, option: str, python: str) -> None:
    error = ConfigError(f"a, {part}; b")
    assert spelled(error.template, as_options(OPTIONS)) == f"a, {option}; b"
    assert str(error) == f"a, {python}; b"


@given(st.text(), st.text(), st.text())
def test_nothing_else_of_a_message_changes(before: str, value: str, after: str) -> None:
    """Paths, words and values may hold the names of settings, NULs or what looks like an option."""
    for text in (before, f"{before}vector_size={value} order='{value}'"):
        error = ConfigError(f"{text}{setting('encoding', value)}{after}")
        assert str(error) == f"{text}encoding={value!r}{after}"
        found = spelled(error.template, as_options(OPTIONS))
        assert found.startswith(f"{text}--encoding ")
        assert found.endswith(after)


@pytest.mark.parametrize(
    "name", ["vector_size", "encoding=latin-1 text.txt", "min_count must", "give either a or b"]
)
def test_a_file_named_like_a_setting_keeps_its_name(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"caf\xe9 noir\n")
    done = command("train", tmp_path / name, "--output", tmp_path / "v.txt")
    assert done.code == 1
    assert done.error.startswith(f"{tmp_path / name}: line 1 is not UTF-8 (byte 0xe9 at 3); decode with ")
    assert done.error.endswith("decode with --encoding latin-1 or --errors replace")
    missing = command("train", tmp_path / name / "x", "--output", tmp_path / "v.txt")
    assert str(tmp_path / name / "x") in missing.error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--vector-size", "0"], "--vector-size must be between 1 and 65536, got 0"),
        (["--negative", "0"], "--negative must be between 1 and 1000, got 0; 0 needs --hs"),
        (["--cbow", "--order", "pair"], "--cbow needs --order window, got --order pair"),
        (["--phrases", "11"], "--phrases must be between 1 and 10, got 11"),
        (
            ["--phrases", "1", "--phrase-threshold", "-1"],
            "--phrase-threshold must not be negative, got -1.0",
        ),
        (
            ["--column", "body"],
            "{corpus}: --column body is for JSON lines and tables, but this looks like text; "
            "say what it is with --format jsonl",
        ),
    ],
)
def test_a_refused_setting_is_named_as_its_option(
    command: Command, corpus: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    done = command("train", corpus, "--output", tmp_path / "v.txt", *options)
    assert (done.code, done.error) == (2, message.format(corpus=corpus))


def test_no_message_spells_a_setting_as_python_does_without_marking_it() -> None:
    """What stands as name=value in a message would be shown so at the command line too."""
    names = "|".join(setting_names(TrainConfig) + setting_names(ReadSettings) + setting_names(Preparation))
    spelt = re.compile(rf"\b(?:{names})=")
    package = Path(full_w2v.__file__).parent
    found = []
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                texts = [part.value for part in ast.walk(node.exc) if isinstance(part, ast.Constant)]
                found += [
                    f"{path.name}:{node.lineno} {t}" for t in texts if isinstance(t, str) and spelt.search(t)
                ]
    assert found == []


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("--workers", "--workers is --threads here"),
        ("--size=10", "--size is --vector-size here"),
        ("--iter", "--iter is --epochs here"),
        ("--sg", "--sg is --cbow here"),
        ("--vector_size", "--vector_size is --vector-size here"),
        ("--min_count", "--min_count is --min-count here"),
        ("--epoch", "--epoch is --epochs here"),
        ("--treads", "did you mean --threads"),
        ("--zzzzzz", ""),
    ],
)
def test_options_of_other_programs_are_answered_with_ours(
    corpus: Path, capsys: pytest.CaptureFixture[str], argument: str, hint: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", str(corpus), "--output", "v.txt", argument, "1"])
    assert stop.value.code == 2
    found = capsys.readouterr().err
    assert f"unrecognized arguments: {argument}" in found
    assert hint in found
    assert "full-w2v train --help shows the usage" in found
    if not hint:
        assert "did you mean" not in found
