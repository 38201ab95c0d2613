"""Output files are written beside their final name and moved there when they are complete."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from full_w2v.errors import ConfigError


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A new file beside `path`, open both ways; it takes its place at the end, or vanishes on any exception.

    A link is followed, as writing in place would. Permissions are the older file's if there is one.
    Raises OSError, naming `path`, if the folder is missing, nothing can be written there or the disk is full.
    """
    target = _target(path)
    with _named(path):
        aside, file = _create_beside(target)
    try:
        with _named(path), file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or a crash could leave the new name on a file without its content
        with _named(path):
            if target.exists():
                shutil.copymode(target, aside)
            aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def check_writable(path: Path, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Raises the OSError that `written_aside` would raise when it starts.

    inputs: files that are read meanwhile. Raises ConfigError if the path leads to one of them.
    """
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise ConfigError(f"{path}: is read and would be overwritten; choose another output")
    target = _target(path)
    with _named(path):
        aside, file = _create_beside(target)
        file.close()
        aside.unlink()


def _target(path: Path) -> Path:
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder of the output file does not exist", str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "expected a name for the output file, got a folder", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the output file exists and is write-protected", str(path))
    return target


def _create_beside(target: Path) -> tuple[Path, BinaryIO]:
    aside = target.with_name(f".full-w2v-{secrets.token_hex(8)}.part")
    return aside, aside.open("x+b")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Lets an OSError name the output file, instead of the one beside it or none at all."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
