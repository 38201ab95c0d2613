"""How a corpus is read: its encoding, its tokens, its sentences. Settings are checked when they are made."""

import codecs
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args
from unicodedata import normalize

from full_w2v.checks import checked_integer
from full_w2v.errors import ConfigError, setting, shown

Normalization = Literal["NFC", "NFKC"]
ERRORS = ("strict", "replace", "ignore")
FORMATS = ("auto", "text", "jsonl", "json", "parquet", "arrow")
MAX_SPAN = 2**62


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    r"""How a corpus is read.

    encoding: of text; any that Python knows.
    errors: what happens to bytes that are not text: "strict" raises, "replace" and "ignore" as in Python.
    format: of files; "auto" goes by the name (.json .jsonl .ndjson .parquet .arrow .feather) and by Parquet's
        and Arrow's first bytes, and takes every other file for text. "json" is one array, or JSON lines.
    column: the field of JSON lines, tables and mappings that holds the text, a string or a list of tokens. By
        default "text", or a table's only column.
    lowercase, normalize: change text before it is split: first to Unicode's NFC or NFKC, then to lower case.
    pattern: a regular expression; what it matches are the tokens, or what its group does if it has one:
        r"(?=(\w{3}))" gives all groups of three letters, overlapping ones too. It may have no second group.
    tokenizer: a Hugging Face tokenizers file (JSON), or a Python function from a line to its tokens.
        Without a pattern or tokenizer, tokens lie between white space.
    sentences: "line"; "document", a whole text file or record; or a number N: every N tokens of a file,
        whatever its lines. A list of tokens is always one sentence, or part of an N-token span.

    Raises ConfigError (a ValueError) for the first setting that is out of range.
    """

    encoding: str = "utf-8"
    errors: str = "strict"
    format: str = "auto"
    column: str | None = None
    lowercase: bool = False
    normalize: Normalization | None = None
    pattern: str | None = None
    tokenizer: str | os.PathLike[str] | Callable[[str], Iterable[str]] | None = None
    sentences: str | int = "line"

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", _encoding_name(self.encoding))
        _check_choice("errors", self.errors, ERRORS)
        _check_choice("format", self.format, FORMATS)
        if self.normalize is not None:
            _check_choice("normalize", self.normalize, get_args(Normalization))
        if self.sentences not in ("line", "document"):
            object.__setattr__(self, "sentences", _span(self.sentences))
        if self.pattern is not None and self.tokenizer is not None:
            raise ConfigError(f"give either {setting('pattern')} or {setting('tokenizer')}, got both")
        if not self.splits_at_white_space:
            _ = self.tokenize  # a pattern or file that cannot be used is found now

    @property
    def span_tokens(self) -> int:
        """Tokens of a sentence where sentences are spans of fixed length, else 0."""
        return self.sentences if isinstance(self.sentences, int) else 0

    @property
    def by_document(self) -> bool:
        """Whether line feeds end no sentence."""
        return self.sentences == "document"

    @property
    def splits_at_white_space(self) -> bool:
        """Whether tokens are what lies between white space, which native threads can find."""
        return self.pattern is None and self.tokenizer is None

    @property
    def is_plain(self) -> bool:
        """Whether text is taken as it is."""
        return self.splits_at_white_space and not self.lowercase and self.normalize is None

    def changed(self, text: str) -> str:
        """Text after `normalize` and `lowercase`."""
        if self.normalize is not None:
            text = normalize(self.normalize, text)
        return text.lower() if self.lowercase else text

    @cached_property
    def tokenize(self) -> Callable[[list[str]], list[list[str]]]:
        """A function from texts to the tokens of each. Raises ConfigError if it cannot be made."""
        if self.pattern is not None:
            return _pattern_tokenizer(self.pattern)
        if callable(self.tokenizer):
            function = self.tokenizer
            return lambda texts: [_checked_tokens(function(text)) for text in texts]
        if self.tokenizer is not None:
            return _file_tokenizer(Path(self.tokenizer))
        return lambda texts: [text.split() for text in texts]


def _pattern_tokenizer(pattern: str) -> Callable[[list[str]], list[list[str]]]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"{setting('pattern')} must be a regular expression, got {shown(pattern)}: {error}"
        ) from None

    if expression.groups > 1:
        raise ConfigError(
            f"{setting('pattern')} must have at most one group, whose matches are the tokens, got "
            f"{shown(pattern)} with {expression.groups}; write (?:...) for groups that are not tokens"
        )

    def tokenize(texts: list[str]) -> list[list[str]]:
        return [[token for token in expression.findall(text) if token] for text in texts]

    return tokenize


def _file_tokenizer(path: Path) -> Callable[[list[str]], list[list[str]]]:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ConfigError(
            "a tokenizers file needs the package tokenizers; pip install 'full-w2v[tokenizers]'"
        ) from None
    try:
        tokenizer: Any = Tokenizer.from_buffer(path.read_bytes())  # it takes only paths that are UTF-8
    except Exception as error:  # the package raises Exception itself
        raise ConfigError(f"{path}: not a Hugging Face tokenizers file ({shown(str(error))})") from None

    def tokenize(texts: list[str]) -> list[list[str]]:
        return [found.tokens for found in tokenizer.encode_batch(texts, add_special_tokens=False)]

    return tokenize


def _checked_tokens(tokens: Iterable[str]) -> list[str]:
    if isinstance(tokens, (str, bytes)):
        raise ConfigError(
            f"{setting('tokenizer')} must return a list of tokens, got the string {shown(tokens)}"
        )
    return list(tokens)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{setting(name)} must be one of {', '.join(choices)}, got {value!r}")


def _span(sentences: object) -> int:
    if isinstance(sentences, str):
        if not sentences.isascii() or not sentences.isdigit():
            raise ConfigError(
                f"{setting('sentences')} must be line, document or a number of tokens, got {sentences!r}"
            )
        sentences = int(sentences)
    return checked_integer("sentences", sentences, 1, MAX_SPAN)


def _encoding_name(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)
        "".encode(name)
    except (LookupError, TypeError, ValueError):  # ValueError: a NUL, or an encoding that encodes nothing
        raise ConfigError(
            f"{setting('encoding')} must be one that Python knows, such as latin-1, got {encoding!r}"
        ) from None
    return "utf-8" if name == "utf-8-sig" else name
