"""Counting and encoding: a corpus becomes word ids and sentence offsets, which epochs read, not text."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.checks import checked_integer
from full_w2v.config import MAX_THREADS
from full_w2v.corpus import Corpus, Progress
from full_w2v.encoding.id_file import (
    IdFileHeader,
    map_id_file,
    new_id_file,
    release_pages,
    write_header,
)
from full_w2v.errors import ConfigError, CorpusError, setting, shown
from full_w2v.machine import simd_cap, usable_cores
from full_w2v.vocabulary import Vocabulary

LEAST_MEMORY = 1 << 20
# What a corpus's key is made from: all ids and offsets up to the first number, samples of more.
KEY_WHOLE, KEY_SAMPLES, KEY_SAMPLE = 1 << 24, 256, 1 << 14


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """A corpus as word ids; sentence s is ids[offsets[s]:offsets[s + 1]].

    ids: int32, shape [tokens]; offsets: int64, shape [sentences + 1], from 0 to tokens; usually mapped.
    raw_tokens: tokens of the corpus before words outside of the vocabulary were dropped.
    path: the file that holds it, None if it has none that stays.
    words: size of the vocabulary that it was encoded with, above every id; -1 if that is not known.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    raw_tokens: int = -1
    path: Path | None = None
    words: int = -1

    def __post_init__(self) -> None:
        if self.raw_tokens < 0:
            object.__setattr__(self, "raw_tokens", self.tokens)

    @classmethod
    def from_sentences(cls, sentences: Iterable[Sequence[int]]) -> "EncodedCorpus":
        """A corpus in memory from lists of word ids."""
        rows = [np.asarray(sentence, dtype=np.int32) for sentence in sentences]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, np.int32), *rows]), offsets)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "EncodedCorpus":
        """Maps an encoded corpus that was kept at `path`.

        Raises CorpusError if the file is missing, not an encoded corpus, of another version or damaged.
        """
        try:
            with Path(path).open("rb") as file:
                header, ids, offsets = map_id_file(file, str(path), is_private=False)
        except OSError as error:
            raise CorpusError(f"{path}: {error.strerror}") from None
        return cls(ids, offsets, header.raw_tokens, Path(path), header.words)

    @property
    def tokens(self) -> int:
        """Number of token ids."""
        return len(self.ids)

    @property
    def sentences(self) -> int:
        """Number of sentences, empty ones included."""
        return len(self.offsets) - 1

    @cached_property
    def key(self) -> str:
        """Tells this corpus from others: a hash of its sizes, ids and offsets, of large ones of samples."""
        hashed = blake2b(digest_size=16)
        hashed.update(repr((self.tokens, self.sentences, self.raw_tokens, self.words)).encode())
        for array in (self.ids, self.offsets):
            starts = np.arange(0, len(array), KEY_SAMPLE)
            if len(array) > KEY_WHOLE:
                starts = np.linspace(0, len(array) - KEY_SAMPLE, KEY_SAMPLES, dtype=np.int64)
            for start in starts.tolist():
                sample = array[start : start + KEY_SAMPLE]
                hashed.update(np.ascontiguousarray(sample, sample.dtype.newbyteorder("<")).data)
        return hashed.hexdigest()

    def release(self) -> None:
        """Gives pages that were read back to the system, which keeps them cached while memory is free.

        Otherwise a long run keeps the whole corpus resident.
        Raises CorpusError if the file has changed its size or could not be read: then ids that were read
        since the last call may be wrong.
        """
        release_pages(self.ids)

    def close(self) -> None:
        """Lets go of ids and offsets. A temporary file is gone when no array refers to it any more."""
        object.__setattr__(self, "ids", np.empty(0, np.int32))
        object.__setattr__(self, "offsets", np.zeros(1, np.int64))

    def __enter__(self) -> "EncodedCorpus":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CountedCorpus:
    """A corpus that was read and counted, ready to be encoded with its vocabulary: `count_corpus` makes it.

    vocabulary: the words that encoding keeps. raw_tokens: all tokens of the corpus.
    It holds the text as provisional ids, in memory and, when there are many, in a temporary file, until it is
    closed.
    """

    def __init__(
        self,
        counts: "_RawCounts",
        vocabulary: Vocabulary,
        numbers: NDArray[np.uint32],
    ) -> None:
        self.vocabulary = vocabulary
        self.raw_tokens = counts.words.tokens
        self._counts: _RawCounts | None = counts
        self._numbers = numbers

    def encode(
        self, *, path: str | os.PathLike[str] | None = None, progress: Progress | None = None
    ) -> EncodedCorpus:
        """The corpus as ids of the vocabulary; other words are dropped, and so are sentences without a word.

        path: where to keep the encoded corpus; None makes a temporary file that vanishes with the result.
        progress: called with ("encode", tokens read, tokens).
        Raises CorpusError if no token is left or the file cannot be written.
        """
        if self._counts is None:
            raise ValueError("the counted corpus is closed")
        counts = self._counts
        tokens = int(counts.words.counts(self._numbers).sum())
        if tokens == 0:
            raise CorpusError(f"{counts.name}: holds no word of the vocabulary")
        final = None if path is None else Path(path)
        name = str(final or f"temporary file in {counts.directory}")
        header = IdFileHeader(tokens, 0, len(self.vocabulary), self.raw_tokens)
        done = _phase(progress, "encode", self.raw_tokens)
        with new_id_file(final, counts.directory) as file, _clear_file_errors():
            _, sentences = counts.words.encode(
                self._numbers,
                descriptor=file.fileno(),
                name=os.fsencode(name),
                ids_at=header.ids_at,
                offsets_at=header.offsets_at,
                span=counts.span,
                threads=counts.threads,
                progress=done,
                simd=simd_cap(),
            )
            done(self.raw_tokens)
            header = replace(header, sentences=sentences)
            write_header(file, header, name)
            _, ids, offsets = map_id_file(file, name, is_private=final is None)
        return EncodedCorpus(ids, offsets, self.raw_tokens, final, header.words)

    def close(self) -> None:
        """Frees the text and what was counted; the vocabulary and encoded corpora stay usable."""
        self._counts = None

    def __enter__(self) -> "CountedCorpus":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def count_corpus(
    corpus: Corpus,
    *,
    min_count: int = 5,
    max_final_vocab: int | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
    directory: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> CountedCorpus:
    """Reads a corpus once on native threads, counts its words and chooses the vocabulary.

    The vocabulary holds the words that occur `min_count` times or more, most frequent first, ties in the
    order of first appearance. It does not depend on the number of threads.

    max_final_vocab: raises `min_count` to the smallest value that keeps at most this many words; as in
        gensim, words that tie at the limit are all dropped.
    threads: 0 uses every core that this process may use.
    memory_limit: bytes that counting may use for words, apart from the vocabulary itself; the rest spills to
        a temporary file. Counts stay exact. None uses what is needed.
    directory: for temporary files; by default the system's.
    progress: called with ("vocabulary", done, total), in bytes of files, or sentences of an iterable.
    Raises CorpusError if the corpus cannot be read or decoded, is empty or has no word that often,
    ConfigError for a bad setting.
    """
    min_count = _at_least("min_count", min_count, 0)
    if max_final_vocab is not None:
        max_final_vocab = _at_least("max_final_vocab", max_final_vocab, 1)
    limit = _memory_limit(memory_limit)
    counts = _count(corpus, threads, directory, progress, memory_limit=limit, min_count=min_count)
    words = counts.words
    least = min_count if max_final_vocab is None else max(min_count, words.least_count(max_final_vocab))
    numbers = words.select(least)
    if len(numbers) == 0:
        raise CorpusError(_no_words(counts, least, max_final_vocab))
    vocabulary = Vocabulary(words.words(numbers), words.counts(numbers), raw_tokens=words.tokens)
    return CountedCorpus(counts, vocabulary, numbers)


class WordCounts:
    """A corpus with the count of each of its words, ready to be encoded with any vocabulary.

    tokens, sentences: of the corpus, sentences without a token left out.
    It holds the corpus until it is closed, as a `CountedCorpus` does.
    """

    def __init__(self, counts: "_RawCounts") -> None:
        self._counts = counts
        self.tokens = counts.words.tokens
        self.sentences = counts.words.sentences()

    def frequencies(self) -> dict[str, int]:
        """Occurrences of every word, in the order of first appearance."""
        words = self._counts.words
        numbers = words.in_order()
        return dict(zip(words.words(numbers), words.counts(numbers).tolist(), strict=True))

    def encode(self, vocabulary: Vocabulary) -> EncodedCorpus | None:
        """The corpus as ids of a vocabulary, None if it holds no word of it.

        Raises CorpusError if the temporary file cannot be written.
        """
        words = self._counts.words
        numbers = words.find(list(vocabulary.words))
        if not words.counts(numbers).any():
            return None
        return CountedCorpus(self._counts, vocabulary, numbers).encode()


def count_words(corpus: Corpus, *, threads: int = 0, progress: Progress | None = None) -> WordCounts:
    """Reads a corpus once on native threads and counts all of its words; errors as for `count_corpus`."""
    return WordCounts(_count(corpus, threads, None, progress))


def encode_corpus(
    corpus: Corpus,
    *,
    min_count: int = 5,
    max_final_vocab: int | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Vocabulary, EncodedCorpus]:
    """Counts a corpus and encodes it: see `count_corpus` and `CountedCorpus.encode`."""
    counted = count_corpus(
        corpus,
        min_count=min_count,
        max_final_vocab=max_final_vocab,
        threads=threads,
        memory_limit=memory_limit,
        progress=progress,
    )
    with counted:
        return counted.vocabulary, counted.encode(path=path, progress=progress)


def encode_with(
    corpus: Corpus,
    vocabulary: Vocabulary,
    *,
    threads: int = 0,
    memory_limit: int | None = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> EncodedCorpus:
    """Encodes a corpus with a given vocabulary; other words are dropped. Errors as for `count_corpus`."""
    words = list(vocabulary.words)
    counts = _count(corpus, threads, None, progress, memory_limit=_memory_limit(memory_limit), only=words)
    with CountedCorpus(counts, vocabulary, counts.words.find(words)) as counted:
        return counted.encode(path=path, progress=progress)


@dataclass(frozen=True)
class _RawCounts:
    """All that was counted.

    name: what messages call the corpus. span: length of its sentences in tokens, 0 if they are marked.
    """

    name: str
    words: "_native.CountedWords"
    threads: int
    directory: str
    span: int


def _count(
    corpus: Corpus,
    threads: int,
    directory: str | os.PathLike[str] | None,
    progress: Progress | None,
    **bound: Any,
) -> _RawCounts:
    threads = _thread_count(threads)
    folder = tempfile.gettempdir() if directory is None else os.fspath(directory)
    with _clear_file_errors():
        counter = _native.CorpusCounter(
            threads=threads,
            errors=corpus.reading.errors,
            directory=os.fsencode(folder),
            simd=simd_cap(),
            **bound,
        )
        words = corpus.count(counter, _phase(progress, "vocabulary", corpus.size))
    return _RawCounts(corpus.name, words, threads, folder, corpus.reading.span_tokens)


def _phase(progress: Progress | None, phase: str, total: float | None) -> Callable[[float], None]:
    """Reports one phase's progress."""

    def done(amount: float) -> None:
        if progress is not None:
            progress(phase, amount, total)

    return done


def _no_words(counts: _RawCounts, least: int, max_final_vocab: int | None) -> str:
    """Why no word is left."""
    words = counts.words
    if words.tokens == 0:
        return f"{counts.name}: holds no tokens"
    top = words.select(1)[:1]
    often = f"the most frequent, {shown(words.words(top)[0])}, occurs {_times(words.counts(top)[0])}"
    if max_final_vocab is not None:
        asked = f", as {setting('max_final_vocab', max_final_vocab)} asks for"
        advice = f"raise {setting('max_final_vocab')}"
    else:
        asked, advice = f" ({setting('min_count', least)})", f"lower {setting('min_count')}"
    return f"{counts.name}: no word occurs {least} times or more{asked}; {often}; {advice}"


@contextmanager
def _clear_file_errors() -> Iterator[None]:
    """Turns native file errors, usually of full disks, into CorpusError with a hint."""
    try:
        yield
    except _native.FileError as error:
        hint = "; set TMPDIR to a larger disk" if str(error).startswith("temporary file") else ""
        raise CorpusError(f"{error}{hint}") from None


def _memory_limit(limit: int | None) -> int:
    return 0 if limit is None else _at_least("memory_limit", limit, LEAST_MEMORY)


def _thread_count(threads: int) -> int:
    return checked_integer("threads", threads, 0, MAX_THREADS) or usable_cores()


def _at_least(name: str, value: int, least: int) -> int:
    """`value` as a Python number. Raises ConfigError unless it is a number of at least `least`."""
    try:
        return checked_integer(name, value, least, 2**63 - 1)
    except ConfigError:
        message = f"{setting(name)} must be a whole number of at least {least}, got {value!r}"
        raise ConfigError(message) from None


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
