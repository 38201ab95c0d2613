"""word2vec text: a line "words dimension", then a line "word value value ..." for each word, in UTF-8."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from full_w2v.config import MAX_VECTOR_SIZE
from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError, shown
from full_w2v.formats.words import check_room, decoded, header, separable

ROWS_PER_WRITE = 1024
LONGEST_FIRST_LINE = 32 * MAX_VECTOR_SIZE  # more is text without lines, which to split would take much memory

# Of all float32 values only this one and its negative become their neighbour when their shortest digits are
# read through a double, as gensim and most others do: every value was tried.
_MISREAD, _READ_RIGHT = b"7.038531e-26", b"7.03853069e-26"


def save(embeddings: Embeddings, file: BinaryIO) -> None:
    """Writes the fewest digits that read back as the same float32; FormatError for words it cannot hold."""
    words = separable(embeddings.words)
    file.write(b"%d %d\n" % embeddings.vectors.shape)
    _write_lines(words, embeddings, file)


def save_glove(embeddings: Embeddings, file: BinaryIO) -> None:
    """Writes the same without the first line, as GloVe does."""
    _write_lines(separable(embeddings.words), embeddings, file)


def digits(vectors: NDArray[np.float32]) -> Iterator[list[bytes]]:
    """The fewest digits of each row's values, with spaces between, some rows at a time."""
    for begin in range(0, len(vectors), ROWS_PER_WRITE):
        rows = np.ascontiguousarray(vectors[begin : begin + ROWS_PER_WRITE])
        # JSON's digits are what is wanted here, and orjson makes them 20 times faster than numpy.
        text = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY).replace(_MISREAD, _READ_RIGHT)
        yield text.replace(b",", b" ")[2:-2].split(b"] [")


def _write_lines(words: list[bytes], embeddings: Embeddings, file: BinaryIO) -> None:
    remaining = iter(words)
    for rows in digits(embeddings.vectors):
        file.write(
            b"".join(b"%b %b\n" % line for line in zip(islice(remaining, len(rows)), rows, strict=True))
        )


def load(path: Path) -> Embeddings:
    """Reads the file with or without its first line; raises FormatError if it is damaged."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_FIRST_LINE)
        size = os.fstat(file.fileno()).st_size
        sizes = header(first)
        if sizes:
            check_room(*sizes, 2 * sizes[1] + 2, size + 1)  # the last newline may be missing
            embeddings = _read_lines(file, 2, *sizes)
            if len(embeddings) < sizes[0]:
                raise FormatError(
                    f"line 1 says {sizes[0]} words, got {len(embeddings)}; the file is cut short"
                )
            return embeddings
        dimension = 0 if len(first) == LONGEST_FIRST_LINE else len(first.split()) - 1
        if dimension < 1:
            raise FormatError(
                f"expected 'words dimension' or a word and its values in line 1, got {shown(first)}"
            )
        file.seek(0)
        return _read_lines(file, 1, (size + 1) // (2 * dimension + 2), dimension)


def _read_lines(file: BinaryIO, first_number: int, most: int, dimension: int) -> Embeddings:
    """Reads a word from each line, at most so many in all."""
    words: list[str] = []
    vectors = np.empty((most, dimension), np.float32)
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and that is refused
        for number, line in enumerate(file, first_number):
            fields = line.strip().rsplit(None, dimension)
            if not fields:
                continue
            word, values = _word_and_values(fields, dimension, number)
            if len(words) == most:
                raise FormatError(f"line {number}: expected the end after {most} words")
            vectors[len(words)] = values
            words.append(word)
    vectors.resize((len(words), dimension), refcheck=False)
    return Embeddings(words, vectors)


def _word_and_values(fields: list[bytes], dimension: int, number: int) -> tuple[str, list[float]]:
    if len(fields) <= dimension:
        raise FormatError(f"line {number}: expected a word and {dimension} values, got {len(fields)} fields")
    try:
        values = list(map(float, fields[1:]))
    except ValueError:
        wrong = next(field for field in fields[1:] if not _is_number(field))
        raise FormatError(f"line {number}: expected {dimension} values, got {shown(wrong)}") from None
    if any(map(_is_number, fields[0].split()[1:])):
        raise FormatError(f"line {number}: expected a word and {dimension} values, got more values")
    return decoded(fields[0], f"line {number}"), values


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
