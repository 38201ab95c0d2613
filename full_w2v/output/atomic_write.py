"""Atomic output: files are written next to their final place and moved there when they are complete.

What is not a regular file, such as a device, a pipe or standard output, is written as it is.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from full_w2v.any_path import AnyPath
from full_w2v.errors import ConfigError
from full_w2v.output.streams import STANDARD_OUTPUT, stream_at
from full_w2v.output.unfinished import create_part, part_folder


@contextmanager
def atomic_file(path: AnyPath, *, seekable: bool = False) -> Iterator[BinaryIO]:
    """A new file next to `path`, open both ways; it takes its place at the end, or vanishes on any exception.

    A link is followed, as writing in place would. Permissions are the older file's if there is one.
    A path to anything but a regular file yields that itself, to write to in order; "-" is standard output.
    seekable: rejects such a path, because the writer reads back or seeks.
    Raises OSError, naming `path`, if the folder is missing, nothing can be written there or the disk is full.
    """
    stream = stream_at(path)
    if stream is not None:
        if seekable:
            _refuse_stream(path)
        with _named(stream.name), stream.opened() as file:
            yield file
        return
    target = _target(path)
    with _named(path):
        aside, file = create_part(target)
    try:
        with _named(path), file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # as in _flush
            _move(aside, target)  # while it is locked
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_files(path: AnyPath) -> Iterator[Path]:
    """A path in a new folder, for a file and others whose names begin with its name.

    At the end all move to the folder of `path`, that file last; links are followed. They vanish on any
    exception. Raises as `atomic_file`, and for what is not a regular file.
    """
    target = _regular_target(path)
    with _named(path), part_folder(target) as folder:
        yield folder / target.name
        files = sorted(folder.iterdir(), key=lambda file: file.name == target.name)
        # All are checked ahead of the first move, so that old and new files do not mix.
        targets = [_regular_target(target.with_name(file.name)) for file in files]
        for file in files:
            _flush(file)
        for file, place in zip(files, targets, strict=True):
            _move(file, place)


@contextmanager
def atomic_folder(path: AnyPath) -> Iterator[Path]:
    """A new folder next to `path` that takes its place at the end, or vanishes on any exception.

    Raises OSError if the place above is missing or not writable, FileExistsError if `path` is there already
    and anything but an empty folder.
    """
    target = _folder_target(path)
    with _named(path), part_folder(target) as folder:
        yield folder
        for file in folder.rglob("*"):
            _flush(file)
        folder.replace(target)


def check_folder_writable(path: AnyPath, inputs: Iterable[AnyPath] = ()) -> None:
    """As `check_writable`, for `atomic_folder`."""
    _check_no_input(path, inputs)
    target = _folder_target(path)
    with _named(path), part_folder(target):
        pass


def check_writable(path: AnyPath, inputs: Iterable[AnyPath] = (), *, together: bool = False) -> None:
    """Raises the OSError that `atomic_file`, or `atomic_files`, would raise when it starts.

    inputs: files that are read meanwhile. Raises ConfigError if the path leads to one of them.
    """
    stream = stream_at(path)
    if stream is not None:
        if together:
            _refuse_stream(path)
        with _named(stream.name):
            stream.check(inputs)
        return
    _check_no_input(path, inputs)
    target = _target(path)
    with _named(path):
        aside, file = create_part(target)
        file.close()
        aside.unlink()


def _flush(path: Path) -> None:
    """Waits until a file is on the disk: a crash could leave the new name on one without its content."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _move(file: Path, target: Path) -> None:
    """Puts a finished file in its place, with the permissions of an older one.

    Where a place cannot be replaced, as that of a mount, its content is, which an error in the middle leaves
    incomplete.
    """
    if target.exists():
        shutil.copymode(target, file)
    try:
        file.replace(target)
    except OSError as error:
        # The place of a mount, such as a file of a container's host, or of a link to another disk.
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        shutil.copyfile(file, target)
        _flush(target)
        file.unlink()


def _check_no_input(path: AnyPath, inputs: Iterable[AnyPath]) -> None:
    files = (other for other in inputs if os.fspath(other) != STANDARD_OUTPUT)
    if os.path.realpath(path) in map(os.path.realpath, files):
        raise ConfigError(f"{os.fspath(path)}: is an input and would be overwritten; choose another output")


def _refuse_stream(path: AnyPath) -> None:
    raise OSError(
        errno.ESPIPE,
        "is not a regular file, which this output needs; choose another name",
        os.fspath(path),
    )


def _regular_target(path: AnyPath) -> Path:
    if stream_at(path) is not None:
        _refuse_stream(path)
    return _target(path)


def _target(path: AnyPath) -> Path:
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder of the output file does not exist", os.fspath(path))
    if target.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "expected a name for the output file, got a folder", os.fspath(path)
        )
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the output file exists and is write-protected", os.fspath(path))
    return target


def _folder_target(path: AnyPath) -> Path:
    """Where a folder is to be."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder of the output does not exist", os.fspath(path))
    with _named(path):
        is_taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
        if is_taken or stream_at(path) is not None:
            raise FileExistsError(
                errno.EEXIST, "the output exists; remove it or choose another name", os.fspath(path)
            )
    return target


@contextmanager
def _named(path: AnyPath) -> Iterator[None]:
    """Makes an OSError name the output file instead of the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error
