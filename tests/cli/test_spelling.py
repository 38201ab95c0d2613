"""Messages name the options that a user of the command line can set."""

from pathlib import Path

import pytest
from programs import Command

from full_w2v.cli.spelling import as_options

OPTIONS = {
    "vector_size": "--vector-size",
    "window": "--window",
    "min_count": "--min-count",
    "order": "--order",
    "errors": "--errors",
    "cbow_mean": "--cbow-mean",
    "vocabulary": "--vocab",
    "phrases": "--phrases",
    "architecture": "--cbow",
    "hierarchical_softmax": "--hs",
    "share_negatives": "--share-negatives",
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("vector_size must be between 1 and 9, got 0", "--vector-size must be between 1 and 9, got 0"),
        ("window must be a whole number, got 'x'", "--window must be a whole number, got 'x'"),
        (
            "share_negatives above 1 needs order='window', got order='pair'",
            "--share-negatives above 1 needs --order window, got --order pair",
        ),
        ("architecture='cbow' needs order='window'", "--cbow needs --order window"),
        ("got 0; 0 needs hierarchical_softmax=True", "got 0; 0 needs --hs"),
        ("needs architecture='skip-gram', got 'cbow'", "needs no --cbow, got 'cbow'"),
        ("cbow_mean=False is odd", "--no-cbow-mean is odd"),
        ("give either phrases or vocabulary, got both", "give either --phrases or --vocab, got both"),
        (
            "no word occurs min_count=5 times; lower min_count",
            "no word occurs --min-count 5 times; lower --min-count",
        ),
        # Words of the language, of the corpus and of paths stay what they are.
        ("holds no word of the vocabulary", "holds no word of the vocabulary"),
        ("the most frequent, 'min_count', occurs 3 times", "the most frequent, 'min_count', occurs 3 times"),
        ("/tmp/min_count/x.txt: no window here", "/tmp/min_count/x.txt: no window here"),
        ("x.txt: line 1 has too many errors", "x.txt: line 1 has too many errors"),
    ],
)
def test_settings_are_spelled_as_options(message: str, expected: str) -> None:
    assert as_options(message, OPTIONS) == expected


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
