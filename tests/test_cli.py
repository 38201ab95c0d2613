import bz2
import fcntl
import gzip
import io
import json
import lzma
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import two_groups

import full_w2v
from full_w2v.cli import main
from full_w2v.decompression import zstd

COMMANDS = ("train", "evaluate", "neighbours", "vocabulary", "backends", "convert")
PROGRAM = [sys.executable, "-m", "full_w2v.cli"]
TOKENS = 1200 * two_groups.WORDS_PER_SENTENCE
TINY = ["--vector-size", "8", "--epochs", "1", "--threads", "1"]
FOREVER = ["--epochs", "1000000", "--vector-size", "8"]
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}
SUFFIXES = (".txt", ".vec", ".bin", ".kv", ".safetensors")


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The message of a command that failed as it should: one line on stderr, and nothing on stdout."""
        assert self.out == ""
        assert self.err.startswith("full-w2v: error: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("full-w2v: error: ").rstrip("\n")


Command = Callable[..., Outcome]


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
    import full_w2v.formats
    import full_w2v.pipeline
    import full_w2v.terminal  # noqa: F401 (root's modules might not be readable in a moment)

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


def run_program(*arguments: object, **options: Any) -> Outcome:
    """Runs the program in a process of its own."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, **options
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


# What works


def test_train_prints_one_object(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.txt"
    settings = [
        "--window",
        "3",
        "--no-shrink-windows",
        "--negative",
        "4",
        "--ns-exponent",
        "0.5",
        "--sample",
        "0",
    ]
    rates = ["--alpha", "0.05", "--min-alpha", "0.001", "--seed", "7", "--order", "pair", "--backend", "cpu"]
    limits = ["--min-count", "2", "--max-final-vocab", "30", "--loss", "--epochs", "2", "--vector-size", "6"]
    done = command(
        "train", corpus, "--output", output, "--json", "--threads", "2", *settings, *rates, *limits
    )
    assert done.code == 0
    assert done.err == ""
    report = json.loads(done.out)
    assert report["settings"] == {
        "min_count": 2,
        "max_final_vocab": 30,
        "architecture": "skip-gram",
        "cbow_mean": True,
        "hierarchical_softmax": False,
        "vector_size": 6,
        "window": 3,
        "shrink_windows": False,
        "negative": 4,
        "ns_exponent": 0.5,
        "sample": 0.0,
        "alpha": 0.05,
        "min_alpha": 0.001,
        "epochs": 2,
        "seed": 7,
        "order": "pair",
        "share_negatives": 1,
        "loss": True,
        "threads": 2,
    }
    assert list(report["seconds"]) == ["vocabulary", "encode", "train", "save"]
    assert report["raw_words"] == 2 * TOKENS
    assert 0 < report["trained_words"] < report["raw_words"]
    assert report["pairs"] > report["trained_words"]
    assert report["words_per_second"] == pytest.approx(report["raw_words"] / report["seconds"]["train"])
    assert len(report["loss"]) == 2
    assert report["vocabulary"] == len(full_w2v.load_embeddings(output)) <= 30


@pytest.mark.parametrize(("option", "mean"), [("--cbow-mean", True), ("--no-cbow-mean", False)])
def test_train_takes_cbow(command: Command, corpus: Path, tmp_path: Path, option: str, mean: bool) -> None:
    output = tmp_path / "v.safetensors"
    done = command("train", corpus, "--output", output, "--json", "--cbow", option, *TINY)
    assert done.code == 0
    settings = json.loads(done.out)["settings"]
    assert (settings["architecture"], settings["cbow_mean"]) == ("cbow", mean)
    config = full_w2v.load_model(output).config
    assert (config.architecture, config.cbow_mean) == ("cbow", mean)


def test_train_takes_hierarchical_softmax_alone(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.safetensors"
    done = command("train", corpus, "--output", output, "--json", "--hs", "--negative", "0", *TINY)
    assert done.code == 0
    settings = json.loads(done.out)["settings"]
    assert (settings["hierarchical_softmax"], settings["negative"]) == (True, 0)
    model = full_w2v.load_model(output)
    assert model.inner is not None
    assert model.inner.any()
    assert not model.output.any()


def test_train_without_json_prints_a_summary_and_the_loss(
    command: Command, corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "v.bin"
    done = command("train", corpus, "--output", output, "--loss", *TINY)
    assert done.code == 0
    assert done.err == ""
    first, loss = done.out.splitlines()
    assert first.startswith(f"{output}: 40 words x 8, trained on {TOKENS:,} words at ")
    assert re.fullmatch(r"epoch 1: loss 0\.\d{6}", loss)


def test_train_gives_what_the_python_call_gives(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.safetensors"
    assert command("train", corpus, "--output", output, *TINY).code == 0
    expected = full_w2v.train(corpus, vector_size=8, epochs=1, threads=1).model
    model = full_w2v.load_model(output)
    np.testing.assert_array_equal(model.input, expected.input)
    np.testing.assert_array_equal(model.output, expected.output)
    assert model.config == expected.config


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_train_writes_every_format(command: Command, corpus: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"v{suffix}"
    assert command("train", corpus, "--output", output, *TINY).code == 0
    loaded = full_w2v.load_embeddings(output)
    expected = full_w2v.train(corpus, vector_size=8, epochs=1, threads=1).embeddings
    assert loaded.words == expected.words
    np.testing.assert_array_equal(loaded.vectors, expected.vectors)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_train_reads_compressed_text(command: Command, corpus: Path, tmp_path: Path, suffix: str) -> None:
    packed = tmp_path / f"corpus.txt{suffix}"
    packed.write_bytes(COMPRESS[suffix](corpus.read_bytes()))
    for source, output in ((corpus, "plain.txt"), (packed, "packed.txt")):
        assert command("train", source, "--output", tmp_path / output, *TINY).code == 0
    assert (tmp_path / "packed.txt").read_text() == (tmp_path / "plain.txt").read_text()


def test_train_reads_several_files(command: Command, corpus: Path, tmp_path: Path) -> None:
    packed = tmp_path / "more.txt.gz"
    packed.write_bytes(gzip.compress(two_groups.text(100).encode()))
    done = command("train", corpus, packed, corpus, "--output", tmp_path / "v.txt", "--json", *TINY)
    assert json.loads(done.out)["raw_words"] == 2 * TOKENS + 100 * two_groups.WORDS_PER_SENTENCE


def test_vocabulary_prints_words_by_count(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("b a b é\nc b a é\n")
    assert command("vocabulary", path, "--min-count", "2").out == "b\t3\na\t2\né\t2\n"
    assert command("vocabulary", path, "--min-count", "1", "--max-final-vocab", "2").out == "b\t3\n"
    as_json = command("vocabulary", path, "--min-count", "1", "--threads", "1", "--json").out
    assert list(json.loads(as_json).items()) == [("b", 3), ("a", 2), ("é", 2), ("c", 1)]


def test_neighbours_prints_words_of_the_group(command: Command, embeddings: Path) -> None:
    done = command("neighbours", embeddings, "a3", "--count", "3")
    rows = [line.split() for line in done.out.splitlines()]
    assert len(rows) == 3
    assert all(word.startswith("a") and word != "a3" and float(cosine) > 0 for cosine, word in rows)
    found = json.loads(command("neighbours", embeddings, "a3", "b1", "--count", "3", "--json").out)
    assert [word for word, _ in found["a3"]] == [word for _, word in rows]
    assert all(word.startswith("b") for word, _ in found["b1"])
    both = command("neighbours", embeddings, "a3", "b1", "--count", "3").out.splitlines()
    assert (both[0], both[4]) == ("a3:", "b1:")


def test_evaluate_scores_given_files(command: Command, embeddings: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a1\ta2\t9\na1\tb2\t1\na3\ta4\t8\nb1\ta4\t2\nunknown\ta1\t3\n")
    analogies = tmp_path / "analogies.txt"
    analogies.write_text(": groups\na1 a2 a3 a4\n")
    arguments = ("evaluate", embeddings, "--pairs", pairs, "--analogies", analogies)
    report = json.loads(command(*arguments, "--json").out)
    assert report["pairs"][0]["found"] == 4
    assert report["pairs"][0]["total"] == 5
    assert report["pairs"][0]["spearman"] > 0
    assert report["analogies"][0]["found"] == 1
    table = command(*arguments).out
    assert "4 / 5" in table
    assert "1 / 1" in table


def test_evaluate_takes_the_sets_of_gensim_by_default(command: Command, embeddings: Path) -> None:
    report = json.loads(command("evaluate", embeddings, "--json").out)
    assert [(part["name"], part["found"], part["total"]) for part in report["pairs"]] == [
        ("wordsim353", 0, 353),
        ("simlex999", 0, 999),
    ]
    assert report["analogies"][0]["total"] == 19544


def test_backends_prints_each_one(command: Command) -> None:
    lines = command("backends").out.splitlines()
    report = json.loads(command("backends", "--json").out)
    assert [line.split()[0] for line in lines] == list(report)
    assert report["cpu"]["usable"] is True
    assert "scalar" in report["cpu"]["detail"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_convert_keeps_every_value(command: Command, embeddings: Path, tmp_path: Path, suffix: str) -> None:
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.safetensors"
    assert command("convert", embeddings, there) == Outcome(0, "", "")
    assert command("convert", there, back) == Outcome(0, "", "")
    expected = full_w2v.load_embeddings(embeddings)
    assert full_w2v.load_embeddings(back).words == expected.words
    np.testing.assert_array_equal(full_w2v.load_embeddings(back).vectors, expected.vectors)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith(f"usage: full-w2v {name} [-h]")
    assert re.search(rf"^    {name}\s", command("--help").out, re.MULTILINE)


def test_version(command: Command) -> None:
    assert command("--version") == Outcome(0, f"full-w2v {full_w2v.__version__}\n", "")


# Progress


class Terminal:
    """The program with a terminal as its stderr."""

    def __init__(self, *arguments: object, temporary: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 40, 200, 0, 0))  # rows, columns, pixels
        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=slave,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._master)

    def wait_for(self, text: str) -> None:
        """Reads until the text is shown; fails if the program ends before."""
        while text not in self.shown:
            piece = self._read()
            assert piece, f"{text!r} was never shown, only {self.shown!r}"

    def finish(self) -> Outcome:
        """Reads to the end."""
        while self._read():
            pass
        assert self.process.stdout is not None
        out = self.process.stdout.read().decode()
        return Outcome(self.process.wait(timeout=60), out, self.shown)

    def _read(self) -> str:
        try:
            piece = os.read(self._master, 1 << 16).decode(errors="replace")
        except OSError:  # how a terminal says that nobody writes to it any more
            return ""
        self.shown += piece
        return piece


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for the program's temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


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


# What is refused: one line, its exit code, nothing written


@pytest.fixture
def refused(command: Command, tmp_path: Path) -> Callable[..., str]:
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


Refused = Callable[..., str]


def damaged(name: str, data: bytes) -> dict[str, bytes]:
    """A compressed file cut in the middle, with a changed byte, and one that is something else."""
    middle = len(data) // 2
    return {
        f"truncated{name}": data[:middle],
        f"changed{name}": data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :],
        f"plain{name}": two_groups.text().encode(),
        f"empty{name}": b"",
    }


DAMAGED = {
    name: data
    for suffix, compress in COMPRESS.items()
    for name, data in damaged(suffix, compress(two_groups.text().encode())).items()
}
BAD_TEXTS = {
    "empty": (b"", "holds no tokens"),
    "blank": (b" \n\t\n", "holds no tokens"),
    "rare": (
        b"once upon a time",
        "no word occurs min_count=5 times or more; the most frequent, 'once', occurs 1",
    ),
    "latin": (
        b"good line\nbad caf\xe9\n",
        "line 2 is not UTF-8 (byte 0xe9 at 17); decode with encoding='latin-1' or errors='re",
    ),
    "binary": (
        b"good line\nbad \x00 line\n",
        "line 2 holds a NUL (byte 14), so it is not text, or not UTF-8",
    ),
    "utf16": ("two words\n".encode("utf-16"), "line 1 is not UTF-8 (byte 0xff at 0)"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_bad_text_is_refused(refused: Refused, tmp_path: Path, name: str) -> None:
    data, message = BAD_TEXTS[name]
    path = tmp_path / f"{name}.txt"
    path.write_bytes(data)
    error = refused(path)
    assert error.startswith(f"{path}: ")
    assert message in error


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_compression_is_refused(refused: Refused, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    error = refused(path)
    assert error.startswith(f"{path}: ")
    expected = (
        "ends too early" if name.startswith(("truncated", "empty")) else r"not valid \w+ data|too early"
    )
    assert re.search(expected, error)


def test_text_that_is_not_utf8_can_be_read_on_request(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 nul\x00 " * 5)
    replaced = command("vocabulary", path, "--errors", "replace")
    assert replaced == Outcome(0, "caf\ufffd\t5\nnul\ufffd\t5\n", "")
    assert command("vocabulary", path, "--errors", "ignore").out == "caf\t5\nnul\t5\n"
    path.write_bytes(b"caf\xe9 " * 5)
    assert command("vocabulary", path, "--encoding", "latin-1") == Outcome(0, "café\t5\n", "")
    output = tmp_path / "v.txt"
    assert command("train", path, "--encoding", "latin-1", "--output", output, *TINY).code == 0
    assert "café" in full_w2v.load_embeddings(output)


def test_one_very_long_line_trains_whole(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_text(two_groups.text(100).replace("\n", " ") * 1000)
    assert path.stat().st_size > 3_000_000
    arguments = ("--json", "--sample", "0", "--window", "1", "--negative", "1", *TINY)
    report = json.loads(command("train", path, "--output", tmp_path / "v.txt", *arguments).out)
    assert report["raw_words"] == report["trained_words"] == 1_200_000


@pytest.mark.parametrize("name", ["missing", "folder", "missing beside a good one"])
def test_a_corpus_that_is_no_file_is_refused(
    refused: Refused, corpus: Path, tmp_path: Path, name: str
) -> None:
    missing = tmp_path / "nowhere.txt"
    if name == "folder":
        assert refused(tmp_path) == f"{tmp_path}: is a directory; pass the files in it"
    elif name == "missing":
        assert refused(missing) == f"{missing}: no such file"
    else:
        assert refused(corpus, missing) == f"{missing}: no such file"


def test_an_unreadable_corpus_is_refused(command: Command, unprivileged: Path) -> None:
    path = two_groups.write(unprivileged / "corpus.txt")
    path.chmod(0)
    done = command("train", path, "--output", unprivileged / "v.txt")
    assert done.code == 1
    assert done.error == f"{path}: Permission denied"
    assert [file.name for file in unprivileged.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--vector-size", "0"),
        ("--vector-size", "65537"),
        ("--window", "0"),
        ("--window", "1001"),
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
    assert done.error == f"{output}: is read and would be overwritten; choose another output"
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
    assert error.startswith("training diverged")


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


def test_stdout_is_left_alone_where_it_is_no_stream_of_bytes(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["vocabulary", str(corpus), "--max-final-vocab", "2", "--quiet"]) == 0
    assert len(stream.getvalue().splitlines()) <= 2
