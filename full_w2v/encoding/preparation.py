"""From a corpus to what training reads: its vocabulary and the encoded corpus, kept in a cache on request."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from full_w2v.any_path import AnyPath
from full_w2v.corpus import Corpus, Progress
from full_w2v.encoding.corpus_cache import cached, vocabulary_key
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus, encode_with
from full_w2v.encoding.phrases import PhraseSettings, find_phrases, join_phrases, restrict_encoded
from full_w2v.encoding.vocabulary_file import load_vocabulary
from full_w2v.errors import ConfigError, setting
from full_w2v.machine import usable_cores
from full_w2v.vocabulary import Vocabulary

Encoded = tuple[Vocabulary, EncodedCorpus]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a corpus becomes ids.

    min_count: words that occur less often are dropped.
    max_final_vocab: at most so many words are kept, by raising min_count.
    vocabulary: a vocabulary, or its file, that is taken as it is: its words, ids and counts. Other words are
        dropped, whatever their counts.
    memory_limit: bytes that counting may use for words or pairs of them, apart from the vocabulary and the
        phrases themselves; None: what it needs.
    cache: a folder in which the encoded corpus is kept and found again.
    cache_hash: "sampled" or "full", how much of the files is read to know them again.
    phrases: joins neighbours that belong together before words are counted and rare ones dropped.
    threads: 0 takes every core.
    """

    min_count: int = 5
    max_final_vocab: int | None = None
    vocabulary: Vocabulary | AnyPath | None = None
    memory_limit: int | None = None
    cache: AnyPath | None = None
    cache_hash: str = "sampled"
    phrases: PhraseSettings | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        if self.phrases is not None and self.vocabulary is not None:
            raise ConfigError(f"give either {setting('phrases')} or {setting('vocabulary')}, got both")

    def settings(self) -> dict[str, Any]:
        """What shapes the vocabulary, for reports."""
        values: dict[str, Any] = {"min_count": self.min_count, "max_final_vocab": self.max_final_vocab}
        if self.phrases is not None:
            values["phrases"] = asdict(self.phrases)
        return values


@dataclass
class Prepared:
    """seconds: duration of the phases "vocabulary" and "encode"; the first one alone for what was cached."""

    vocabulary: Vocabulary
    encoded: EncodedCorpus
    seconds: dict[str, float] = field(default_factory=dict)


def prepare(
    corpus: Corpus,
    wanted: Preparation,
    progress: Progress | None = None,
    on_vocabulary: Callable[[Vocabulary], None] | None = None,
) -> Prepared:
    """Counts and encodes a corpus, or finds what was kept of it.

    on_vocabulary: called once with the vocabulary as soon as it is known; what it raises ends the call.
    Raises CorpusError, ConfigError and FormatError as `count_corpus`, `cached` and `load_vocabulary` do.
    """
    seconds = {"vocabulary": 0.0, "encode": 0.0}
    given = wanted.vocabulary
    if given is not None and not isinstance(given, Vocabulary):
        given = load_vocabulary(given)
    known = _Once(on_vocabulary)
    if given is not None:
        known(given)

    def build(path: Path | None) -> Encoded:
        if given is not None:
            with timed(seconds, "encode"):
                return given, encode_with(
                    corpus,
                    given,
                    threads=wanted.threads,
                    memory_limit=wanted.memory_limit,
                    path=path,
                    progress=progress,
                )
        if wanted.phrases is not None:
            return _with_phrases(corpus, wanted, wanted.phrases, path, progress, seconds)
        return _counted(corpus, wanted, path, progress, seconds, known)

    if wanted.cache is None:
        return _told(known, *build(None), seconds)
    key = wanted.settings() | {"vocabulary": vocabulary_key(given) if given is not None else None}
    with timed(seconds, "vocabulary"):
        found = cached(wanted.cache, corpus, key, build, hashed=wanted.cache_hash)
    seconds["vocabulary"] -= sum(seconds.values()) - seconds["vocabulary"]
    return _told(known, *found, seconds)


class _Once:
    """Calls a function the first time that it is called."""

    def __init__(self, function: Callable[[Vocabulary], None] | None) -> None:
        self._function = function

    def __call__(self, vocabulary: Vocabulary) -> None:
        function, self._function = self._function, None
        if function is not None:
            function(vocabulary)


def _told(
    known: _Once, vocabulary: Vocabulary, encoded: EncodedCorpus, seconds: dict[str, float]
) -> Prepared:
    try:
        known(vocabulary)
    except BaseException:
        encoded.close()
        raise
    return Prepared(vocabulary, encoded, seconds)


def _counted(
    corpus: Corpus,
    wanted: Preparation,
    path: Path | None,
    progress: Progress | None,
    seconds: dict[str, float],
    known: Callable[[Vocabulary], None] | None = None,
) -> Encoded:
    with timed(seconds, "vocabulary"):
        counted = count_corpus(
            corpus,
            min_count=wanted.min_count,
            max_final_vocab=wanted.max_final_vocab,
            threads=wanted.threads,
            memory_limit=wanted.memory_limit,
            progress=progress,
        )
    with counted, timed(seconds, "encode"):
        if known is not None:
            known(counted.vocabulary)
        return counted.vocabulary, counted.encode(path=path, progress=progress)


def _with_phrases(
    corpus: Corpus,
    wanted: Preparation,
    phrases: PhraseSettings,
    path: Path | None,
    progress: Progress | None,
    seconds: dict[str, float],
) -> Encoded:
    every_word = replace(wanted, min_count=1, max_final_vocab=None)
    vocabulary, encoded = _counted(corpus, every_word, None, progress, seconds)
    with timed(seconds, "phrases"):
        for _ in range(phrases.passes):
            found = find_phrases(
                vocabulary,
                encoded,
                phrases,
                threads=wanted.threads or usable_cores(),
                memory_limit=wanted.memory_limit,
                progress=progress,
            )
            vocabulary, encoded = join_phrases(
                vocabulary, encoded, found, delimiter=phrases.delimiter, progress=progress
            )
        return restrict_encoded(
            vocabulary,
            encoded,
            min_count=wanted.min_count,
            max_final_vocab=wanted.max_final_vocab,
            path=path,
            progress=progress,
        )


@contextmanager
def timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Notes how long a phase took."""
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[phase] = time.perf_counter() - began
