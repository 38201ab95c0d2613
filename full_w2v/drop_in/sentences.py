"""What gensim's users train on, as a corpus that the native threads can count."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from gensim.models.word2vec import MAX_WORDS_IN_BATCH, LineSentence, PathLineSentences
from gensim.models.word2vec import logger as gensim_logger

from full_w2v.corpus import FileCorpus, ReadSettings, Spelling, TokenLists
from full_w2v.encoding.encoded_corpus import EncodedCorpus, WordCounts, count_words
from full_w2v.errors import shown
from full_w2v.machine import usable_cores
from full_w2v.vocabulary import Vocabulary


@dataclass(eq=False)
class CountedSentences:
    """A corpus that was read once.

    tokens: raw words. examples: sentences, of an iterable the empty ones too.
    spelling: names of the words that are not text.
    """

    counts: WordCounts
    examples: int
    spelling: Spelling = field(default_factory=Spelling)

    @property
    def tokens(self) -> int:
        """Raw words."""
        return self.counts.tokens

    def frequencies(self) -> dict[Any, int]:
        """Occurrences of every word, in the order of first appearance."""
        counts = self.counts.frequencies()
        return dict(zip(self.spelling.tokens(counts), counts.values(), strict=True))

    def encode(self, vocabulary: Vocabulary) -> EncodedCorpus | None:
        """The corpus as ids, None if it holds no word of the vocabulary."""
        words = self.spelling.names(vocabulary.words)
        return self.counts.encode(Vocabulary(words, vocabulary.counts))


def count_sentences(
    corpus_iterable: Iterable[Iterable[Any]] | None,
    corpus_file: str | None,
    *,
    threads: int,
    report_every: int,
) -> CountedSentences:
    """Reads the corpus that gensim's two parameters name; one of them is None.

    gensim's LineSentence and PathLineSentences are read as the files that they name.
    report_every: a line is logged after each so many sentences of an iterable.
    Raises CorpusError if the corpus cannot be read, TypeError for a word without a hash.
    """
    threads = threads or usable_cores()
    files = [str(corpus_file)] if corpus_iterable is None else _line_files(corpus_iterable)
    if files is not None:
        counts = count_words(FileCorpus(files, ReadSettings(format="text")), threads=threads)
        return CountedSentences(counts, counts.sentences)
    assert corpus_iterable is not None  # or there were files
    spelling, report = Spelling(), _Report(report_every)
    source = TokenLists(_without_plain_strings(corpus_iterable), spelling=spelling)
    counts = count_words(source, threads=threads, progress=report)
    return CountedSentences(counts, report.sentences, spelling)


class _Report:
    """Logs the progress of reading sentences, in gensim's words."""

    def __init__(self, every: int) -> None:
        self.sentences = 0
        self._every = every
        self._next = 0

    def __call__(self, phase: str, done: float, total: float | None) -> None:  # noqa: ARG002
        self.sentences = int(done)
        if self.sentences >= self._next:
            gensim_logger.info("PROGRESS: at sentence #%i", self.sentences)
            self._next = self.sentences + self._every


def _line_files(sentences: Any) -> list[str] | None:
    """The files that one of gensim's readers of lines would read whole; None for anything else."""
    if type(sentences) is LineSentence:
        files = [sentences.source]
    elif type(sentences) is PathLineSentences:
        files = sentences.input_files
    else:
        return None
    whole = sentences.limit is None and sentences.max_sentence_length == MAX_WORDS_IN_BATCH
    local = all(isinstance(file, (str, os.PathLike)) and os.path.isfile(file) for file in files)
    return list(map(os.fspath, files)) if whole and local else None


def _without_plain_strings(sentences: Iterable[Any]) -> Iterable[Any]:
    """The sentences; if the first is a string, strings become lists of characters, after a warning.

    Raises TypeError if the first item is not a sentence.
    """
    iterator = iter(sentences)
    first = list(islice(iterator, 1))
    if first and not isinstance(first[0], Iterable):
        kind = type(first[0]).__name__
        raise TypeError(f"expected sentences that are lists of tokens, got the {kind} {shown(first[0])}")
    if not first or not isinstance(first[0], str):
        return chain(first, iterator)
    gensim_logger.warning(
        "Each 'sentences' item should be a list of words (usually unicode strings). "
        "First item here is instead plain %s, whose characters are taken for words: pass sentence.split() "
        "for words.",
        type(first[0]),
    )
    return (list(item) if isinstance(item, str) else item for item in chain(first, iterator))
