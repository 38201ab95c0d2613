"""Where text comes from: files of many kinds, standard input, and Python iterables.

Text holds one sentence per line. Tokens are what `str.split()` gives: white space separates them, Unicode's
included, and every other character belongs to a token. Only a line feed ends a line. A byte order mark at the
start of a line is skipped: of a file, or of one that was joined to it. A NUL is not text: it indicates binary
data or UTF-16. ReadSettings can ask for other tokens and other sentences.
"""

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from full_w2v.any_path import AnyPath
from full_w2v.corpus.countable import Corpus, Done, Progress
from full_w2v.corpus.files import FileCorpus
from full_w2v.corpus.iterables import Records, TokenLists, dataset_batches, is_dataset
from full_w2v.corpus.paths import expanded
from full_w2v.corpus.read_settings import ERRORS, FORMATS, ReadSettings
from full_w2v.corpus.word_names import Spelling
from full_w2v.errors import CorpusError, setting, shown

__all__ = [
    "ERRORS",
    "FORMATS",
    "Corpus",
    "Done",
    "FileCorpus",
    "Progress",
    "ReadSettings",
    "Source",
    "Spelling",
    "TokenLists",
    "expanded",
    "open_corpus",
]

LOOKED_AT = 100  # strings of a list that are looked at to tell paths from texts
Source = Corpus | AnyPath | Iterable[AnyPath] | Iterable[Iterable[str]] | Iterable[Any]


def open_corpus(  # noqa: PLR0911 (one for each kind of source)
    source: Source, *, reading: ReadSettings | None = None, **settings: Any
) -> Corpus:
    """A corpus from paths, a Hugging Face dataset, or an iterable.

    source: a path or a list of paths, each a file, a directory (all files in it), a pattern such as
        "news/*.gz", a URL that smart_open knows, or "-", standard input. Or a dataset of Hugging Face's
        `datasets`, or any iterable, which is iterated over once: its items are sentences, lists of str or of
        whole numbers, whose numerals become the words; with `column` mappings that hold one; with `pattern`
        or `tokenizer` also plain strings. A list of strings is one of paths, unless it is to be split by a
        pattern or tokenizer and no item is, or looks like, the path of a file. Or a Corpus, as it is.
    reading, settings: ReadSettings, or some of them by name: encoding="latin-1", lowercase=True, ...
    Raises CorpusError if a file is missing or not readable, ConfigError for a bad setting.
    """
    if isinstance(source, Corpus):
        return source
    reading = replace(reading or ReadSettings(), **settings)
    if _is_path(source):
        return FileCorpus([source], reading)  # type: ignore[list-item]  # _is_path has looked
    if isinstance(source, (list, tuple)) and source and all(_is_path(item) for item in source):
        if not _are_texts(source):
            return FileCorpus(source, reading)
        if reading.splits_at_white_space and (len(source) > 1 or len(source[0].split()) > 1):
            raise CorpusError(
                f"{shown(source[0])}: no such file; strings are treated as paths; a sentence must be a list "
                "of tokens: pass [text.split() for text in texts], or set "
                f"{setting('pattern')} or {setting('tokenizer')}"
            )
        if reading.splits_at_white_space:
            return FileCorpus(source, reading)  # which reports that the file does not exist
    items: Any = source  # what it holds is checked when it is read
    if is_dataset(items):
        size = float(len(items)) if hasattr(items, "__len__") else None
        return Records(dataset_batches(items, reading), reading, size=size)
    if reading.column is not None or not reading.splits_at_white_space:
        return Records(items, reading)
    return TokenLists(items, reading)


def _are_texts(strings: Sequence[Any]) -> bool:
    """Whether a list of strings holds texts: none of the first ones is, or looks like, the path of a file."""
    return all(
        isinstance(text, str) and not _looks_like_path(text) and not os.path.lexists(text)
        for text in strings[:LOOKED_AT]
    )


def _looks_like_path(text: str) -> bool:
    """Whether a string looks like a path: no white space, but a folder, a scheme or a suffix; or "-"."""
    if text == "-" or os.path.isabs(text):
        return True
    if glob.has_magic(text) and glob.glob(text, recursive=True):
        return True
    return len(text.split()) <= 1 and ("/" in text or "\\" in text or bool(PurePath(text).suffix))


def _is_path(item: object) -> bool:
    return isinstance(item, (str, os.PathLike))
