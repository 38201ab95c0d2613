"""Gives text, records and token lists to the native counter, as the settings ask."""

import re
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from operator import index
from typing import Any

from full_w2v import _native
from full_w2v.corpus.read_settings import ReadSettings
from full_w2v.errors import CorpusError, setting, shown

TEXTS_AT_ONCE = 256
ASCII_SPACES = " \n\t\r\v\f"
MARK = "\ufeff"


def feed_text(
    counter: "_native.CorpusCounter", pieces: Iterable[str], reading: ReadSettings, name: str
) -> None:
    """Feeds decoded text that comes in pieces of any length. It ends where its source does."""
    pieces = _without_marks(pieces)
    if reading.splits_at_white_space:
        for piece in _whole_words(pieces):
            text = reading.changed(piece)
            counter.feed((text.replace("\n", " ") if reading.by_document else text).encode())
        return
    if reading.by_document:
        documents = [_checked("".join(pieces), reading, name)]
        _feed_split(counter, iter(documents), reading)
        return
    lines = enumerate(_lines(pieces), 1)
    _feed_split(counter, (_checked(line, reading, f"{name}: line {i}") for i, line in lines), reading)


def feed_values(
    counter: "_native.CorpusCounter", values: list[Any], reading: ReadSettings, first: int, name: str
) -> None:
    """Feeds the values of records: strings, lists of tokens, or None, which is passed over.

    first: number of the first value, for messages. Raises CorpusError for any other value.
    """
    if reading.errors == "strict":
        for number, value in enumerate(values, first):
            if isinstance(value, str) and "\0" in value:
                raise CorpusError(
                    f"{name}: record {number} holds a NUL; read with {setting('errors', 'replace')}"
                )
    values = [value for value in values if value is not None]
    if not values:
        return
    if all(isinstance(value, str) for value in values):
        _feed_strings(counter, values, reading, name)
    else:
        feed_lists(counter, [_as_tokens(value, first, name) for value in values], reading)


def numeral(token: Any) -> Any:
    """The decimal numeral of a whole number, NumPy's included; any other token as it is."""
    return str(index(token)) if isinstance(token, Integral) and not isinstance(token, bool) else token


def feed_lists(
    counter: "_native.CorpusCounter",
    sentences: list[Any],
    reading: ReadSettings,
    spell: Callable[[Any], Any] = numeral,
) -> None:
    """Feeds lists of tokens; `normalize` and `lowercase` apply to each token.

    spell: names a token that is not text; a token that it returns unchanged is rejected. Exceptions of the
        user's own iterables pass through.
    """
    if reading.lowercase or reading.normalize is not None:
        sentences = [_changed_tokens(sentence, reading) for sentence in sentences]
    try:
        counter.feed_sentences(sentences, spell)
    except _native.SentenceError as error:
        raise CorpusError(str(error)) from None


def _feed_strings(
    counter: "_native.CorpusCounter", texts: list[str], reading: ReadSettings, name: str
) -> None:
    if not reading.splits_at_white_space:
        texts = ["".join(_without_marks([text])) for text in texts]
        lines = texts if reading.by_document else [line for text in texts for line in text.split("\n")]
        _feed_split(counter, (_checked(line, reading, name) for line in lines), reading)
        return
    if reading.by_document:
        texts = [text.replace("\n", " ") for text in texts]
    try:
        counter.feed(reading.changed("\n".join([*texts, ""])).encode())
    except UnicodeEncodeError as error:
        at = error.object[max(0, error.start - 20) : error.start + 20]
        raise CorpusError(f"{name}: the text {shown(at)} holds a lone surrogate, which is not text") from None
    except ValueError as error:
        raise CorpusError(f"{name}: {error}") from None


def _feed_split(counter: "_native.CorpusCounter", texts: Iterator[str], reading: ReadSettings) -> None:
    batch: list[str] = []
    for text in texts:
        batch.append(reading.changed(text))
        if len(batch) == TEXTS_AT_ONCE:
            _feed_tokenized(counter, batch, reading)
            batch = []
    _feed_tokenized(counter, batch, reading)


def _feed_tokenized(counter: "_native.CorpusCounter", texts: list[str], reading: ReadSettings) -> None:
    sentences = reading.tokenize(texts)  # what a function of the user's raises passes through
    try:
        counter.feed_sentences(sentences, None)
    except _native.SentenceError as error:
        raise CorpusError(str(error)) from None


def _changed_tokens(sentence: Any, reading: ReadSettings) -> Any:
    if isinstance(sentence, (str, bytes)) or not isinstance(sentence, Iterable):
        return sentence  # the counter says what is wrong with it
    return [reading.changed(token) if isinstance(token, str) else token for token in sentence]


def _as_tokens(value: Any, first: int, name: str) -> Any:
    if isinstance(value, str):
        raise CorpusError(
            f"{name}: strings and lists of tokens are mixed near record {first}; expected one of them"
        )
    if not isinstance(value, (list, tuple)):
        kind = type(value).__name__
        raise CorpusError(f"{name}: expected a string or a list of tokens, got {kind} near record {first}")
    return value


def _checked(text: str, reading: ReadSettings, where: str) -> str:
    """Text without NUL, as the native tokenizer treats it."""
    if "\0" not in text:
        return text
    if reading.errors == "strict":
        raise CorpusError(
            f"{where} holds a NUL, so it is not text; decode with {setting('errors', 'replace')}"
        )
    return text.replace("\0", "\ufffd" if reading.errors == "replace" else "")


def _without_marks(pieces: Iterable[str]) -> Iterator[str]:
    """The same text without the byte order marks that lines begin with, as the native counter treats them."""
    begins_line = True
    for piece in pieces:
        text = piece
        if MARK in text:
            text = text.lstrip(MARK) if begins_line else text
            text = re.sub(f"\n{MARK}+", "\n", text)
        if text:
            begins_line = text.endswith("\n")
            yield text


def _whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in pieces that end behind white space: neither case nor composition looks across."""
    held: list[str] = []
    for piece in pieces:
        cut = 1 + max(piece.rfind(space) for space in ASCII_SPACES)
        if cut > 0:
            yield "".join([*held, piece[:cut]])
            held = []
        held.append(piece[cut:])
    yield "".join(held)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """The lines of a text; only a line feed ends one."""
    held: list[str] = []
    for piece in pieces:
        first, *others = piece.split("\n")
        held.append(first)
        if others:
            yield "".join(held)
            yield from others[:-1]
            held = [others[-1]]
    yield "".join(held)
