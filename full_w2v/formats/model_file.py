"""The native format: a safetensors file with a whole model, or with embeddings alone.

    input         F32 [words, dimension]   the word vectors
    output        F32 [words, dimension]   models only
    inner         F32 [words, dimension]   models with hierarchical softmax only; likewise the matrices of
                                           other objectives, by the names that full_w2v.objectives has
    counts        I64 [words]              models always, embeddings if they are known
    word_bytes    U8  [bytes]              all words one after another, in UTF-8
    word_offsets  I64 [words + 1]          word i is word_bytes[word_offsets[i] : word_offsets[i + 1]]

Metadata: `format` "full-w2v", `version`; for a model also `raw_tokens`, and its settings (saved_settings.py).
Words are a tensor because safetensors refuses a header of more than 100 MB.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError, shown
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.saved_settings import loaded_settings, saved_settings
from full_w2v.formats.tensors import TensorFile, opened
from full_w2v.formats.words import encoded
from full_w2v.model import Model
from full_w2v.objectives import Matrix, matrices_of
from full_w2v.output.atomic_write import atomic_file
from full_w2v.vocabulary import Vocabulary
from full_w2v.word_vectors import WordVectors, first_not_finite, vectors_of

MARK = "full-w2v"
VERSION = "1"
TYPES: dict[str, Any] = {"F32": np.float32, "I64": np.int64, "U8": np.uint8}

Tensors = dict[str, NDArray[Any]]


def save_embeddings(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes words, vectors and counts if known; raises FormatError for a word that UTF-8 cannot encode."""
    _write(file, _tensors(embeddings), {})


def save_model(model: Model, file: BinaryIO) -> None:
    """Writes all matrices, words, counts and settings; raises FormatError if they do not fit together."""
    embeddings = vectors_of(model)
    others = matrices_of(model.config)[1:]
    for one in others:
        _check_matrix(one, model.matrix(one.name), embeddings)
    tensors = _tensors(embeddings) | {one.name: model.matrix(one.name) for one in others}
    _write(file, tensors, saved_settings(model.config) | {"raw_tokens": str(model.vocabulary.raw_tokens)})


def load_embeddings(path: Path, options: LoadOptions) -> WordVectors:
    """Reads words and vectors, of a model its input rows; raises FormatError if the file is damaged."""
    with _opened(path) as file:
        words = _words(file, options)
        total = file.shape("word_offsets")[0] - 1
        vectors = file.read("input", ("F32",), (total, None), len(words))
        counts = file.read("counts", ("I64",), (total,), len(words)) if "counts" in file else None
    return options.vectors(words, vectors, counts)


def load_model(path: Path) -> Model:
    """Reads a model; raises FormatError if the file is damaged or holds embeddings alone."""
    with _opened(path) as file:
        if "output" not in file:
            raise FormatError("holds embeddings only; a model has an output matrix too")
        words = _words(file, LoadOptions())
        vectors = file.read("input", ("F32",), (len(words), None))
        counts = file.read("counts", ("I64",), (len(words),))
        config = loaded_settings(file.metadata)
        raw_tokens = _raw_tokens(file.metadata.get("raw_tokens", ""))
        others = {one: file.read(one.name, ("F32",), vectors.shape) for one in matrices_of(config)[1:]}
    embeddings = WordVectors(words, vectors, counts)
    for one, matrix in others.items():
        _check_matrix(one, matrix, embeddings)
    if config.vector_size != vectors.shape[1]:
        raise FormatError(
            f"the settings say {config.vector_size} dimensions, the matrices have {vectors.shape[1]}"
        )
    return Model.of(
        Vocabulary(words, counts, raw_tokens),
        config,
        {"input": vectors, **{one.name: matrix for one, matrix in others.items()}},
    )


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold."""
    encoded(words)


def _tensors(embeddings: WordVectors) -> Tensors:
    words = encoded(embeddings.words)
    tensors: Tensors = {
        "input": embeddings.vectors,
        "word_bytes": np.frombuffer(b"".join(words), np.uint8),
        "word_offsets": np.cumsum([0, *map(len, words)], dtype=np.int64),
    }
    return tensors if embeddings.counts is None else tensors | {"counts": embeddings.counts}


def _write(file: BinaryIO, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Writes a safetensors file, largest types first so that each array stays aligned.

    The library's save_file is not used: it makes a temporary file of its own and does not raise OSError.
    """
    header: dict[str, Any] = {"__metadata__": {"format": MARK, "version": VERSION, **metadata}}
    arrays = []
    position = 0
    for code in ("I64", "F32", "U8"):
        for name, array in tensors.items():
            if array.dtype == TYPES[code]:
                end = position + array.nbytes
                header[name] = {"dtype": code, "shape": array.shape, "data_offsets": (position, end)}
                arrays.append(array)
                position = end
    encoded_header = json.dumps(header).encode()
    encoded_header += b" " * (-len(encoded_header) % 8)
    file.write(len(encoded_header).to_bytes(8, "little") + encoded_header)
    for array in arrays:
        file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)


@contextmanager
def _opened(path: Path) -> Iterator[TensorFile]:
    """A file of our format and version."""
    with opened(path) as file:
        if file.metadata.get("format") != MARK:
            raise FormatError("is a safetensors file, but not one that full-w2v wrote")
        if file.metadata.get("version") != VERSION:
            found = shown(file.metadata.get("version"))
            raise FormatError(
                f"expected version {VERSION} of the format, got {found}; update full-w2v to read it"
            )
        yield file


def _words(file: TensorFile, options: LoadOptions) -> list[str]:
    offsets = file.read("word_offsets", ("I64",), (None,))
    length = math.prod(file.shape("word_bytes"))
    rising = len(offsets) > 0 and offsets[0] == 0 and bool((offsets[1:] >= offsets[:-1]).all())
    if not rising or offsets[-1] != length:
        raise FormatError(f"word_offsets do not rise from 0 to {length}, the length of word_bytes")
    bounds = offsets[: options.rows(len(offsets) - 1) + 1].tolist()
    text = file.read("word_bytes", ("U8",), (None,), bounds[-1]).tobytes()
    return [
        options.decoded(text[begin:end], f"row {row}") for row, (begin, end) in enumerate(pairwise(bounds), 1)
    ]


def _check_matrix(one: Matrix, matrix: NDArray[np.float32], embeddings: WordVectors) -> None:
    if matrix.shape != embeddings.vectors.shape or matrix.dtype != np.float32:
        wanted = embeddings.vectors.shape
        raise FormatError(
            f"expected the {one.name} matrix as float32 {wanted}, got {matrix.dtype} {matrix.shape}"
        )
    row = first_not_finite(matrix)
    if row is not None:
        place = shown(embeddings.words[row]) if one.rows == "word" else f"node {row}"
        raise FormatError(f"the {one.name} row of {place} holds a value that is not finite")


def _raw_tokens(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise FormatError(f"expected raw_tokens as a whole number, got {shown(text)}")
    return int(text)


def write_model(model: Model, path: Path) -> None:
    """Replaces a file by the whole model."""
    with atomic_file(path) as file:
        save_model(model, file)


FORMAT = Format(
    one_file(save_embeddings), load_embeddings, check, write_model=write_model, load_model=load_model
)
