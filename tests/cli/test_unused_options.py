"""Options without effect are misuse: one line that names them and what would give them one."""

from pathlib import Path

import pytest
from programs import TINY, Command

from full_w2v.cli.options import new_parser
from full_w2v.cli.unused_options import RULES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--no-cbow-mean"], "--no-cbow-mean has no effect without --cbow"),
        (
            ["train", "--hs", "--negative", "0", "--ns-exponent", "0.5"],
            "--ns-exponent has no effect with --negative 0",
        ),
        (["train", "--cache-hash", "full"], "--cache-hash has no effect without --cache"),
        (["train", "--vocab", "words.txt", "--min-count", "2"], "--min-count has no effect with --vocab"),
        (
            ["train", "--vocab", "words.txt", "--max-final-vocab", "9"],
            "--max-final-vocab has no effect with --vocab",
        ),
        (["train", "--phrase-min-count", "2"], "--phrase-min-count has no effect without --phrases"),
        (["train", "--phrase-threshold", "2"], "--phrase-threshold has no effect without --phrases"),
        (["train", "--phrase-score", "gensim"], "--phrase-score has no effect without --phrases"),
        (["train", "--phrase-delimiter", "-"], "--phrase-delimiter has no effect without --phrases"),
        (["vocabulary", "--counts", "--lowercase"], "--lowercase has no effect with --counts"),
        (["vocabulary", "--counts", "--threads", "1"], "--threads has no effect with --counts"),
        (["vocab", "--counts", "--pattern", "x"], "--pattern has no effect with --counts"),
        (["vocabulary", "--output", "w.txt", "--json"], "--json has no effect with --output"),
    ],
)
def test_an_option_without_effect_is_misuse(
    command: Command, corpus: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    name, *options = arguments
    output = ["--output", tmp_path / "v.txt"] if name == "train" else []
    done = command(name, corpus, *output, *options)
    assert (done.code, done.error) == (2, message)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize(
    "options",
    [
        ["--cbow", "--no-cbow-mean"],
        ["--hs", "--ns-exponent", "0.5"],
        ["--phrases", "1", "--phrase-min-count", "2"],
        ["--phrase-min-count", "5", "--ns-exponent", "0.75"],  # the defaults, said once more
    ],
)
def test_an_option_with_an_effect_is_taken(
    command: Command, corpus: Path, tmp_path: Path, options: list[str]
) -> None:
    assert command("train", corpus, "--output", tmp_path / "v.txt", *TINY, *options).code == 0


def test_every_rule_names_options_of_its_command() -> None:
    required = {"train": ["corpus", "--output", "v.txt"], "vocabulary": ["corpus"]}
    for command, rules in RULES.items():
        options = new_parser().parse_args([command, *required[command]])
        for rule in rules:
            assert set(rule.names) <= set(options.parser.options)
