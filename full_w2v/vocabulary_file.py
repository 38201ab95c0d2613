"""Vocabularies as files: word2vec.c's text, or JSON lines.

The suffix names the format: .jsonl and .ndjson hold {"word": ..., "count": ...} on each line, any other file
a word, a space and its count, as word2vec.c's -save-vocab writes and its -read-vocab reads. Both are read
compressed too.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

import orjson

from full_w2v.aside import written_aside
from full_w2v.decompression import FORMATS as COMPRESSIONS
from full_w2v.decompression import text_chunks
from full_w2v.errors import CorpusError, FormatError, shown
from full_w2v.vocabulary import Vocabulary

AnyPath = str | os.PathLike[str]
JSON_SUFFIXES = (".jsonl", ".ndjson")
END_OF_SENTENCE = "</s>"  # word2vec.c's own first entry, which stands for line ends


def save_vocabulary(vocabulary: Vocabulary, path: AnyPath) -> None:
    """Writes words and counts in the format that the path's suffix names.

    Raises FormatError if text cannot hold one of the words, OSError if the file cannot be written. Then
    nothing is left behind, and an older file of that name stays as it is.
    """
    lines = _json_lines(vocabulary) if _is_json(path) else _text_lines(vocabulary, path)
    with written_aside(path) as file:
        file.writelines(lines)


def load_vocabulary(path: AnyPath) -> Vocabulary:
    """Reads a vocabulary; its words are sorted by count, ties stay in the file's order.

    Raises FormatError if the file is not a vocabulary or names a word twice, OSError if it cannot be read.
    """
    entries = _json_entries(path) if _is_json(path) else _text_entries(path)
    counts: dict[str, int] = {}
    for number, (word, count) in enumerate(entries, 1):
        if word in counts:
            raise FormatError(f"{path}: line {number} names the word {shown(word)} again")
        if not 0 < count < 2**63:
            raise FormatError(f"{path}: line {number} has the count {count}; expected a positive number")
        counts[word] = count
    if next(iter(counts), None) == END_OF_SENTENCE and not _is_json(path):
        del counts[END_OF_SENTENCE]
    if not counts:
        raise FormatError(f"{path}: holds no words")
    return Vocabulary.from_counts(counts)


def _is_json(path: AnyPath) -> bool:
    plain = PurePath(path)
    if plain.suffix.lower() in COMPRESSIONS:
        plain = plain.with_suffix("")
    return plain.suffix.lower() in JSON_SUFFIXES


def _json_lines(vocabulary: Vocabulary) -> Iterator[bytes]:
    for word, count in zip(vocabulary.words, vocabulary.counts.tolist(), strict=True):
        yield orjson.dumps({"word": word, "count": count}) + b"\n"


def _text_lines(vocabulary: Vocabulary, path: AnyPath) -> Iterable[bytes]:
    for word in vocabulary.words:
        if [word] != word.split():
            raise FormatError(
                f"{path}: the word {shown(word)} is empty or contains white space, which this format cannot "
                "hold; save as .jsonl"
            )
    counts = vocabulary.counts.tolist()
    return (f"{word} {count}\n".encode() for word, count in zip(vocabulary.words, counts, strict=True))


def _json_entries(path: AnyPath) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(_lines(path), 1):
        try:
            entry = orjson.loads(line)
            word, count = entry["word"], entry["count"]
        except (ValueError, TypeError, KeyError):
            word = count = None
        if not isinstance(word, str) or not isinstance(count, int) or isinstance(count, bool):
            expected = '{"word": ..., "count": ...}'
            raise FormatError(f"{path}: line {number} is {shown(line)}; expected {expected}")
        yield word, count


def _text_entries(path: AnyPath) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(_lines(path), 1):
        word, _, count = line.rstrip().rpartition(b" ")
        if not word or not count.isdigit() or len(count) > 19:
            raise FormatError(
                f"{path}: line {number} is {shown(line)}; expected a word, a space and its count"
            )
        try:
            yield word.decode(), int(count)
        except UnicodeDecodeError:
            raise FormatError(f"{path}: line {number}: the word {shown(word)} is not UTF-8") from None


def _lines(path: AnyPath) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        try:
            content = b"".join(text_chunks(file, str(path)))
        except CorpusError as error:
            raise FormatError(str(error)) from None
    return (line for line in content.split(b"\n") if line.strip())
