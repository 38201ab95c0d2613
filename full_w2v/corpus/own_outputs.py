"""Recognises what this package and others like it write, so that it does not become text of a corpus."""

import orjson

from full_w2v.file_formats import format_of, known_suffix

HEAD_BYTES = 4096
# What folders hold that are written as a whole; Model2Vec and SentenceTransformer write such models.
_FOLDERS = {
    "an encoded corpus of the cache": {"ids", "vocabulary.jsonl", "note.json"},
    "a model": {"model.safetensors", "config.json"},
}
# Second files of formats, and files of other programs.
_SUFFIXES = {
    ".model": "a model of gensim",
    ".npy": "a NumPy array",
    ".usearch.json": "the words of an index",
    ".metadata.tsv": "the words of vectors",
}
_ENCODED = b"FW2V-ids"
_LEAST_GLOVE_COLUMNS = 8  # fewer numbers behind a word may be text


def written_folder(names: set[str]) -> str | None:
    """What a folder with these entries holds as a whole, if it was written by this package or one like it."""
    return next((kind for kind, needed in _FOLDERS.items() if needed <= names), None)


def written_file(name: str, head: bytes) -> str | None:
    """What a file was written as that is not text: word vectors, a model, a vocabulary; None for a corpus.

    head: its first HEAD_BYTES bytes, or all.
    """
    lowered = name.lower()
    if kind := _named(lowered):
        return kind
    if head.startswith(_ENCODED):
        return "an encoded corpus"
    if has_vector_header(head):
        return "word vectors"
    lines = _whole_lines(head)
    if lowered.endswith((".jsonl", ".ndjson")):
        return "a vocabulary" if _is_vocabulary_record(lines) else None
    if lines and _is_glove(lines):
        return "word vectors"
    return "a vocabulary" if _is_vocabulary(lines) else None


def _named(lowered: str) -> str:
    """What a name says of a file; empty if its content has to tell."""
    for suffix, kind in _SUFFIXES.items():
        if lowered.endswith(suffix):
            return kind
    known = known_suffix(lowered)
    return format_of(known).holds if known else ""


def has_vector_header(head: bytes, limit: int = HEAD_BYTES) -> bool:
    """Whether text begins as word2vec's: rows and columns, and below them a word and one number per column.

    head: a file's first `limit` bytes, or all.
    """
    first, _, rest = head.partition(b"\n")
    header = first.split()
    sizes = [int(number) for number in header if number.isdigit() and len(number) < 20]
    if len(header) != 2 or len(sizes) != 2 or min(sizes) < 1 or not rest.strip():
        return False
    line, end, _ = rest.partition(b"\n")
    is_whole = bool(end) or len(head) < limit
    values = line.split()[1:] if is_whole else line.split()[1:-1]  # the last one may be cut
    dimension = sizes[1]
    enough = len(values) == dimension if is_whole else 1 < len(values) <= dimension
    return enough and all(map(_is_number, values))


def _whole_lines(head: bytes) -> list[bytes]:
    lines = head.split(b"\n")
    return [line for line in (lines[:-1] if len(head) >= HEAD_BYTES else lines) if line.strip()]


def _is_glove(lines: list[bytes]) -> bool:
    """Whether each line is a word, or nothing, and numbers with a point, as many on every one."""
    columns = lines[0].split()
    is_projector = b"\t" in lines[0] and _is_number(columns[0])
    if not is_projector and len(columns) <= _LEAST_GLOVE_COLUMNS:
        return False
    rows = [line.split()[0 if is_projector else 1 :] for line in lines[:8]]
    return all(
        len(row) == len(rows[0]) and all(b"." in value and _is_number(value) for value in row) for row in rows
    )


def _is_vocabulary(lines: list[bytes]) -> bool:
    """Whether each line is a word and its count, the highest first, as vocabularies are written."""
    rows = [line.split() for line in lines]
    if len(rows) < 2 or not all(len(row) == 2 and row[1].isdigit() for row in rows):
        return False
    counts = [int(row[1]) for row in rows[rows[0][0] == b"</s>" :]]
    return counts == sorted(counts, reverse=True)


def _is_vocabulary_record(lines: list[bytes]) -> bool:
    try:
        record = orjson.loads(lines[0])
    except (orjson.JSONDecodeError, IndexError):
        return False
    return isinstance(record, dict) and set(record) == {"word", "count"}


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
