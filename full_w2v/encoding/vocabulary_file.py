"""Vocabularies as files: word2vec.c's text, or JSON lines.

The suffix names the format: .jsonl and .ndjson hold {"word": ..., "count": ...} on each line, any other file
a word, a space and its count, as word2vec.c's -save-vocab writes and its -read-vocab reads. Both are read
compressed too. Columns may also be separated by tabs or padded with white space. A byte order mark before a
line, of the file or of one that was joined to it, is skipped.

word2vec.c counts line ends as the word </s>, which is always its first entry, whatever its count, even 0. In
text, a first entry </s> is that marker and is left out; on any other line, and in JSON, </s> is a word like
others. Text that is saved here has a word </s> behind the first line, so that both are told apart; loading
sorts by count again.
"""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

import orjson

from full_w2v.any_path import AnyPath
from full_w2v.corpus.decompression import FORMATS as COMPRESSIONS
from full_w2v.corpus.decompression import text_chunks
from full_w2v.corpus.file_signatures import HEAD_BYTES, not_utf8
from full_w2v.errors import CorpusError, FormatError, shown, template_of
from full_w2v.output.atomic_write import atomic_file
from full_w2v.vocabulary import Vocabulary

JSON_SUFFIXES = (".jsonl", ".ndjson")
END_OF_SENTENCE = "</s>"  # word2vec.c's own first entry, which represents line ends


def save_vocabulary(vocabulary: Vocabulary, path: AnyPath) -> None:
    """Writes words and counts in the format that the path's suffix names.

    Raises FormatError if text cannot hold one of the words, OSError if the file cannot be written. Then
    nothing is left behind, and an older file of that name stays as it is.
    """
    lines = _json_lines(vocabulary) if _is_json(path) else _text_lines(vocabulary, path)
    with atomic_file(path) as file:
        file.writelines(lines)


def load_vocabulary(path: AnyPath) -> Vocabulary:
    """Reads a vocabulary; its words are sorted by count, ties stay in the file's order.

    The text's marker of line ends is left out, as the module says.
    Raises FormatError if the file is not a vocabulary, names a word twice or its counts add up to 2**63 or
    more, OSError if it cannot be read.
    """
    entries = _json_entries(path) if _is_json(path) else _text_entries(path)
    counts: dict[str, int] = {}
    for number, word, count in entries:
        if word in counts:
            raise FormatError(f"{path}: line {number} repeats the word {shown(word)}")
        if not 0 < count < 2**63:
            raise FormatError(f"{path}: line {number} has the count {count}; expected a positive number")
        counts[word] = count
    if not counts:
        raise FormatError(f"{path}: holds no words")
    if sum(counts.values()) >= 2**63:
        raise FormatError(
            f"{path}: the counts add up to {sum(counts.values())}; expected less than 2**63, divide them all"
        )
    return Vocabulary.from_counts(counts)


def load_words(path: AnyPath) -> set[str]:
    """The words of a vocabulary file, to choose words of a corpus by; errors as for `load_vocabulary`.

    A first entry </s> of text is among them: the corpus tells whether it is a word.
    """
    words = set(load_vocabulary(path).words)
    if not _is_json(path) and next(_columns(path))[1] == END_OF_SENTENCE:
        words.add(END_OF_SENTENCE)
    return words


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
    entries = list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    if len(entries) > 1 and entries[0][0] == END_OF_SENTENCE:
        entries[:2] = entries[1], entries[0]  # in the first line it would be word2vec.c's marker
    return (f"{word} {count}\n".encode() for word, count in entries)


def _json_entries(path: AnyPath) -> Iterator[tuple[int, str, int]]:
    for number, line in _lines(path):
        try:
            entry = orjson.loads(line)
            word, count = entry["word"], entry["count"]
        except (ValueError, TypeError, KeyError):
            word = count = None
        if not isinstance(word, str) or not isinstance(count, int) or isinstance(count, bool):
            expected = '{"word": ..., "count": ...}'
            raise FormatError(f"{path}: line {number} is {shown(line)}; expected {expected}")
        yield number, word, count


def _text_entries(path: AnyPath) -> Iterator[tuple[int, str, int]]:
    """The lines' numbers, words and counts; a first entry that only marks line ends is passed over."""
    entries = _columns(path)
    first = next(entries, None)
    second = next(entries, None)
    is_marker = first is not None and first[1] == END_OF_SENTENCE and (second is not None or first[2] == 0)
    yield from (entry for entry in (None if is_marker else first, second) if entry is not None)
    yield from entries


def _columns(path: AnyPath) -> Iterator[tuple[int, str, int]]:
    for number, line in _lines(path):
        columns = line.split()
        if len(columns) != 2 or not columns[1].isdigit() or len(columns[1]) > 19:
            hint = "; words with white space need .jsonl" if len(columns) > 2 else ""
            raise FormatError(
                f"{path}: line {number} is {shown(line)}; expected a word, a space and its count{hint}"
            )
        try:
            yield number, columns[0].decode(), int(columns[1])
        except UnicodeDecodeError:
            raise FormatError(f"{path}: line {number}: the word {shown(columns[0])} is not UTF-8") from None


def _lines(path: AnyPath) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers, from 1, and without byte order marks before them."""
    with Path(path).open("rb") as file:
        try:
            content = b"".join(text_chunks(file, str(path)))
        except CorpusError as error:
            raise FormatError(template_of(error)) from None
    if (reason := not_utf8(content[:HEAD_BYTES])) is not None:
        raise FormatError(f"{path}: {reason}")
    for number, line in enumerate(content.split(b"\n"), 1):
        while line.startswith(codecs.BOM_UTF8):
            line = line[len(codecs.BOM_UTF8) :]  # noqa: PLW2901 (there may be several)
        if line.strip():
            yield number, line
