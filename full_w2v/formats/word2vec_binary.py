"""word2vec binary: a line "words dimension", then each word in UTF-8, a space and its float32 values."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError, setting, shown
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.words import check_room, header, separable, without_mark
from full_w2v.word_vectors import WordVectors

ROWS_PER_WRITE = 1024
LONGEST_FIRST_LINE = 64
BYTES_PER_READ = 1 << 20
ROWS_PER_CHECK = 4096

# Values of trained vectors are well within. Where a key with a space in it is cut at that space, the rest of
# the key is taken for values: floats whose last byte is a space are about 1e-19, and one that begins in the
# middle of a value has any exponent.
_LEAST, _LARGEST = 1e-15, 1e9
SAFE_DIMENSION = 16  # below, values alone do not tell
LONGEST_REST = 1000  # bytes of a key after its first space that are searched for other spaces
_NO_SPACE_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1b\x7f]")
_CONTROL = re.compile(rb"[\0-\x1f\x7f]")


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold."""
    separable(words)


def save(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes a newline after each vector, as word2vec.c does; raises FormatError for words it cannot hold."""
    words = separable(embeddings.words)
    file.write(b"%d %d\n" % embeddings.vectors.shape)
    for begin in range(0, len(words), ROWS_PER_WRITE):
        rows = embeddings.vectors[begin : begin + ROWS_PER_WRITE].astype("<f4")
        lines = zip(words[begin:], rows, strict=False)
        file.write(b"".join(b"%b %b\n" % (word, row.data) for word, row in lines))


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads the file, newlines after the vectors or not; raises FormatError if it is damaged.

    gensim writes keys with spaces in them too, but nothing that says where a key ends. They are found by what
    would follow if a key ended at its first space; FormatError if that does not tell.
    """
    with path.open("rb") as file:
        start = file.readline(LONGEST_FIRST_LINE)
        first = without_mark(start)
        sizes = header(first)
        if not sizes:
            raise FormatError(f"expected 'words dimension' in line 1, got {shown(first)}")
        all_rows, dimension = sizes
        rows = options.rows(all_rows)
        check_room(rows, dimension, 4 * dimension + 1, os.fstat(file.fileno()).st_size - len(start))
        words, vectors = _Reader(file, len(start), all_rows, rows, dimension, options).read()
    return options.vectors(words, vectors)


class _Reader:
    """Reads rows in order; a second time, more slowly, if keys with spaces in them must be found."""

    def __init__(
        self, file: BinaryIO, begin: int, all_rows: int, rows: int, dimension: int, options: LoadOptions
    ) -> None:
        self._file = file
        self._begin = begin
        self._all_rows, self._rows, self._dimension = all_rows, rows, dimension
        self._row_bytes = 4 * dimension
        self._options = options
        self._vectors = np.empty((rows, dimension), "<f4")
        self._keys: list[bytes] = []
        self._newlines = 0  # rows that are followed by one
        self._buffer = b""
        self._ended = False

    def read(self) -> tuple[list[str], NDArray[np.float32]]:
        """Words and vectors."""
        fault = self._read(self._first_space)
        if fault or self._doubtful():
            fault = self._read(self._likeliest_space)
        if fault:
            raise FormatError(fault)
        return self._words(), self._vectors

    def _read(self, find_space: Callable[[int], int]) -> str | None:
        """Reads all rows, each key up to the space that is found; returns what is wrong with the file."""
        self._file.seek(self._begin)
        self._keys, self._newlines, self._buffer, self._ended = [], 0, b"", False
        room = self._vectors.data.cast("B")
        position = 0
        for row in range(self._rows):
            position = self._filled(position, 2 * (self._row_bytes + LONGEST_REST))
            space = find_space(position)
            end = space + 1 + self._row_bytes
            while (space < 0 or end >= len(self._buffer)) and not self._ended:  # the key is a long one
                position = self._filled(position, 2 * (len(self._buffer) - position + self._row_bytes))
                space = find_space(position)
                end = space + 1 + self._row_bytes
            if space < 0 or end > len(self._buffer):
                return self._cut_short(row)
            self._keys.append(self._buffer[position:space])
            room[row * self._row_bytes : (row + 1) * self._row_bytes] = self._buffer[space + 1 : end]
            self._newlines += self._buffer[end : end + 1] == b"\n"
            position = end
        if self._rows == self._all_rows and self._buffer[position : position + 2].strip(b"\n"):
            held = f"{self._rows} words of {self._dimension} values"
            return f"expected the end after {held} as line 1 says, got more"
        return None

    def _cut_short(self, row: int) -> str:
        hint = f"; {setting('limit', row)} would load these" if row else ""
        return (
            f"line 1 says {self._all_rows} words of {self._dimension} values, the file ends after {row}{hint}"
        )

    def _filled(self, position: int, wanted: int) -> int:
        """Makes the buffer hold so many bytes from a position on, or all there are; the new position."""
        if self._ended or len(self._buffer) - position >= wanted:
            return position
        more = max(BYTES_PER_READ, wanted)
        read = self._file.read(more)
        self._buffer = self._buffer[position:] + read
        self._ended = len(read) < more
        return 0

    def _first_space(self, position: int) -> int:
        return self._buffer.find(b" ", position)

    def _likeliest_space(self, position: int) -> int:
        """The space after which likely values follow, and then the likeliest bytes for a key, or the end."""
        first = space = self._first_space(position)
        found: list[list[int]] = [[], [], []]  # spaces, by how likely a key follows the values
        # A rest of the last key that is as long as a row may as well be one row more than line 1 says.
        is_last = len(self._keys) == self._all_rows - 1
        farthest = first + (min(LONGEST_REST, self._row_bytes) if is_last else LONGEST_REST)
        while 0 <= space <= farthest and _may_be_key(self._buffer[position:space]):
            if self._are_values(space + 1):
                following = self._following(space + 1 + self._row_bytes)
                found[0 if _is_text(following) else 1 if _may_be_key(following) else 2].append(space)
            space = self._buffer.find(b" ", space + 1)
        likely = next(filter(None, found), [first])
        if first in likely:  # what is as long as a row is one then
            likely = [space for space in likely if space <= first + self._row_bytes]
        if len(likely) > 1:
            word = shown(self._buffer[position : likely[0]])
            raise FormatError(
                f"row {len(self._keys) + 1}: cannot tell whether the word {word} ends at its first space;"
                " save the vectors as .kv with gensim and load that"
            )
        return likely[0]

    def _are_values(self, begin: int) -> bool:
        """Whether likely values begin here and, if they are the last, end where the file does."""
        end = begin + self._row_bytes
        if end > len(self._buffer):
            return False
        if len(self._keys) == self._all_rows - 1 and self._buffer[end:].strip(b"\n"):
            return False
        return _are_likely(np.frombuffer(self._buffer, "<f4", self._dimension, begin))

    def _following(self, begin: int) -> bytes:
        """What would be the next key."""
        space = self._buffer.find(b" ", begin)
        return self._buffer[begin : None if space < 0 else space].removeprefix(b"\n")

    def _doubtful(self) -> bool:
        """Whether keys that end at their first space may have been cut there."""
        if self._has_newlines() or self._all_rows == 1:  # or a row would not end where one should
            return False
        if self._dimension < SAFE_DIMENSION or not all(map(_is_text, self._keys)):
            return True
        blocks = range(0, self._rows, ROWS_PER_CHECK)
        return not all(_are_likely(self._vectors[begin : begin + ROWS_PER_CHECK]) for begin in blocks)

    def _has_newlines(self) -> bool:
        """Whether a newline follows each vector, the last of several perhaps not."""
        inner = self._rows if self._rows < self._all_rows else self._rows - 1
        return self._newlines == self._rows or self._newlines == inner >= 2

    def _words(self) -> list[str]:
        keys = self._keys
        if self._has_newlines():
            keys = keys[:1] + [key.removeprefix(b"\n") for key in keys[1:]]
        return [self._options.decoded(key, f"row {row}") for row, key in enumerate(keys, 1)]


def _are_likely(values: NDArray[np.float32]) -> bool:
    sizes = np.abs(values)
    return bool((((sizes >= _LEAST) & (sizes <= _LARGEST)) | (sizes == 0)).all())


def _may_be_key(key: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters but white space."""
    try:
        return _NO_SPACE_CONTROL.search(key) is None and key.decode() is not None
    except UnicodeDecodeError:
        return False


def _is_text(key: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters, but for a newline in front."""
    return _may_be_key(key) and _CONTROL.search(key.removeprefix(b"\n")) is None


FORMAT = Format(one_file(save), load, check)
