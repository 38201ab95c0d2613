"""Outputs that are not files: standard output, devices, pipes, descriptors. They are written as they come."""

import errno
import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from full_w2v.any_path import AnyPath
from full_w2v.errors import ConfigError

STANDARD_OUTPUT = "-"
_MOST_LINKS = 40


@dataclass(frozen=True)
class Stream:
    """A place that bytes can only be sent to, in order.

    path: as the user gave it. descriptor: the open file of this process that it names, as /dev/fd/3 does;
    None if it must be opened.
    """

    path: str
    descriptor: int | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard output" if self.path == STANDARD_OUTPUT else self.path

    def check(self, inputs: Iterable[AnyPath] = ()) -> None:
        """Raises OSError if it cannot be written, ConfigError if one of the inputs would be written to."""
        if self.path == STANDARD_OUTPUT:
            if sys.stdout is None:
                raise OSError(errno.EBADF, "is closed", self.name)
            return
        status = os.stat(self.path) if self.descriptor is None else os.fstat(self.descriptor)
        if stat.S_ISBLK(status.st_mode) or stat.S_ISSOCK(status.st_mode):
            kind = "a block device" if stat.S_ISBLK(status.st_mode) else "a socket"
            raise OSError(
                errno.EINVAL, f"expected a file, a pipe or a character device, got {kind}", self.path
            )
        if self.descriptor is not None:
            os.write(self.descriptor, b"")  # fails unless it is open for writing
        elif not os.access(self.path, os.W_OK):
            raise PermissionError(errno.EACCES, "the output is write-protected", self.path)
        if not stat.S_ISCHR(status.st_mode) and any(_is_at(status, path) for path in inputs):
            raise ConfigError(f"{self.path}: is an input and would be written to; choose another output")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The stream, to write to. All is written when the block ends. A pipe waits for its reader."""
        self.check()
        descriptor = self._own_descriptor()
        if descriptor is None:
            yield sys.stdout.buffer
            sys.stdout.flush()
            return
        try:
            with _Sequential(descriptor) as raw:
                file = io.BufferedWriter(raw, 1 << 16)
                yield cast("BinaryIO", file)
                file.flush()
        except BrokenPipeError as error:
            if self.path == STANDARD_OUTPUT or self.descriptor == 1:
                raise  # its reader, head for one, has read all that it wants
            raise OSError(errno.EIO, "its reader closed it before the end", self.path) from error

    def _own_descriptor(self) -> int | None:
        """A descriptor to write to and to close; None for a standard output that has none, as in tests."""
        if sys.stdout is not None and (self.path == STANDARD_OUTPUT or self.descriptor is not None):
            sys.stdout.flush()  # what was printed comes first
        if self.path == STANDARD_OUTPUT:
            try:
                return os.dup(sys.stdout.fileno())
            except io.UnsupportedOperation:
                return None
        if self.descriptor is not None:
            # Not opened anew: a file that a shell opened keeps its position, and what others wrote there.
            return os.dup(self.descriptor)
        return os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)


def stream_at(path: AnyPath) -> Stream | None:
    """The stream that a path leads to; None if it leads to a regular file, a folder or nothing yet."""
    name = os.fspath(path)
    if name == STANDARD_OUTPUT:
        return Stream(name)
    descriptor = _descriptor(name)
    if descriptor is not None:
        return Stream(name, descriptor)
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else Stream(name)


def is_standard_output(path: AnyPath) -> bool:
    """Whether what is written to a path ends up where standard output does."""
    stream = stream_at(path)
    if stream is None:
        return False
    if stream.path == STANDARD_OUTPUT or stream.descriptor == 1:
        return True
    try:
        return os.path.samestat(os.fstat(1), os.stat(path))
    except OSError:
        return False


class _Sequential(io.RawIOBase):
    """Writes to a descriptor that cannot be sought in, and counts the bytes: some formats ask for that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        count = os.write(self._descriptor, data)
        self._written += count
        return count

    def tell(self) -> int:
        return self._written

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)


def _descriptor(path: str) -> int | None:
    """The number of the descriptor of this process that a path such as /dev/stdout names."""
    own = re.compile(rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd")
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder or os.curdir)
        if name.isdigit() and own.fullmatch(folder):
            return int(name)
        whole = os.path.join(folder, name)
        if not os.path.islink(whole):
            return None
        path = os.path.join(folder, os.readlink(whole))
    return None


def _is_at(status: os.stat_result, path: AnyPath) -> bool:
    try:
        return os.path.samestat(status, os.stat(path))
    except OSError:
        return False
