"""The program in a process of its own, what came of it, and settings that the tests share."""

import bz2
import fcntl
import gzip
import lzma
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import two_groups

from full_w2v.corpus.decompression import zstd

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
Refused = Callable[..., str]


def run_program(*arguments: object, **options: Any) -> Outcome:
    """Runs the program in a process of its own."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, **options
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


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
