"""Words as bytes, and what the two word2vec formats share."""

import re
from collections.abc import Sequence

from full_w2v.errors import FormatError, shown

_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]")  # where C's isspace, and so most readers, would end a word
_HEADER = re.compile(rb"\s*(\d{1,99})[ \t]+(\d{1,99})\s*")


def encoded(words: Sequence[str]) -> list[bytes]:
    """Words as UTF-8; raises FormatError for a lone surrogate."""
    try:
        return [word.encode("utf-8") for word in words]
    except UnicodeEncodeError as error:
        raise FormatError(
            f"the word {shown(error.object)} holds a lone surrogate, which UTF-8 cannot"
        ) from None


def separable(words: Sequence[str]) -> list[bytes]:
    """Words as UTF-8; raises FormatError for one that is empty or that white space would end too early."""
    for word in words:
        if not word or _WHITE_SPACE.search(word):
            raise FormatError(
                f"the word {shown(word)} is empty or contains white space, which word2vec's formats cannot"
                " hold; save as .safetensors or .kv"
            )
    return encoded(words)


def decoded(word: bytes, place: str) -> str:
    """A word from UTF-8; raises FormatError that names the place."""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = word[error.start]
        raise FormatError(f"{place}: the word {shown(word)} is not UTF-8 (byte 0x{byte:02x})") from None


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
