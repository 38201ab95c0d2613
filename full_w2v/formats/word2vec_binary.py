"""word2vec binary: a line "words dimension", then each word in UTF-8, a space and its float32 values."""

import mmap
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError, shown
from full_w2v.formats.words import check_room, decoded, header, separable

ROWS_PER_WRITE = 1024
LONGEST_FIRST_LINE = 64


def save(embeddings: Embeddings, file: BinaryIO) -> None:
    """Writes a newline after each vector, as word2vec.c does; raises FormatError for words it cannot hold."""
    words = separable(embeddings.words)
    file.write(b"%d %d\n" % embeddings.vectors.shape)
    for begin in range(0, len(words), ROWS_PER_WRITE):
        rows = embeddings.vectors[begin : begin + ROWS_PER_WRITE].astype("<f4")
        lines = zip(words[begin:], rows, strict=False)
        file.write(b"".join(b"%b %b\n" % (word, row.data) for word, row in lines))


def load(path: Path) -> Embeddings:
    """Reads the file, newlines after the vectors or not; raises FormatError if it is damaged."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_FIRST_LINE)
        sizes = header(first)
        if not sizes:
            raise FormatError(f"expected 'words dimension' in line 1, got {shown(first)}")
        check_room(*sizes, 4 * sizes[1] + 1, os.fstat(file.fileno()).st_size - len(first))
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read_rows(data, len(first), *sizes)


def _read_rows(data: mmap.mmap, position: int, rows: int, dimension: int) -> Embeddings:
    words = []
    vectors = np.empty((rows, dimension), "<f4")
    room = vectors.data.cast("B")
    row_bytes = 4 * dimension
    for row in range(rows):
        space = data.find(b" ", position)
        end = space + 1 + row_bytes
        if space < 0 or end > len(data):
            raise FormatError(f"line 1 says {rows} words of {dimension} values, the file ends after {row}")
        words.append(decoded(data[position:space].lstrip(b"\n"), f"row {row + 1}"))
        room[row * row_bytes : (row + 1) * row_bytes] = data[space + 1 : end]
        position = end
    if data[position : position + 2].strip(b"\n"):
        raise FormatError(
            f"expected the end after {rows} words of {dimension} values as line 1 says, got more"
        )
    return Embeddings(words, vectors)
