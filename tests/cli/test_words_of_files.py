"""Words that a file cannot hold are refused before training; damaged files are read in part on request."""

import json
from pathlib import Path

import pytest
from programs import Command, Outcome

import full_w2v
from full_w2v.errors import FormatError

PACKAGES = {".model2vec": "tokenizers"}
TOKENS = ("--pattern", r"new\syork|\w+")


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    def train_model(*_: object, **__: object) -> None:
        raise AssertionError("training has begun")

    monkeypatch.setattr("full_w2v.pipeline.train_model", train_model)


@pytest.fixture
def phrases(tmp_path: Path) -> Path:
    """A corpus one of whose words holds a space, and another a tab."""
    path = tmp_path / "c.jsonl"
    lines = [{"text": "in new york and new york again"}, {"text": "in new\tyork and new\tyork"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines * 3))
    return path


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("suffix", [".txt", ".vec", ".bin", ".glove.txt", ".tsv", ".model2vec"])
@pytest.mark.parametrize("way", ["counted", "cached", "vocabulary", "phrases"])
def test_words_that_the_output_cannot_hold_are_refused_before_training(
    command: Command, phrases: Path, tmp_path: Path, suffix: str, way: str
) -> None:
    if suffix in PACKAGES:
        pytest.importorskip(PACKAGES[suffix], reason=f"needs the package {PACKAGES[suffix]}")
    options: list[object] = ["--min-count", "1"]
    if way == "vocabulary":
        (tmp_path / "v.jsonl").write_text('{"word": "new\\tyork", "count": 3}\n{"word": "in", "count": 3}\n')
        options = ["--vocab", tmp_path / "v.jsonl"]
    elif way == "cached":
        options += ["--cache", tmp_path / "cache"]
    elif way == "phrases":
        options += ["--phrases", "1"]
    output = tmp_path / f"x{suffix}"
    for _ in range(2):  # what is cached is found the second time
        done = command("train", phrases, *TOKENS, *options, "--output", output, "--quiet")
        assert done.code == 1
        assert done.err.startswith(f"full-w2v: error: {output}: the word 'new")
        assert done.err.count("\n") == 1
        assert not output.exists()


def test_words_of_phrases_that_text_would_split_are_refused(
    command: Command, phrases: Path, tmp_path: Path
) -> None:
    done = command("phrases", phrases, *TOKENS, "--output", tmp_path / "out.txt", "--quiet")
    assert (done.code, "the word 'new york' contains white space" in done.err) == (1, True)
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.usefixtures("untrained")
def test_training_tells_its_caller_the_vocabulary_once_before_it_begins() -> None:
    told: list[int] = []

    def stop(vocabulary: full_w2v.Vocabulary) -> None:
        told.append(len(vocabulary))
        raise FormatError("enough")

    with pytest.raises(FormatError, match="enough"):
        full_w2v.train([["a", "b"]] * 9, min_count=1, vector_size=4, on_vocabulary=stop)
    assert told == [2]


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.vec"
    path.write_bytes(b"9 2\na 1 2\nb 2 1\na 5 6\nc\xff 7 8\nd")
    return path


def test_convert_reads_damaged_files_in_part(command: Command, damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    assert command("convert", damaged, out).code == 1
    assert command("convert", damaged, out, "--limit", 2) == Outcome(0, "", f"{out}: 2 words x 2\n")
    options = ("--limit", 4, "--errors", "replace", "--duplicates", "first")
    assert command("convert", damaged, out, *options).code == 0
    assert out.read_text().splitlines() == ["3 2", "a 1.0 2.0", "b 2.0 1.0", "c\ufffd 7.0 8.0"]


def test_neighbours_and_evaluate_read_damaged_files_in_part(
    command: Command, damaged: Path, tmp_path: Path
) -> None:
    assert command("neighbours", damaged, "a").code == 1
    done = command("neighbours", damaged, "a", "--limit", 2, "--json")
    assert [word for word, _ in json.loads(done.out)["a"]] == ["b"]
    (tmp_path / "pairs.txt").write_text("a b 1\nb a 2\n")
    done = command("evaluate", damaged, "--pairs", tmp_path / "pairs.txt", "--limit", 2, "--json")
    assert json.loads(done.out)["words"] == 2


def test_options_of_loading_are_named_as_options(command: Command, damaged: Path, tmp_path: Path) -> None:
    done = command("convert", damaged, tmp_path / "out.txt", "--limit", 0)
    assert (done.code, "--limit must be" in done.err) == (2, True)
    for missing, options in {"--errors": ["--limit", 4], "--duplicates": ["--limit", 3]}.items():
        assert missing in command("convert", damaged, tmp_path / "out.txt", *options).err


def test_a_corpus_without_words_that_are_kept_says_so(command: Command, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a b c\n")
    for options in ([], ["--phrases", 1]):
        done = command("train", tmp_path / "c.txt", "--output", tmp_path / "x.npz", "--quiet", *options)
        assert (done.code, "min-count" in done.err) in ((1, True), (2, True))
