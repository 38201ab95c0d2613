"""Where text comes from: files of many kinds, standard input, and Python iterables.

Text holds one sentence a line. Tokens are what `str.split()` gives: white space separates them, Unicode's
included, and every other character belongs to a token. Only a line feed ends a line. A byte order mark at the
start of a file is skipped. A NUL is not text: it tells of binary data or of UTF-16. ReadSettings can ask for
other tokens and other sentences.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from full_w2v.corpus.base import Corpus, Done, Progress
from full_w2v.corpus.files import FileCorpus
from full_w2v.corpus.iterables import Records, TokenLists, dataset_batches, is_dataset
from full_w2v.corpus.places import expanded
from full_w2v.corpus.settings import ERRORS, FORMATS, ReadSettings
from full_w2v.corpus.spelling import Spelling

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

AnyPath = str | os.PathLike[str]
Source = AnyPath | Iterable[AnyPath] | Iterable[Iterable[str]] | Iterable[Any]


def open_corpus(source: Source, *, reading: ReadSettings | None = None, **settings: Any) -> Corpus:
    """A corpus from paths, a Hugging Face dataset, or an iterable.

    source: a path or a list of paths, each a file, a directory (all files in it), a pattern such as
        "news/*.gz", a URL that smart_open knows, or "-", standard input. Or a dataset of Hugging Face's
        `datasets`, or any iterable, which is iterated over once: its items are sentences, lists of str; with
        `column` mappings that hold one; with `pattern` or `tokenizer` also plain strings.
    reading, settings: ReadSettings, or some of them by name: encoding="latin-1", lowercase=True, ...
    Raises CorpusError if a file is missing or not readable, ConfigError for a bad setting.
    """
    reading = replace(reading or ReadSettings(), **settings)
    if _is_path(source):
        return FileCorpus([source], reading)  # type: ignore[list-item]  # _is_path has looked
    if isinstance(source, (list, tuple)) and source and all(_is_path(item) for item in source):
        return FileCorpus(source, reading)
    items: Any = source  # what it holds is checked when it is read
    if is_dataset(items):
        size = float(len(items)) if hasattr(items, "__len__") else None
        return Records(dataset_batches(items, reading), reading, size=size)
    if reading.column is not None or not reading.splits_at_white_space:
        return Records(items, reading)
    return TokenLists(items, reading)


def _is_path(item: object) -> bool:
    return isinstance(item, (str, os.PathLike))
