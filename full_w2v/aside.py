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


@contextmanager
def written_aside_together(path: Path) -> Iterator[Path]:
    """A path in a new folder, for a file and others beside it whose names begin with its name.

    At the end all take their places beside `path`, it last; they vanish on any exception. Raises as
    `written_aside`.
    """
    target = _target(path)
    with _named(path):
        folder = _name_beside(target)
        folder.mkdir()
    try:
        with _named(path):
            yield folder / target.name
            for file in sorted(folder.iterdir(), key=lambda file: file.name == target.name):
                file.replace(target.with_name(file.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def folder_written_aside(path: Path) -> Iterator[Path]:
    """A new folder beside `path` that takes its place at the end, or vanishes on any exception.

    Raises OSError if the place above is missing or not writable, FileExistsError if `path` is there already
    and anything but an empty folder.
    """
    with _named(path):
        target, folder = _new_folder_beside(path)
    try:
        with _named(path):
            yield folder
            folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_folder_writable(path: Path, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """As `check_writable`, for `folder_written_aside`."""
    _check_no_input(path, inputs)
    with _named(path):
        _new_folder_beside(path)[1].rmdir()


def check_writable(path: Path, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Raises the OSError that `written_aside` would raise when it starts.

    inputs: files that are read meanwhile. Raises ConfigError if the path leads to one of them.
    """
    _check_no_input(path, inputs)
    target = _target(path)
    with _named(path):
        aside, file = _create_beside(target)
        file.close()
        aside.unlink()


def _check_no_input(path: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise ConfigError(f"{path}: is read and would be overwritten; choose another output")


def _target(path: Path) -> Path:
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder of the output file does not exist", str(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "expected a name for the output file, got a folder", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the output file exists and is write-protected", str(path))
    return target


def _new_folder_beside(path: Path) -> tuple[Path, Path]:
    """Where a folder shall stand, and an empty one beside it."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder of the output does not exist", str(path))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(errno.EEXIST, "the output exists; remove it or choose another name", str(path))
    folder = _name_beside(target)
    folder.mkdir()
    return target, folder


def _create_beside(target: Path) -> tuple[Path, BinaryIO]:
    aside = _name_beside(target)
    return aside, aside.open("x+b")


def _name_beside(target: Path) -> Path:
    return target.with_name(f".full-w2v-{secrets.token_hex(8)}.part")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Lets an OSError name the output file, instead of the one beside it or none at all."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
