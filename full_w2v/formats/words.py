"""Words as bytes, and what the word2vec formats share: the one rule for their keys.

A key is what stands before the separator: in binary files before a space, in text before the space or tab
that precedes the values. C's isspace ends a key for most readers (word2vec.c, fastText), a space for gensim:
a key with ASCII white space, or an empty one, is never written. Other white space of Unicode, such as U+00A0
and U+0085, is part of a key for all of them, as it is in GloVe's own files, and is written. What other tools
wrote is read as it stands, an empty key and ASCII white space too, wherever the end of the key can be told.
"""

import re
from collections.abc import Sequence

from full_w2v.corpus.file_signatures import HEAD_BYTES, not_text
from full_w2v.errors import FormatError, shown

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]")  # C's isspace
_HEADER = re.compile(rb"\s*(\d{1,99})[ \t]+(\d{1,99})\s*")
# How files begin that are not text in UTF-8.
_OTHER_CONTENT = {
    b"\xff\xfe": "is UTF-16 or UTF-32; convert it to UTF-8",
    b"\xfe\xff": "is UTF-16; convert it to UTF-8",
    b"\x1f\x8b": "is compressed by gzip; decompress it",
    b"BZh91AY&SY": "is compressed by bzip2; decompress it",
    b"\xfd7zXZ\0": "is compressed by xz; decompress it",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; decompress it",
}


def encoded(words: Sequence[str]) -> list[bytes]:
    """Words as UTF-8; raises FormatError for a lone surrogate."""
    try:
        return [word.encode("utf-8") for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(
            f"the word {shown(error.object)} holds a lone surrogate, which UTF-8 cannot"
        ) from None


def separable(words: Sequence[str]) -> list[bytes]:
    """Words as UTF-8; raises FormatError for one that is empty or that ASCII white space would end early."""
    for word in words:
        if not word or _WHITE_SPACE.search(word):
            raise FormatError(
                f"the word {shown(word)} is empty or contains white space, which word2vec's formats cannot"
                " hold; save as .safetensors or .kv"
            )
    return encoded(words)


def check_beginning(words: Sequence[str]) -> None:
    """Raises FormatError if a text that begins with the first word would be taken for something else."""
    first = encoded(words[:1])[0]
    if first.startswith((BYTE_ORDER_MARK, *_OTHER_CONTENT)) or not_text(first) is not None:
        raise FormatError(
            f"the word {shown(words[0])} comes first, where readers take its beginning for a file's mark;"
            " save as .safetensors"
        )


def without_mark(content: bytes) -> bytes:
    """The beginning of a text without its byte-order mark; raises FormatError if it is not text in UTF-8."""
    for beginning, what in _OTHER_CONTENT.items():
        if content.startswith(beginning):
            raise FormatError(what)
    if (reason := not_text(content[:HEAD_BYTES])) is not None:
        raise FormatError(reason)
    return content.removeprefix(BYTE_ORDER_MARK)


def header(line: bytes) -> tuple[int, int] | None:
    """Both numbers of a first line "words dimension"; None if it is something else."""
    match = _HEADER.fullmatch(line)
    return (int(match[1]), int(match[2])) if match else None


def check_room(rows: int, dimension: int, least_row_bytes: int, available: int) -> None:
    """Refuses, before memory is asked for, more than can be in the file."""
    if rows < 1 or dimension < 1:
        raise FormatError(f"expected at least one word and one dimension, line 1 says {rows} and {dimension}")
    if rows * least_row_bytes > available:
        raise FormatError(
            f"line 1 says {rows} words of {dimension} values, for which the file is too short;"
            " it is cut short or in another format"
        )
