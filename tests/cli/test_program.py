"""The program among others: terminals, signals, pipes and threads."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from programs import FOREVER, PROGRAM, TINY, TOKENS, Command, Outcome, Terminal, run_program

import full_w2v
from full_w2v.cli import main

# Progress


def test_a_terminal_shows_progress(corpus: Path, tmp_path: Path, temporary: Path) -> None:
    arguments = ("train", corpus, "--output", tmp_path / "v.txt", "--json", "--loss", "--epochs", "40")
    with Terminal(*arguments, temporary=temporary) as terminal:
        done = terminal.finish()
    assert done.code == 0
    assert json.loads(done.out)["raw_words"] == 40 * TOKENS
    assert re.search(r"counting: 100%.*encoding: 100%.*training: 100%", done.err, re.DOTALL)
    # Words done and in all, time passed and left, words/s, epoch, rate and loss.
    last = done.err.strip().splitlines()[-1].split("\r")[-1]
    shape = (
        r"training: 100%\|.*\| 576k/576k \[\d\d:\d\d<\d\d:\d\d, [\d.]+[kM]? words/s, "
        r"epoch 40/40, rate 0\.00010, loss 0\.\d{4}\]"
    )
    assert re.search(shape, last), last


def test_quiet_shows_nothing(corpus: Path, tmp_path: Path, temporary: Path) -> None:
    output = tmp_path / "v.txt"
    with Terminal("train", corpus, "--output", output, "--quiet", *TINY, temporary=temporary) as terminal:
        done = terminal.finish()
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith(f"{output}: ")


# Signals and pipes


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, "full-w2v: error: interrupted"), (signal.SIGTERM, 143, "")],
)
def test_a_signal_in_training_ends_it_and_leaves_nothing(
    corpus: Path, tmp_path: Path, temporary: Path, number: int, code: int, message: str
) -> None:
    output = tmp_path / "v.txt"
    output.write_text("older")
    with Terminal("train", corpus, "--output", output, *FOREVER, temporary=temporary) as terminal:
        terminal.wait_for("words/s, epoch ")
        terminal.process.send_signal(number)
        done = terminal.finish()
    assert done.code == code
    assert done.out == ""
    after_the_bar = done.err.splitlines()[-1].split("\r")[-1] if message else ""
    assert after_the_bar == message
    assert "Traceback" not in done.err
    assert output.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "temporary", "v.txt"]
    assert list(temporary.iterdir()) == []


def test_an_interrupt_is_obeyed_at_once_whatever_the_settings(tmp_path: Path) -> None:
    """The first span alone would take longer than this test's limit."""
    corpus, output = tmp_path / "corpus.txt", tmp_path / "v.txt"
    corpus.write_text(" ".join(f"w{i * i % 911}" for i in range(100_000)))
    output.write_text("older")
    heavy = ["--window", "1000", "--negative", "1000", "--vector-size", "1000", "--sample", "0"]
    command = [*PROGRAM, "train", str(corpus), "--output", str(output), "--min-count", "1", *heavy]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        # Late enough for the program to have begun its work, wherever that is: this holds from then on.
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130
    assert error.splitlines()[-1].split("\r")[-1] == "full-w2v: error: interrupted"
    assert output.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "v.txt"]


def test_a_signal_in_saving_leaves_nothing(
    command: Command, embeddings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("os.fsync", killed)
    handler = signal.getsignal(signal.SIGTERM)
    before = sorted(tmp_path.iterdir())
    assert command("convert", embeddings, tmp_path / "v.txt").code == 143
    assert sorted(tmp_path.iterdir()) == before
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_thread_may_run_the_program(corpus: Path, tmp_path: Path) -> None:
    codes: list[int] = []
    arguments = ["train", str(corpus), "--output", str(tmp_path / "v.txt"), *TINY]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.fixture
def long_vocabulary(tmp_path: Path) -> Path:
    """A corpus whose vocabulary is far longer than a pipe holds."""
    path = tmp_path / "many.txt"
    path.write_text(" ".join(f"word{i}" for i in range(50_000)))
    return path


def test_a_reader_that_leaves_is_no_error(long_vocabulary: Path) -> None:
    arguments = [*PROGRAM, "vocabulary", str(long_vocabulary), "--min-count", "1"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"word0\t1\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device of Linux")
def test_results_that_cannot_be_written_are_an_error(long_vocabulary: Path) -> None:
    with open("/dev/full", "wb") as full:
        arguments = [*PROGRAM, "vocabulary", str(long_vocabulary), "--min-count", "1"]
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert Outcome(1, "", done.stderr).error == "standard output: No space left on device"


def test_closed_outputs_are_no_error(corpus: Path, tmp_path: Path) -> None:
    line = " ".join([*PROGRAM, "train", str(corpus), "--output", str(tmp_path / "v.txt"), *TINY])
    done = subprocess.run(["sh", "-c", f"{line} >&- 2>&-"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(full_w2v.load_embeddings(tmp_path / "v.txt")) == 40


@pytest.mark.parametrize(("command", "code"), [("vocabulary", 1), ("train", 0)])
def test_a_closed_standard_output_is_an_error_where_the_result_goes_there(
    tmp_path: Path, command: str, code: int
) -> None:
    corpus, output = tmp_path / "c.txt", tmp_path / "v.txt"
    corpus.write_text("red green\n" * 9)
    options = {"vocabulary": "", "train": f"--output {output} --sample 0 --vector-size 4"}[command]
    line = f"{sys.executable} -m full_w2v {command} {corpus} --min-count 1 --quiet {options} >&-"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr == ("full-w2v: error: standard output: is closed\n" if code else "")
    assert output.exists() == (code == 0)


def test_an_error_never_goes_to_stdout(tmp_path: Path) -> None:
    line = " ".join([*PROGRAM, "vocabulary", str(tmp_path / "nowhere.txt")])
    done = subprocess.run(["sh", "-c", f"{line} 2>&-"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_words_that_stdout_cannot_show_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("é é a", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run_program("vocabulary", path, "--min-count", "1", env=environment)
    assert done == Outcome(0, "\\xe9\t2\na\t1\n", "")
    as_json = run_program("vocabulary", path, "--min-count", "1", "--json", env=environment)
    assert json.loads(as_json.out) == {"é": 2, "a": 1}


def test_stdout_is_left_alone_where_it_is_no_stream_of_bytes(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["vocabulary", str(corpus), "--max-final-vocab", "2", "--quiet"]) == 0
    assert len(stream.getvalue().splitlines()) <= 2
