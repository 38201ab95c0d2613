"""Files of embeddings and models.

The end of the name tells the format:

    .txt .vec      word2vec text: a line "words dimension", then a word and its values on each line
    .glove.txt     the same without the first line, as GloVe writes it
    .bin           word2vec binary: the same first line, then each word, a space and its float32 values
    .kv            gensim KeyedVectors, a pickle: load one only if you trust where it comes from
    .safetensors   our own: a whole model with its settings, or embeddings with their counts
    .npz           NumPy arrays: words, vectors, counts
    .parquet       a table: word, vector, count (needs pyarrow)
    .tsv           TensorBoard's Embedding Projector, with a second file: .metadata.tsv
    .model2vec     a folder for model2vec and sentence_transformers (needs tokenizers)
    .usearch       an index for nearest neighbours, with a second file: .usearch.json (needs usearch)

What a format cannot hold is refused: by text and binary a word that is empty or has ASCII white space in it
(space, tab, line feed, vertical tab, form feed, carriage return), where their readers end a word. They do not
at the other white space of Unicode, such as U+00A0 and U+0085, which is written. By .model2vec a word that is
empty or has any white space in it; by .tsv a blank word, a tab or a line's end; by .npz a NUL at the end; by
.glove.txt and .tsv a first word that begins with a byte-order mark. Any word goes into .kv and .usearch, and
any that UTF-8 can encode into .safetensors and .parquet. Text is read with a byte-order mark and without.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from full_w2v.any_path import AnyPath
from full_w2v.errors import FormatError, template_of
from full_w2v.file_formats import format_of, known_suffix, suffixes
from full_w2v.formats.format import Format
from full_w2v.formats.load_options import LoadOptions
from full_w2v.model import Model
from full_w2v.output.atomic_write import check_folder_writable, check_writable
from full_w2v.word_vectors import WordVectors, vectors_of


def save_embeddings(embeddings: WordVectors, path: AnyPath) -> None:
    """Writes embeddings in the format that the path's suffix names.

    Text has the fewest digits from which every float32 value is read back exactly.

    Raises FormatError if the suffix is unknown or the format cannot hold one of the words, OSError if
    the file cannot be written. Then nothing is left behind, and an older file of that name stays as it is.
    """
    chosen = _format(path)
    with _blamed_on(path):
        chosen.write(embeddings, Path(path))


def load_vectors(
    path: AnyPath, *, limit: int | None = None, errors: str = "strict", duplicates: str = "refuse"
) -> WordVectors:
    """Reads word vectors in the format that the path's suffix names; of a model, its input rows.

    limit, errors, duplicates: how much of the file to load, and what to do with damaged keys; the defaults
        refuse all damage. `LoadOptions` describes them. With a limit the rows after it are not looked at,
        so that a file that is damaged further down can be read up to there.

    Text may lack the first line, as GloVe's files do: two whole numbers are taken for it, and nothing else.
    Values are separated by spaces or tabs. A word may contain spaces if none of its parts but the first is
    a number, and is read as it stands: only in lines that separate values by several spaces, those around the
    word are left out. A line in which that cannot be told is refused.
    Binary vectors may be followed by a newline (word2vec.c) or not (gensim). Words with spaces in them, which
    gensim writes too, are found by the likelihood of what follows; refused if that does not tell.
    A .kv file is unpickled, which runs any code that its author put there: trust it or leave it.
    The other formats are only ever read as data.

    Raises ConfigError for an option that is not valid; FormatError if the suffix is unknown or the file is
    damaged, holds a word twice, a value that is not finite or a word that is not UTF-8; OSError if it cannot
    be read.
    """
    options = LoadOptions(limit=limit, errors=errors, duplicates=duplicates)
    chosen = _format(path)
    with _blamed_on(path):
        return chosen.load(Path(path), options)


def save_model(model: Model, path: AnyPath) -> None:
    """Writes a model: all of it to .safetensors, its embeddings alone in the other formats.

    Raises as `save_embeddings`.
    """
    chosen = _format(path)
    if chosen.write_model is None:
        save_embeddings(vectors_of(model), path)
        return
    with _blamed_on(path):
        chosen.write_model(model, Path(path))


def load_model(path: AnyPath) -> Model:
    """Reads a model from a .safetensors file that `save_model` wrote. Nothing is unpickled.

    Raises FormatError if the file is in another format, damaged, of another version or holds embeddings
    only; OSError if it cannot be read.
    """
    chosen = _format(path)
    with _blamed_on(path):
        if chosen.load_model is None:
            raise FormatError("holds word vectors only; a model is read from a .safetensors file")
        return chosen.load_model(Path(path))


def check_output(path: AnyPath, *, inputs: Iterable[AnyPath] = ()) -> None:
    """Raises at once what saving to this path would raise after hours of training.

    inputs: files that are being read and must not be overwritten.
    Raises FormatError if the suffix is unknown, OSError if the folder is missing or not writable, ConfigError
    if the path leads to one of the inputs.
    """
    chosen = _format(path)
    if chosen.is_folder:
        check_folder_writable(path, inputs)
        return
    check_writable(path, inputs, together=chosen.second_file is not None)
    if chosen.second_file is not None:
        check_writable(chosen.second_file(Path(path)), inputs, together=True)


def check_words(path: AnyPath, words: Sequence[str]) -> None:
    """Raises at once the FormatError that saving these words, in this order, to this path would raise."""
    chosen = _format(path)
    if words:  # without any, there is nothing to save, which others report
        with _blamed_on(path):
            chosen.check(words)


def _format(path: AnyPath) -> Format:
    """The format of a path; raises FormatError if it is unknown or needs a package that is missing."""
    suffix = known_suffix(path)
    if suffix is None:
        raise FormatError(
            f"{os.fspath(path)}: expected a name that ends in {', '.join(suffixes())}, "
            f"got {Path(path).suffix!r}"
        )
    module, name = format_of(suffix).implementation.split(":")
    chosen: Format = getattr(import_module(module), name)
    if chosen.needs and find_spec(chosen.needs) is None:
        raise FormatError(
            f"{os.fspath(path)}: {suffix} needs the package {chosen.needs}; pip install 'full-w2v[exports]'"
        )
    return chosen


@contextmanager
def _blamed_on(path: AnyPath) -> Iterator[None]:
    """Puts the path in front of a FormatError's message."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {template_of(error)}") from error
