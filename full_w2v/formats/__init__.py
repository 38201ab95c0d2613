"""Files of embeddings and models.

The suffix names the format:

    .txt .vec      word2vec text: a line "words dimension", then a word and its values on each line
    .bin           word2vec binary: the same first line, then each word, a space and its float32 values
    .kv            gensim KeyedVectors, a pickle: load one only if you trust where it comes from
    .safetensors   our own: a whole model with its settings, or embeddings with their counts

Text and binary hold no counts, and no word that is empty or has a white-space character in it. The other two
hold any word (.safetensors: any that UTF-8 can encode).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from full_w2v.aside import check_writable, written_aside
from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError
from full_w2v.formats import keyed_vectors, native, word2vec_binary, word2vec_text
from full_w2v.model import Model

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class _Format:
    save: Callable[[Embeddings, BinaryIO], None]
    load: Callable[[Path], Embeddings]


_TEXT = _Format(word2vec_text.save, word2vec_text.load)
_NATIVE = _Format(native.save_embeddings, native.load_embeddings)
_FORMATS = {
    ".txt": _TEXT,
    ".vec": _TEXT,
    ".bin": _Format(word2vec_binary.save, word2vec_binary.load),
    ".kv": _Format(keyed_vectors.save, keyed_vectors.load),
    ".safetensors": _NATIVE,
}


def suffixes() -> tuple[str, ...]:
    """Suffixes of the formats that can be written and read."""
    return tuple(_FORMATS)


def save_embeddings(embeddings: Embeddings, path: AnyPath) -> None:
    """Writes embeddings in the format that the path's suffix names.

    Text has the fewest digits from which every float32 value is read back exactly.

    Raises FormatError if the suffix is unknown or the format cannot hold one of the words, OSError if
    the file cannot be written. Then nothing is left behind, and an older file of that name stays as it is.
    """
    chosen = _format(path)
    with _blamed_on(path), written_aside(Path(path)) as file:
        chosen.save(embeddings, file)


def load_embeddings(path: AnyPath) -> Embeddings:
    """Reads embeddings in the format that the path's suffix names; of a model, its input rows.

    Text may lack the first line, as GloVe's files do: two whole numbers are taken for it, and nothing else.
    Values are separated by spaces or tabs. A word may contain spaces if none of its parts but the first is
    a number.
    Binary vectors may be followed by a newline (word2vec.c) or not (gensim).
    A .kv file is unpickled, which runs any code that its author put there: trust it or leave it.
    The other formats are only ever read as data.

    Raises FormatError if the suffix is unknown or the file is damaged, holds a word twice, a value that is
    not finite or a word that is not UTF-8; OSError if it cannot be read.
    """
    chosen = _format(path)
    with _blamed_on(path):
        return chosen.load(Path(path))


def save_model(model: Model, path: AnyPath) -> None:
    """Writes a model: all of it to .safetensors, its embeddings alone in the other formats.

    Raises as `save_embeddings`.
    """
    if _format(path) is not _NATIVE:
        save_embeddings(Embeddings.from_model(model), path)
        return
    with _blamed_on(path), written_aside(Path(path)) as file:
        native.save_model(model, file)


def load_model(path: AnyPath) -> Model:
    """Reads a model from a .safetensors file that `save_model` wrote. Nothing is unpickled.

    Raises FormatError if the file is in another format, damaged, of another version or holds embeddings
    only; OSError if it cannot be read.
    """
    chosen = _format(path)
    with _blamed_on(path):
        if chosen is not _NATIVE:
            raise FormatError("holds word vectors only; a model is read from a .safetensors file")
        return native.load_model(Path(path))


def check_output(path: AnyPath, *, inputs: Iterable[AnyPath] = ()) -> None:
    """Raises at once what saving to this path would raise after hours of training.

    inputs: files that are read meanwhile, none of which may be overwritten.
    Raises FormatError if the suffix is unknown, OSError if the folder is missing or not writable, ConfigError
    if the path leads to one of the inputs.
    """
    _format(path)
    check_writable(Path(path), inputs)


def _format(path: AnyPath) -> _Format:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise FormatError(
            f"{os.fspath(path)}: expected a name that ends in {', '.join(_FORMATS)}, got {suffix!r}"
        )
    return _FORMATS[suffix]


@contextmanager
def _blamed_on(path: AnyPath) -> Iterator[None]:
    """Puts the path in front of a FormatError's message."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from error
