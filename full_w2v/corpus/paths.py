"""Where files lie: local paths, directories, patterns, remote addresses and standard input."""

import glob
import io
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from full_w2v.corpus.own_outputs import HEAD_BYTES, written_file, written_folder
from full_w2v.errors import CorpusError

STANDARD_INPUT = "-"
SKIPPED_SHOWN = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A file to read: a local path, a URL, or "-" for standard input.

    size: in bytes, None if it is not known before the end. is_regular: a file of a local disk, which native
    threads may read by themselves.
    """

    path: str
    size: int | None = None
    is_regular: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == STANDARD_INPUT else self.path

    def open(self) -> IO[bytes]:
        """The file, open for reading its bytes, with a `peek`. Raises CorpusError if that fails."""
        try:
            if self.path == STANDARD_INPUT:
                return cast("IO[bytes]", _standard_input())
            if _is_remote(self.path):
                return _with_peek(_open_remote(self.path))
            return Path(self.path).open("rb")
        except OSError as error:
            raise CorpusError(f"{self.name}: {error.strerror or error}") from None


def expanded(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Paths of files: a directory stands for all files in it, a pattern for those that it matches.

    Both come in the order of their names; hidden files and folders are passed over.
    Raises CorpusError for a directory without files and for a pattern that matches nothing.
    """
    return [file for path in paths for file in _files_of(os.fspath(path), None)]


def places_of(paths: Iterable[str | os.PathLike[str]]) -> list[Place]:
    """The places of a corpus's files, as `expanded` orders them, without what is known not to be text.

    Word vectors, models, vocabularies and caches that lie in a directory or match a pattern are passed over;
    the log names them. A file that is named itself is always read.
    Raises CorpusError as `expanded` and `place_of` do, and if nothing else is left of a directory or pattern.
    """
    places: list[Place] = []
    skipped: list[str] = []
    for given in paths:
        path = os.fspath(given)
        others: list[str] = []
        kept = len(places)
        for file in _files_of(path, others):
            if file == path:
                places.append(place_of(file))
            elif (place := _text_place(file, others)) is not None:
                places.append(place)
        if others and len(places) == kept:
            raise CorpusError(
                f"{_whole(path)}: holds no text, only {_listed(others)}; name a file to read it"
            )
        skipped += others
    if skipped:
        _log.warning("not read as text: %s; name a file to read it", _listed(skipped))
    return places


def _text_place(path: str, skipped: list[str]) -> Place | None:
    """The place of a file that was found; None, and a note, for what is known not to be text."""
    try:
        # Looked at first: to open a pipe and close it again would end what writes into it.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return place_of(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return place_of(path)  # which says what is wrong
    try:
        status = os.fstat(descriptor)
        kind = written_file(os.path.basename(path), os.read(descriptor, HEAD_BYTES))
    except OSError as error:
        raise CorpusError(f"{_whole(path)}: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if kind is None:
        return Place(path, status.st_size, is_regular=True)
    skipped.append(f"{_whole(path)} ({kind})")
    return None


def _listed(skipped: list[str]) -> str:
    more = f" and {len(skipped) - SKIPPED_SHOWN} more" if len(skipped) > SKIPPED_SHOWN else ""
    return ", ".join(skipped[:SKIPPED_SHOWN]) + more


def place_of(path: str) -> Place:
    """The place of one file. Raises CorpusError if it is missing or cannot be read."""
    if path == STANDARD_INPUT or _is_remote(path):
        return Place(path)
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            return Place(path, status.st_size, is_regular=True)
    except FileNotFoundError:
        if len(path.split()) > 1:
            hint = "strings are treated as paths; a sentence must be a list of tokens"
            raise CorpusError(f"{_whole(path)}: no such file; {hint}") from None
        raise CorpusError(f"{_whole(path)}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CorpusError(f"{_whole(path)}: {getattr(error, 'strerror', None) or error}") from None
    return Place(path)


def _files_of(path: str, skipped: list[str] | None) -> Iterator[str]:
    """The files that a path stands for; `skipped` collects folders that are not a corpus; None keeps them."""
    if path == STANDARD_INPUT or _is_remote(path):
        yield path
    elif os.path.isdir(path):
        found = False
        before = len(skipped or ())
        for file in _walk(path, skipped):
            found = True
            yield file
        if not found and len(skipped or ()) == before:
            raise CorpusError(f"{path}: the directory holds no files")
    elif not os.path.lexists(path) and glob.has_magic(path):
        matches = [match for match in sorted(glob.glob(path, recursive=True)) if not os.path.isdir(match)]
        if not matches:
            raise CorpusError(f"{_whole(path)}: no file matches this pattern")
        yield from matches
    else:
        yield path


def _walk(folder: str, skipped: list[str] | None) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise CorpusError(f"{folder}: {error.strerror}") from None
    kind = None if skipped is None else written_folder({entry.name for entry in entries})
    if kind is not None and skipped is not None:
        skipped.append(f"{_whole(folder)} ({kind})")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = os.path.join(folder, entry.name)
        if entry.is_dir() and not entry.is_symlink():  # a link could lead back to a folder above
            yield from _walk(path, skipped)
        elif entry.is_file():
            yield path


def _is_remote(path: str) -> bool:
    scheme, mark, _ = path.partition("://")
    return bool(mark) and scheme.isidentifier() and not os.path.exists(path)


def _open_remote(url: str) -> Any:
    try:
        import smart_open
    except ImportError:
        raise CorpusError(
            f"{url}: remote files need the package smart_open; pip install smart_open"
        ) from None
    try:
        return smart_open.open(url, "rb", compression="disable")
    except (ImportError, NotImplementedError, ValueError) as error:  # a scheme whose own package is missing
        raise CorpusError(f"{url}: smart_open cannot open it ({' '.join(str(error).split())})") from None


def _with_peek(stream: Any) -> IO[bytes]:
    return cast("IO[bytes]", stream if hasattr(stream, "peek") else io.BufferedReader(stream))


def _standard_input() -> Any:
    if sys.stdin is None:
        raise CorpusError("standard input: is closed")
    # A duplicate, so that closing it leaves the process's own open.
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb")


def _whole(path: str) -> str:
    """A path on one line, uncut: its end tells it from others."""
    return path if path.isprintable() else ascii(path)
