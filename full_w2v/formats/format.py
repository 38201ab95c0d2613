"""What a format is: how its files are written and read, and which words they can hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from full_w2v.formats.load_options import LoadOptions
from full_w2v.model import Model
from full_w2v.output.atomic_write import atomic_file, atomic_files, atomic_folder
from full_w2v.word_vectors import WordVectors

Write = Callable[[WordVectors, Path], None]


@dataclass(frozen=True)
class Format:
    """A format of word vectors.

    write: replaces what was there when the new file is complete; `one_file`, `files` and `folder` see to it.
    load: raises FormatError for a file that is damaged or something else.
    check: raises FormatError for words that it cannot hold.
    needs: a package that is not always installed. is_folder: it is one, not a file.
    second_file: the other file of a format that has two.
    write_model, load_model: of a format that holds whole models.
    """

    write: Write
    load: Callable[[Path, LoadOptions], WordVectors]
    check: Callable[[Sequence[str]], None]
    needs: str | None = None
    is_folder: bool = False
    second_file: Callable[[Path], Path] | None = None
    write_model: Callable[[Model, Path], None] | None = None
    load_model: Callable[[Path], Model] | None = None


def one_file(save: Callable[[WordVectors, BinaryIO], None]) -> Write:
    """Writes a single file, which may be a stream."""

    def write(vectors: WordVectors, path: Path) -> None:
        with atomic_file(path) as file:
            save(vectors, file)

    return write


def files(save: Write) -> Write:
    """Writes several files whose names begin alike."""

    def write(vectors: WordVectors, path: Path) -> None:
        with atomic_files(path) as aside:
            save(vectors, aside)

    return write


def folder(save: Write) -> Write:
    """Writes a folder."""

    def write(vectors: WordVectors, path: Path) -> None:
        with atomic_folder(path) as aside:
            save(vectors, aside)

    return write
