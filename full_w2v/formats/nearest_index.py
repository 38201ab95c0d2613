"""A USearch index of cosines: x.usearch, whose keys are rows, and x.usearch.json, which lists the words."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError, shown
from full_w2v.formats.format import Format, files
from full_w2v.formats.load_options import LoadOptions
from full_w2v.word_vectors import WordVectors

HEAD_BYTES, NODE_BYTES = 64, 10  # of a node without its neighbours
FLOAT32_BY_KEY = bytes([11, 14, 15])  # codes of the types of values, keys and slots


def words_path(path: Path) -> Path:
    """The file that holds the words of an index."""
    return path.with_name(f"{path.name}.json")


def save(embeddings: WordVectors, path: Path) -> None:
    """Builds the index and writes both files; any word will do."""
    from usearch.index import Index

    index = Index(ndim=embeddings.dimension, metric="cos", dtype="f32")
    index.add(np.arange(len(embeddings), dtype=np.uint64), embeddings.vectors)
    path.write_bytes(index.save() or b"")  # the library takes only paths that are UTF-8
    words_path(path).write_text(json.dumps(embeddings.words), encoding="ascii")


def check(words: Sequence[str]) -> None:
    """Any word will do."""


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads words and vectors back; raises FormatError if the files are damaged or do not fit together."""
    words = _words(words_path(path))
    with path.open("rb") as file:
        vectors = _vectors(file, len(words), options.rows(len(words)))
    if vectors is None:
        raise FormatError(f"expected a USearch index of the {len(words)} words in {words_path(path).name}")
    return options.vectors(words, vectors)


def _words(path: Path) -> list[str]:
    try:
        words = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path.name}: expected a JSON list of words ({shown(str(error))})") from error
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise FormatError(f"{path.name}: expected a JSON list of words, got {shown(words)}")
    return words


def _vectors(file: BinaryIO, words: int, wanted: int) -> NDArray[np.float32] | None:
    """The vectors of the first so many keys; None if the index is not one of so many words.

    Not read by the library, which trusts what a file says and crashes on some that are damaged. A file holds
    the number of vectors and the bytes of each; the vectors; a head of 64 bytes, with types and dimension;
    the graph's size, connectivity of upper levels and of the lowest, highest level and entry; the level of
    each node; the nodes: key, level again and, of each level, the number of neighbours and room for them.
    """
    rows, row_bytes = _numbers(file, "<u4", 2)
    if rows != words:
        return None
    size = os.fstat(file.fileno()).st_size
    file.seek(8 + rows * row_bytes)
    head = file.read(HEAD_BYTES).ljust(HEAD_BYTES, b"\0")
    dimension = int.from_bytes(head[33:41], "little")
    if not head.startswith(b"usearch") or row_bytes == 0:
        raise _damaged()
    if head[14:17] != FLOAT32_BY_KEY or row_bytes != 4 * dimension:
        raise FormatError("expected a USearch index of float32 vectors with keys of 64 bits")
    nodes, upper, lowest, highest, entry = _numbers(file, "<u8", 5)
    levels = np.array(_numbers(file, "<i2", rows))
    if nodes != rows or entry >= nodes or upper > size or lowest > size:
        raise _damaged()
    node_bytes = NODE_BYTES + 4 * (lowest + 1) + levels * 4 * (upper + 1)
    if levels.min() < 0 or levels.max() != highest or file.tell() + node_bytes.sum() != size:
        raise _damaged()
    starts = np.cumsum(node_bytes) - node_bytes
    content = np.frombuffer(file.read(), np.uint8)
    keys = content[starts[:, None] + np.arange(8)].view("<u8")[:, 0]
    slots = np.argsort(keys)
    if (keys[slots] != np.arange(rows)).any():
        return None
    slots = slots[:wanted]
    file.seek(8)
    vectors = np.frombuffer(file.read((int(slots.max()) + 1) * row_bytes), "<f4").reshape(-1, dimension)
    chosen: NDArray[np.float32] = vectors[slots]
    return chosen


def _numbers(file: BinaryIO, kind: str, count: int) -> list[int]:
    content = file.read(count * np.dtype(kind).itemsize)
    if len(content) < count * np.dtype(kind).itemsize:
        raise _damaged()
    numbers: list[int] = np.frombuffer(content, kind).tolist()
    return numbers


def _damaged() -> FormatError:
    return FormatError("expected a USearch index and its words; it is damaged or cut short")


FORMAT = Format(files(save), load, check, needs="usearch", second_file=words_path)
