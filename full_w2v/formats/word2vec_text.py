"""word2vec text: a line "words dimension", then a line "word value value ..." for each word, in UTF-8."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from full_w2v.config import MAX_VECTOR_SIZE
from full_w2v.errors import FormatError, setting, shown, template_of
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.words import check_beginning, check_room, header, separable, without_mark
from full_w2v.word_vectors import WordVectors

ROWS_PER_WRITE = 1024
LONGEST_FIRST_LINE = 32 * MAX_VECTOR_SIZE  # more is text without lines, which to split would take much memory
LONGEST_FIRST_WORD = 8 * MAX_VECTOR_SIZE  # bytes; with its values it fits into that line
_SEPARATORS = re.compile(rb"[ \t]+")
_BLANKS = (b" ", b"\t")

# Of all float32 values only this one and its negative become their neighbour when their shortest digits are
# read through a double, as gensim and most others do: every value was tried.
_MISREAD, _READ_RIGHT = b"7.038531e-26", b"7.03853069e-26"


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold."""
    separable(words)


def check_glove(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold; the first one begins the file."""
    if len(separable(words)[0]) > LONGEST_FIRST_WORD:
        raise FormatError(
            f"the word {shown(words[0])} of {len(words[0]):,} characters comes first, where readers look for "
            "the dimension; save as .txt"
        )
    check_beginning(words)


def save(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes the fewest digits that read back as the same float32; FormatError for words it cannot hold."""
    words = separable(embeddings.words)
    file.write(b"%d %d\n" % embeddings.vectors.shape)
    _write_lines(words, embeddings, file)


def save_glove(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes the same without the first line, as GloVe does."""
    check_glove(embeddings.words)
    if embeddings.dimension > MAX_VECTOR_SIZE:
        raise FormatError(
            f"text without a header line may have {MAX_VECTOR_SIZE:,} values a word, "
            f"got {embeddings.dimension:,}; save as .txt"
        )
    _write_lines(separable(embeddings.words), embeddings, file)


def digits(vectors: NDArray[np.float32]) -> Iterator[list[bytes]]:
    """The fewest digits of each row's values, with spaces between, some rows at a time."""
    for begin in range(0, len(vectors), ROWS_PER_WRITE):
        rows = np.ascontiguousarray(vectors[begin : begin + ROWS_PER_WRITE])
        # JSON's digits are what is wanted here, and orjson makes them 20 times faster than numpy.
        text = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY).replace(_MISREAD, _READ_RIGHT)
        yield text.replace(b",", b" ")[2:-2].split(b"] [")


def _write_lines(words: list[bytes], embeddings: WordVectors, file: BinaryIO) -> None:
    remaining = iter(words)
    for rows in digits(embeddings.vectors):
        file.write(
            b"".join(b"%b %b\n" % line for line in zip(islice(remaining, len(rows)), rows, strict=True))
        )


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads the file with or without its first line; raises FormatError if it is damaged."""
    with path.open("rb") as file:
        start = file.readline(LONGEST_FIRST_LINE)
        first = without_mark(start)
        size = os.fstat(file.fileno()).st_size
        sizes = header(first)
        if sizes:
            rows, dimension = options.rows(sizes[0]), sizes[1]
            check_room(rows, dimension, 2 * dimension + 1, size + 1)  # the last newline may be missing
            words, vectors = _read_lines(file, 2, rows, dimension, options)
            if len(words) < rows:
                hint = f"; {setting('limit', len(words))} would load these" if words else ""
                raise FormatError(
                    f"line 1 says {sizes[0]} words, got {len(words)}; the file is cut short{hint}"
                )
            return options.vectors(words, vectors)
        fields = _SEPARATORS.split(first.lstrip(b" \t").rstrip(b" \t\r\n"))
        dimension = 0 if len(start) == LONGEST_FIRST_LINE else len(fields) - 1
        if dimension < 1:
            raise FormatError(
                f"expected 'words dimension' or a word and its values in line 1, got {shown(first)}"
            )
        file.seek(len(start) - len(first))
        most = options.rows((size + 1) // (2 * dimension + 1))
        return options.vectors(*_read_lines(file, 1, most, dimension, options))


def _read_lines(
    file: BinaryIO, first_number: int, most: int, dimension: int, options: LoadOptions
) -> tuple[list[str], NDArray[np.float32]]:
    """Words and vectors of the lines, at most so many; with a limit, what follows is not looked at."""
    words: list[str] = []
    vectors = np.empty((most, dimension), np.float32)
    empty = 0
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and that is refused
        for number, line in enumerate(file, first_number):
            text = line.rstrip(b" \t\r\n")
            if not text:
                empty = empty or number
                continue
            if empty:
                raise FormatError(f"line {empty}: expected a word and {dimension} values, got an empty line")
            if len(words) == most:
                raise FormatError(f"line {number}: expected the end after {most} words")
            try:
                word, values = _word_and_values(text, dimension)
            except FormatError as error:
                raise FormatError(f"line {number}: {template_of(error)}") from None
            vectors[len(words)] = values
            words.append(options.decoded(word, f"line {number}"))
            if len(words) == options.limit:
                break
    vectors.resize((len(words), dimension), refcheck=False)
    return words, vectors


def _word_and_values(text: bytes, dimension: int) -> tuple[bytes, list[float]]:
    """The key, unchanged, and its values."""
    fields = text.rsplit(b" ", dimension)
    try:
        values = list(map(float, fields[1:]))
    except ValueError:
        values = []
    if len(values) == dimension:
        word, padded = fields[0], False
    else:
        word, values, padded = _wide_fields(text, dimension)
    if b"_" in text[len(word) :]:  # which float would skip, as Python's own numbers may have it
        wrong = next(field for field in text[len(word) :].split() if b"_" in field)
        raise FormatError(f"expected {dimension} values, got {shown(wrong)}")
    if word[:1] in _BLANKS or word[-1:] in _BLANKS or (padded and not word):
        raise FormatError(
            f"cannot tell where the word ends in {shown(text)}: expected one space or tab after it"
        )
    if len(parts := _SEPARATORS.split(word)) > 1 and any(map(_is_number, parts[1:])):
        raise FormatError(f"expected a word and {dimension} values, got more values")
    return word, values


def _wide_fields(text: bytes, dimension: int) -> tuple[bytes, list[float], bool]:
    """The same for lines with tabs or wider separators; and whether there are wider ones between values.

    There, white space around a word pads columns; elsewhere it may be a part of the word.
    """
    fields = _SEPARATORS.split(text)
    if len(fields) <= dimension:
        raise FormatError(f"expected a word and {dimension} values, got {len(fields)} fields")
    wrong = next((field for field in fields[-dimension:] if not _is_number(field)), None)
    if wrong is not None:
        raise FormatError(f"expected {dimension} values, got {shown(wrong)}")
    values = list(map(float, fields[-dimension:]))
    gaps = _SEPARATORS.findall(text)[-dimension:]
    padded = any(len(gap) > 1 for gap in gaps[1:])
    word = text[: len(text) - sum(map(len, fields[-dimension:])) - sum(map(len, gaps))]
    return (word.strip(b" \t") if padded else word + gaps[0][:-1]), values, padded


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


FORMAT = Format(one_file(save), load, check)
GLOVE = Format(one_file(save_glove), load, check_glove)
