"""Settings, outputs and embeddings that are refused: one line, its exit code, nothing written."""

import os
import re
import resource
import tempfile
from pathlib import Path

import numpy as np
import pytest
import two_groups
from programs import Command, Refused, run_program

import full_w2v


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--vector-size", "0"),
        ("--vector-size", "65537"),
        ("--window", "0"),
        ("--window", "1000000001"),
        ("--negative", "0"),
        ("--negative", "1001"),
        ("--ns-exponent", "nan"),
        ("--ns-exponent", "11"),
        ("--sample", "-0.1"),
        ("--sample", "2"),
        ("--sample", "inf"),
        ("--min-count", "-1"),
        ("--max-final-vocab", "0"),
        ("--alpha", "-1"),
        ("--alpha", "1e-5"),
        ("--min-alpha", "0.5"),
        ("--min-alpha", "-1"),
        ("--epochs", "0"),
        ("--epochs", "1000001"),
        ("--threads", "-1"),
        ("--threads", "1025"),
        ("--seed", "-1"),
        ("--seed", str(2**64)),
        ("--share-negatives", "0"),
        ("--share-negatives", "65"),
        ("--window", "wide"),
        ("--window", "2.5"),
        ("--alpha", "fast"),
        ("--order", "alphabetical"),
        ("--backend", "tpu"),
        ("--encoding", "klingon"),
        ("--errors", "panic"),
    ],
)
def test_a_setting_out_of_range_is_misuse(
    command: Command, corpus: Path, tmp_path: Path, option: str, value: str
) -> None:
    done = command("train", corpus, "--output", tmp_path / "v.txt", option, value)
    assert done.code == 2
    assert option[2:] in done.error.replace("_", "-")
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train"],
        ["train", "corpus.txt"],
        ["train", "--output", "v.txt"],
        ["train", "corpus.txt", "--output", "v.txt", "--epoch", "3"],
        ["train", "corpus.txt", "--output", "v.docx"],
        ["train", "corpus.txt", "--output", "v"],
        ["train", "corpus.txt", "--output", ""],
        ["convert", "v.txt", "v.docx"],
        ["convert", "v.docx", "v.txt"],
        ["evaluate", "v.docx"],
        ["evaluate", "trained.safetensors", "--restrict-vocabulary", "0"],
        ["neighbours", "trained.safetensors"],
        ["neighbours", "v.docx", "a1"],
        ["neighbours", "trained.safetensors", "a1", "--count", "0"],
        ["vocabulary"],
        ["vocabulary", "corpus.txt", "--threads", "-1"],
        ["backends", "cpu"],
    ],
)
@pytest.mark.usefixtures("embeddings")
def test_misuse_is_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.code == 2
    assert done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "trained.safetensors"]


def test_a_wrong_instruction_set_is_misuse(
    command: Command, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULL_W2V_SIMD", "mmx")
    done = command("train", corpus, "--output", tmp_path / "v.txt")
    assert done.code == 2
    assert done.error.startswith("FULL_W2V_SIMD must be one of scalar, ")


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["vocabulary", "corpus.txt", "--output", "corpus.txt"], "corpus.txt"),
        (["vocabulary", "corpus.txt", "--only", "words.txt", "--output", "words.txt"], "words.txt"),
        (["train", "corpus.txt", "--vocab", "words.txt", "--output", "words.txt"], "words.txt"),
        (["train", "corpus.txt", "--tokenizer", "words.txt", "--output", "words.txt"], "words.txt"),
        (["train", "v.metadata.tsv", "--output", "v.tsv"], "v.metadata.tsv"),
        (["phrases", "corpus.txt", "--output", "corpus.txt"], "corpus.txt"),
    ],
)
def test_what_is_read_is_never_overwritten(
    command: Command,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    output: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("a1 9\nb1 7\n")
    (tmp_path / "v.metadata.tsv").write_bytes(corpus.read_bytes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = command(*arguments)
    assert done.code == 2
    assert done.error == f"{output}: is an input and would be overwritten; choose another output"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_phrases_are_not_written_under_the_name_of_an_archive(
    command: Command, corpus: Path, tmp_path: Path
) -> None:
    done = command("phrases", corpus, "--output", tmp_path / "joined.gz")
    assert done.code == 2
    assert done.error.endswith("phrases are written as plain text; choose a name without .gz")


def test_a_column_of_text_is_refused(command: Command, corpus: Path, tmp_path: Path) -> None:
    done = command("train", corpus, "--column", "body", "--output", tmp_path / "v.txt")
    assert done.code == 2
    assert "--column body is for JSON lines and tables, but this looks like text" in done.error


def test_the_help_names_every_format() -> None:
    from full_w2v.cli.options import new_parser
    from full_w2v.file_formats import suffixes

    (commands,) = (action for action in new_parser()._actions if isinstance(action.choices, dict))
    for name in ("train", "convert"):
        text = " ".join(commands.choices[name].format_help().split())
        assert f"the suffix names the format: {' '.join(suffixes())}" in text


@pytest.mark.parametrize("kind", ["itself", "another name", "link"])
def test_an_output_that_is_a_corpus_is_refused(
    command: Command, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def no_reading(*_: object, **__: object) -> None:
        pytest.fail("the corpus was read")

    monkeypatch.setattr("full_w2v.pipeline.open_corpus", no_reading)
    other = two_groups.write(tmp_path / "other.txt")
    link = tmp_path / "link.txt"
    link.symlink_to(corpus)
    output = {"itself": corpus, "another name": tmp_path / "." / "x" / ".." / "corpus.txt", "link": link}[
        kind
    ]
    (tmp_path / "x").mkdir()
    done = command("train", other, corpus, "--output", output)
    assert done.code == 2
    assert done.error == f"{output}: is an input and would be overwritten; choose another output"
    assert corpus.read_text() == two_groups.text()


def test_converting_a_file_onto_itself_is_refused(command: Command, embeddings: Path) -> None:
    # It would lose the model's output rows.
    before = embeddings.read_bytes()
    done = command("convert", embeddings, embeddings)
    assert done.code == 2
    assert "would be overwritten" in done.error
    assert embeddings.read_bytes() == before


def test_an_output_folder_that_is_missing_is_refused(command: Command, corpus: Path, tmp_path: Path) -> None:
    done = command("train", corpus, "--output", tmp_path / "nowhere" / "v.txt")
    assert done.code == 1
    assert done.error == f"{tmp_path / 'nowhere' / 'v.txt'}: the folder of the output file does not exist"
    done = command("train", corpus, "--output", corpus / "v.txt")
    assert done.code == 1
    assert "does not exist" in done.error


def test_an_output_that_is_a_folder_is_refused(command: Command, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    done = command("train", corpus, "--output", tmp_path / "folder.txt")
    assert done.code == 1
    assert done.error.endswith("folder.txt: expected a name for the output file, got a folder")


def test_a_read_only_output_folder_is_refused(command: Command, unprivileged: Path) -> None:
    corpus = two_groups.write(unprivileged / "corpus.txt")
    unprivileged.chmod(0o500)
    done = command("train", corpus, "--output", unprivileged / "v.txt")
    assert done.code == 1
    assert done.error == f"{unprivileged / 'v.txt'}: Permission denied"


def test_an_unwritable_temporary_folder_is_refused(
    command: Command, unprivileged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = two_groups.write(unprivileged / "corpus.txt")
    closed = unprivileged / "closed"
    closed.mkdir(mode=0o500)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    done = command("train", corpus, "--output", unprivileged / "v.txt")
    assert done.code == 1
    assert done.error == f"{closed}: cannot make the encoded corpus (Permission denied)"
    assert sorted(path.name for path in unprivileged.iterdir()) == ["closed", "corpus.txt"]


@pytest.mark.parametrize(
    ("limit", "vector_size", "message"),
    [
        # 14,400 tokens of 4 bytes do not fit into 40,000 bytes, but 40 rows of 8 values do.
        (40_000, 8, r"temporary file in .*: File too large; set TMPDIR to a larger disk"),
        # 40 rows of 2,000 values of about 10 digits do not fit into 400,000 bytes, but the tokens do.
        (400_000, 2000, r".*/v\.txt: File too large"),
    ],
)
def test_a_full_disk_is_an_error(
    corpus: Path, tmp_path: Path, temporary: Path, limit: int, vector_size: int, message: str
) -> None:
    output = tmp_path / "v.txt"
    output.write_text("older")
    done = run_program(
        *("train", corpus, "--output", output, "--epochs", "1", "--vector-size", vector_size),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert done.code == 1
    assert re.fullmatch(message, done.error)
    assert output.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "temporary", "v.txt"]
    assert list(temporary.iterdir()) == []


def test_a_word_that_the_format_cannot_hold_is_an_error(command: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "v.safetensors", tmp_path / "v.txt"
    full_w2v.train([["new york", "is", "big"]] * 9, vector_size=4, epochs=1).save(source)
    output.write_text("older")
    done = command("convert", source, output)
    assert done.code == 1
    assert done.error.startswith(f"{output}: the word 'new york' is empty or contains white space")
    assert output.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.safetensors", "v.txt"]


def test_diverged_training_is_an_error(refused: Refused, corpus: Path) -> None:
    error = refused(corpus, "--alpha", "10", "--min-alpha", "10", "--sample", "0", "--vector-size", "300")
    assert error.startswith("training diverged: ")
    assert "lower --alpha, which was 10 (0.025 is usual)" in error


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.txt", "No such file or directory"),
        ("folder.bin", "Is a directory"),
        ("bad.bin", "bad.bin: "),
    ],
)
def test_embeddings_that_cannot_be_read_are_an_error(
    command: Command, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "folder.bin").mkdir()
    (tmp_path / "bad.bin").write_bytes(b"no vectors")
    for arguments in (["evaluate"], ["neighbours", "--count", "3"]):
        word = ["word"] if arguments[0] == "neighbours" else []
        done = command(*arguments, tmp_path / name, *word)
        assert done.code == 1
        assert message in done.error
    assert command("convert", tmp_path / name, tmp_path / "out.txt").code == 1
    assert not (tmp_path / "out.txt").exists()


def test_an_unknown_word_is_an_error(command: Command, embeddings: Path) -> None:
    done = command("neighbours", embeddings, "a1", "a99")
    assert done.code == 1
    assert done.error.startswith("unknown word 'a99'; did you mean")


def test_too_little_memory_is_an_error(
    command: Command, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: object) -> None:
        np.empty(2**57)  # 2^60 bytes, more than any address space

    monkeypatch.setattr("full_w2v.pipeline.Model.initialize", too_large)
    done = command("train", corpus, "--output", tmp_path / "v.txt")
    assert done.code == 1
    assert done.error.startswith("out of memory; try a smaller --vector-size")
