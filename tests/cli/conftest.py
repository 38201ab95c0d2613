"""The program run in this process, and what it works on."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import two_groups
from programs import Command, Outcome, Refused

import full_w2v
from full_w2v.cli import main


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the program in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = int(error.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return two_groups.write(tmp_path / "corpus.txt")


@pytest.fixture
def embeddings(tmp_path: Path, corpus: Path) -> Path:
    """Trained embeddings, as a whole model."""
    path = tmp_path / "trained.safetensors"
    full_w2v.train(corpus, vector_size=8, epochs=5, sample=0, threads=1).save(path)
    return path


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder in which this process has an ordinary user's rights, even if root runs the tests."""

    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)
            Path(name).chmod(0o700)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for the program's temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def refused(command: Command, tmp_path: Path) -> Refused:
    """Trains into an older output file, which must stay as it is, and returns the error's message."""

    def train(*arguments: object, code: int = 1) -> str:
        output = tmp_path / "older.txt"
        output.write_text("older")
        files = sorted(tmp_path.rglob("*"))
        done = command("train", *arguments, "--output", output, "--epochs", "1")
        assert done.code == code
        assert sorted(tmp_path.rglob("*")) == files
        assert output.read_text() == "older"
        return done.error

    return train
