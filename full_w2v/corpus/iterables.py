"""Corpora that Python holds or makes: iterables of token lists, of records, and Hugging Face datasets."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from full_w2v import _native
from full_w2v.corpus.countable import Corpus, Done
from full_w2v.corpus.feeding import feed_lists, feed_values, numeral
from full_w2v.corpus.read_settings import ReadSettings
from full_w2v.corpus.word_names import Spelling
from full_w2v.errors import ConfigError, CorpusError, setting

ITEMS_AT_ONCE = 256
ROWS_AT_ONCE = 1_000


class TokenLists(Corpus):
    """Sentences from any Python iterable, one-shot generators included: each is a list of str.

    A token may hold any character. Whole numbers are taken as their decimal numerals; with a `spelling`,
    tokens may be other hashable objects too.
    Raises CorpusError if `sentences` cannot be iterated over.
    """

    name = "the iterable of sentences"
    size = None

    def __init__(
        self,
        sentences: Iterable[Iterable[Any]],
        reading: ReadSettings | None = None,
        spelling: Spelling | None = None,
    ) -> None:
        _check_iterable(sentences)
        self._spell = numeral if spelling is None else spelling.name
        self.reading = reading or ReadSettings()
        self._sentences = sentences

    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Reads the iterable once; what it raises itself is not changed."""
        counter.begin_source()
        sentences = iter(self._sentences)
        read = 0
        while batch := list(islice(sentences, ITEMS_AT_ONCE)):
            feed_lists(counter, batch, self.reading, self._spell)
            read += len(batch)
            done(read)
        counter.end_source()
        return counter.finish()


class Records(Corpus):
    """Records from any Python iterable: strings or lists of tokens, or mappings that hold one in `column`."""

    name = "the iterable of records"

    def __init__(self, items: Iterable[Any], reading: ReadSettings, *, size: float | None = None) -> None:
        _check_iterable(items)
        self.reading = reading
        self.size = size
        self._items = items

    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Reads the iterable once; what it raises itself is not changed."""
        counter.begin_source()
        items = iter(self._items)
        read = 0
        try:
            while batch := list(islice(items, ITEMS_AT_ONCE)):
                values = [_value(item, self.reading.column, read + i) for i, item in enumerate(batch)]
                feed_values(counter, values, self.reading, read, self.name)
                read += len(batch)
                done(read)
            counter.end_source()
            return counter.finish()
        except _native.InvalidTextError:
            raise CorpusError(
                f"{self.name}: a text holds a NUL; read with {setting('errors', 'replace')}"
            ) from None


def is_dataset(source: object) -> bool:
    """Whether an object looks like a dataset of Hugging Face's `datasets`, streamed or not."""
    return hasattr(source, "column_names") and hasattr(source, "features") and hasattr(source, "__iter__")


def dataset_batches(dataset: Any, reading: ReadSettings) -> Iterator[Any]:
    """The values of a dataset's column, read in batches. Raises ConfigError if it has no such column."""
    column = reading.column or "text"
    names = dataset.column_names
    if names is not None and column not in names:  # a streamed dataset may not know its columns
        raise ConfigError(f"{setting('column')} must be one of {', '.join(names)}, got {column!r}")
    if hasattr(dataset, "iter"):
        for batch in dataset.iter(batch_size=ROWS_AT_ONCE):
            yield from ({column: value} for value in batch[column])
    else:
        yield from dataset


def _value(item: Any, column: str | None, number: int) -> Any:
    """What a record holds in its column; an item that is not a mapping is the value itself."""
    if not isinstance(item, Mapping):
        if column is not None:
            raise CorpusError(f"record {number} is of type {type(item).__name__}; expected a mapping with "
                              f"the column {column!r}")  # fmt: skip
        return item
    name = column or "text"
    if name not in item:
        raise CorpusError(f"record {number} has no column {name!r}; it has {', '.join(map(str, item))}")
    return item[name]


def _check_iterable(items: object) -> None:
    if not isinstance(items, Iterable) or isinstance(items, (str, bytes)):
        kind = type(items).__name__
        raise CorpusError(
            f"a corpus must be a path, a list of paths or an iterable of token lists, got {kind}"
        )
