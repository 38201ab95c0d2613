"""NumPy's .npz: arrays `words` (Unicode), `vectors` (float32) and, if they are known, `counts` (int64)."""

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from full_w2v.errors import FormatError, shown
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.word_vectors import WordVectors

LARGEST_WORDS_BYTES = 1 << 32  # NumPy pads every word to the longest one
DEFLATE_RATIO = 1032  # no member of an archive is larger than so many times its compressed bytes
EXPECTED = {"words": ("U", 1), "vectors": ("fiu", 2), "counts": ("iuf", 1)}  # kinds and dimensions


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold."""
    longest = max(words, key=len)
    if 4 * len(longest) * len(words) > LARGEST_WORDS_BYTES:
        raise FormatError(
            f"NumPy would pad every word to the {len(longest)} characters of {shown(longest)}; "
            "save as .safetensors or .parquet"
        )
    for word in words:
        if word.endswith("\0"):
            raise FormatError(
                f"the word {shown(word)} ends with NUL, which NumPy drops; save as .safetensors"
            )


def save(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes an archive that np.load reads without pickle; raises FormatError for words it cannot hold."""
    check(embeddings.words)
    arrays: dict[str, Any] = {"words": np.array(embeddings.words, np.str_), "vectors": embeddings.vectors}
    if embeddings.counts is not None:
        arrays["counts"] = embeddings.counts
    np.savez(file, **arrays)


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads the arrays, never a pickle; raises FormatError if one is missing or the file is damaged."""
    path.open("rb").close()  # so that an OSError after this is about what the file holds
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            for name in ("words", "vectors"):
                if name not in names:
                    raise FormatError(f"expected arrays named words and vectors, but {name} is missing")
            arrays = {name: _read(archive, name, options) for name in EXPECTED if name in names}
        words = arrays["words"].tolist()
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"expected a NumPy archive with words and vectors ({_one_line(error)})") from error
    except zipfile.BadZipFile as error:
        with path.open("rb") as file:
            single = file.read(6) == b"\x93NUMPY"
        what = "is one array that np.save wrote" if single else f"is not a complete archive ({error})"
        raise FormatError(
            f"{what}; expected a NumPy archive with words and vectors, as np.savez writes"
        ) from error
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1 and options.limit is None:
        raise FormatError(f"expected arrays of the same length, got {rows}")
    return options.vectors(words, arrays["vectors"], arrays.get("counts"))


def _read(archive: zipfile.ZipFile, name: str, options: LoadOptions) -> NDArray[Any]:
    """The rows of an array that are wanted, after a check that it can be as large as its header says."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        version = npy.read_magic(member)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, column_major, dtype = read_header(member)
        kinds, dimensions = EXPECTED[name]
        if dtype.kind not in kinds or dtype.itemsize == 0 or len(shape) != dimensions:
            raise FormatError(f"expected {name} as an array of {_WANTED[name]}, got {dtype} of shape {shape}")
        size = math.prod(shape) * dtype.itemsize
        if size > info.file_size or info.file_size > DEFLATE_RATIO * (info.compress_size + 1):
            raise FormatError(f"the array {name} of shape {shape} is cut short")
        rows = shape[0] if column_major else options.rows(shape[0])
        sizes = (rows, *shape[1:])
        content = member.read(math.prod(sizes) * dtype.itemsize)
        array = np.frombuffer(content, dtype).reshape(sizes, order="F" if column_major else "C")
        if rows == shape[0] and member.read(1):
            raise FormatError(f"the array {name} has more values than its shape {shape} says")
        return array[: options.rows(shape[0])]


_WANTED = {"words": "text, one dimension", "vectors": "numbers, two dimensions", "counts": "whole numbers"}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:100]


FORMAT = Format(one_file(save), load, check)
