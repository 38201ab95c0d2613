"""Phrases: neighbours that occur together more often than their counts explain become one word.

word2vec's word2phrase and gensim's Phrases, on an encoded corpus: pairs are counted natively, in parts that
fit into memory, and joined from left to right; more passes join longer phrases.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.checks import checked_integer
from full_w2v.corpus import Done, Progress
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.id_file import IdFileHeader, map_id_file, new_id_file, write_header
from full_w2v.errors import ConfigError, CorpusError, setting
from full_w2v.vocabulary import Vocabulary

Score = Literal["word2phrase", "gensim"]
# Sentences and their words, as ids and offsets that begin at 0.
Span = tuple[NDArray[np.int32], NDArray[np.int64]]
Change = Callable[[NDArray[np.int32], NDArray[np.int64]], tuple[NDArray[np.int32], NDArray[np.int64]]]

SPAN_TOKENS = 1 << 20
PAIRS_AT_ONCE = 1 << 24
# 16 bytes a slot; when a table grows a quarter of its slots are taken, and the old one is still there.
BYTES_PER_PAIR = 96


@dataclass(frozen=True, kw_only=True)
class PhraseSettings:
    """Which pairs of words become phrases: those whose score is above `threshold`.

    score = (count(a b) - min_count) / (count(a) count(b)) * n        (Mikolov et al. 2013, NeurIPS, eq. 6)

    passes: joins so often; each pass can make a phrase of phrases.
    min_count: the discount of the formula; a pair that does not occur more often is never joined.
    threshold: 100 is word2phrase's default; gensim's is 10, for its own n.
    score: what n is: "word2phrase": words of the corpus; "gensim": different words and different pairs.
    delimiter: separates the words of a phrase.

    Raises ConfigError (a ValueError) for the first setting that is out of range.
    """

    passes: int = 1
    min_count: int = 5
    threshold: float = 100.0
    score: Score = "word2phrase"
    delimiter: str = "_"

    def __post_init__(self) -> None:
        checked_integer("passes", self.passes, 1, 10)
        checked_integer("min_count", self.min_count, 0, 2**31)
        if not self.threshold >= 0:
            raise ConfigError(f"{setting('threshold')} must not be negative, got {self.threshold}")
        if self.score not in get_args(Score):
            raise ConfigError(
                f"{setting('score')} must be one of {', '.join(get_args(Score))}, got {self.score!r}"
            )
        if self.delimiter.split() != [self.delimiter]:
            raise ConfigError(
                f"{setting('delimiter')} must be characters other than white space, got {self.delimiter!r}"
            )


@dataclass(frozen=True, eq=False)
class Phrases:
    """Pairs of words to join: ids of first and second word, how often they are neighbours, scores."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    counts: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)


def find_phrases(
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    settings: PhraseSettings,
    *,
    threads: int = 1,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> Phrases:
    """The pairs of neighbours in a corpus that score above the threshold.

    vocabulary: of the corpus; it must hold every word, or words apart would become neighbours.
    memory_limit: bytes that the tables of pairs may use, apart from the frequent pairs themselves: the corpus
        is read once for each part of the pairs that fits, as if every word of it began a pair of its own.
        Counts stay exact. None uses about 1.6 GB per thread at most.
    progress: called with ("pairs", words counted, words).
    """
    at_once = PAIRS_AT_ONCE if memory_limit is None else memory_limit // threads // BYTES_PER_PAIR
    parts = max(threads, corpus.tokens // max(at_once, 1) + 1)
    done = _reported(corpus, progress, "pairs", corpus.tokens)
    first, second, counts, all_pairs = _native.count_pairs(
        corpus.ids,
        corpus.offsets,
        min_count=settings.min_count + 1,
        threads=threads,
        parts=parts,
        progress=lambda tokens: done(tokens // parts),
    )
    done(corpus.tokens)
    size = vocabulary.tokens if settings.score == "word2phrase" else len(vocabulary) + all_pairs
    expected = vocabulary.counts[first].astype(np.float64) * vocabulary.counts[second]
    scores = (counts - settings.min_count) / expected * size
    chosen = scores > settings.threshold
    return Phrases(first[chosen], second[chosen], counts[chosen], scores[chosen])


def join_phrases(
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    phrases: Phrases,
    *,
    delimiter: str = "_",
    progress: Progress | None = None,
) -> tuple[Vocabulary, EncodedCorpus]:
    """The corpus with phrases as words of their own, in a temporary file, and its vocabulary.

    A phrase that is spelled like a word of the corpus becomes that word. Words are sorted by count; ties stay
    in the order of the old vocabulary, phrases behind it.

    progress: called with ("join", words read, words); they are read twice, to count and to write them.
    """
    done = _reported(corpus, progress, "join", 2 * corpus.tokens)
    joiner = _native.PhraseJoiner(phrases.first, phrases.second, first_id=len(vocabulary))
    pairs = zip(phrases.first.tolist(), phrases.second.tolist(), strict=True)
    names = [
        *vocabulary.words,
        *(delimiter.join((vocabulary.words[a], vocabulary.words[b])) for a, b in pairs),
    ]
    number: dict[str, int] = {}
    same = np.fromiter((number.setdefault(name, len(number)) for name in names), np.int32, len(names))

    def joined(
        ids: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        ids, lengths = joiner.join(ids, offsets)
        return same[ids], lengths

    counts = np.zeros(len(number), np.int64)
    for ids, _ in _changed(corpus, joined, done):
        counts += np.bincount(ids, minlength=len(counts))
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    return _renamed(
        list(number), counts, order, corpus, joined, None, lambda tokens: done(corpus.tokens + tokens)
    )


def restrict_encoded(
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    *,
    min_count: int,
    max_final_vocab: int | None = None,
    path: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Vocabulary, EncodedCorpus]:
    """A corpus without its rare words: see `Vocabulary.restricted`.

    progress: called with ("encode", words read, words).
    """
    done = _reported(corpus, progress, "encode", corpus.tokens)
    kept = set(vocabulary.restricted(min_count=min_count, max_final_vocab=max_final_vocab).words)
    order = np.fromiter((i for i, word in enumerate(vocabulary.words) if word in kept), np.int64)

    def unchanged(
        ids: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        return ids, np.diff(offsets)

    return _renamed(list(vocabulary.words), vocabulary.counts, order, corpus, unchanged, path, done)


def sentences_of(
    vocabulary: Vocabulary, corpus: EncodedCorpus, progress: Progress | None = None
) -> Iterator[str]:
    """The corpus as text: one sentence after the other, words separated by spaces.

    progress: called with ("write", words taken, words).
    """
    words = np.array(vocabulary.words, dtype=object)
    for ids, offsets in _spans(corpus, _reported(corpus, progress, "write", corpus.tokens)):
        texts: list[Any] = words[ids].tolist()
        for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            yield " ".join(texts[begin:end])


def _renamed(
    words: list[str],
    counts: NDArray[np.int64],
    order: NDArray[np.int64],
    corpus: EncodedCorpus,
    change: Change,
    path: Path | None,
    done: Done,
) -> tuple[Vocabulary, EncodedCorpus]:
    """The changed corpus with order[i] renamed to i, and all other words left out."""
    names = np.full(len(words), -1, np.int32)
    names[order] = np.arange(len(order), dtype=np.int32)
    vocabulary = Vocabulary([words[i] for i in order.tolist()], counts[order], corpus.raw_tokens)

    def spans() -> Iterator[Span]:
        for ids, lengths in _changed(corpus, change, done):
            renamed = names[ids]
            kept = renamed >= 0
            ends = np.concatenate([[0], np.cumsum(kept)])[np.cumsum(lengths)]
            yield renamed[kept], ends

    tokens = int(vocabulary.counts.sum())
    return vocabulary, _write_encoded(spans(), tokens, len(vocabulary), corpus.raw_tokens, path)


def _write_encoded(
    spans: Iterable[Span],
    tokens: int,
    words: int,
    raw_tokens: int,
    path: Path | None = None,
) -> EncodedCorpus:
    """An encoded corpus from spans: ids, and the ends of sentences among them. Empty sentences are left out.

    tokens: how many ids the spans hold in all.
    path: where to keep it; None makes a temporary file. Raises CorpusError if no token is left or the file
    cannot be written.
    """
    if tokens == 0:
        raise CorpusError(f"no word of the corpus is frequent enough; lower {setting('min_count')}")
    directory = tempfile.gettempdir()
    name = str(path or f"temporary file in {directory}")
    header = IdFileHeader(tokens, 0, words, raw_tokens)
    with new_id_file(path, directory) as file:
        header = replace(header, sentences=_write_spans(file, header, spans))
        file.seek(0)
        write_header(file, header, name)
        _, mapped_ids, mapped_offsets = map_id_file(file, name, is_private=path is None)
    return EncodedCorpus(mapped_ids, mapped_offsets, raw_tokens, path, words)


def _write_spans(file: IO[bytes], header: IdFileHeader, spans: Iterable[Span]) -> int:
    """Writes ids and offsets, both as they come; returns the number of sentences."""
    file.seek(header.offsets_at)
    file.write(np.zeros(1, np.int64).data)
    tokens = sentences = border = 0
    for ids, ends in spans:
        file.seek(header.ids_at + tokens * ids.itemsize)
        file.write(np.ascontiguousarray(ids).data)
        borders = np.unique(ends) + tokens
        borders = borders[borders > border]
        file.seek(header.offsets_at + (sentences + 1) * borders.itemsize)
        file.write(borders.data)
        tokens += len(ids)
        sentences += len(borders)
        border = int(borders[-1]) if len(borders) else border
    return sentences


def _reported(corpus: EncodedCorpus, progress: Progress | None, phase: str, total: int) -> Done:
    """Reports one phase's progress, and gives back the pages of the corpus that were read till then."""

    def done(tokens: float) -> None:
        corpus.release()
        if progress is not None:
            progress(phase, tokens, total)

    return done


def _changed(
    corpus: EncodedCorpus, change: Change, done: Done
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    return (change(ids, offsets) for ids, offsets in _spans(corpus, done))


def _spans(corpus: EncodedCorpus, done: Done) -> Iterator[Span]:
    """The corpus in spans of whole sentences, of about SPAN_TOKENS tokens each; `done` gets their ends."""
    begin = 0
    while begin < corpus.sentences:
        first = int(corpus.offsets[begin])
        end = int(np.searchsorted(corpus.offsets, first + SPAN_TOKENS, side="right")) - 1
        end = min(max(end, begin + 1), corpus.sentences)
        offsets = corpus.offsets[begin : end + 1]
        yield corpus.ids[first : int(offsets[-1])], offsets - first
        done(float(offsets[-1]))
        begin = end
