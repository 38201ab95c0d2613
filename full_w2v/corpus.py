"""Where text comes from: files, plain or compressed, and Python iterables of token lists.

Text holds one sentence a line. Tokens are what `str.split()` gives: white space separates them, Unicode's
included, and every other character belongs to a token. Only a line feed ends a line. A byte order mark at the
start of a file is skipped. A NUL is not text: it tells of binary data or of UTF-16.
"""

import codecs
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from full_w2v import _native
from full_w2v.decompression import FORMATS, text_chunks
from full_w2v.errors import ConfigError, CorpusError, shown

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Iterable[Iterable[str]]
# Called with (phase, done, total): bytes of files, or sentences of an iterable, whose total is None.
Progress = Callable[[str, float, float | None], None]
Done = Callable[[float], None]

ERRORS = ("strict", "replace", "ignore")
SENTENCES_AT_ONCE = 256


class Corpus(ABC):
    """A corpus that can be counted.

    name: what messages call it. size: what `count` reports when it is done, None if that is not known.
    errors: what happens to bytes that are not text. files: that it is read from.
    """

    name: str
    size: float | None
    errors: str = "strict"
    files: Sequence[Path] = ()

    @abstractmethod
    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Gives all of the corpus to the native counter; calls `done` with what was read so far.

        Raises CorpusError where the corpus cannot be read.
        """


def open_corpus(source: Source, *, encoding: str = "utf-8", errors: str = "strict") -> Corpus:
    """A corpus from a path, a list of paths, or an iterable of token lists.

    source: files hold one sentence a line; those named .gz, .bz2, .xz and .zst are decompressed. Anything but
        a path, or a list or tuple of paths, is iterated over once; each item is a sentence, a list of str.
    encoding: of files; any that Python knows.
    errors: what happens to bytes that are not text: "strict" raises, "replace" and "ignore" as in Python.
    Raises CorpusError if a file is missing, a directory or not readable, ConfigError for a bad setting.
    """
    if isinstance(source, (str, os.PathLike)):
        return TextFiles([source], encoding=encoding, errors=errors)
    if isinstance(source, (list, tuple)) and source and all(_is_path(item) for item in source):
        return TextFiles(source, encoding=encoding, errors=errors)
    return TokenLists(source)  # type: ignore[arg-type]  # what it holds is checked when it is read


class Spelling:
    """Names for tokens that are no text, so that numbers, tuples or any hashable object can be words.

    A token is text, and its own name, if it is a str that UTF-8 can hold and does not begin with NUL: names
    do.
    """

    def __init__(self) -> None:
        self._names: dict[Hashable, str] = {}
        self._tokens: list[Hashable] = []

    def name(self, token: Hashable) -> str:
        """The name of a token that is no text; equal ones share it. Raises TypeError if it has no hash."""
        try:
            name = self._names.get(token)
        except TypeError:
            raise TypeError(
                f"expected tokens that are str or have a hash, got the {type(token).__name__} {shown(token)}"
            ) from None
        if name is None:
            name = self._names[token] = f"\0{len(self._tokens)}"
            self._tokens.append(token)
        return name

    def names(self, tokens: Iterable[Hashable]) -> list[str]:
        """The name of each token, which is a text's own self."""
        return [token if _is_text(token) else self.name(token) for token in tokens]  # type: ignore[misc]

    def tokens(self, names: Iterable[str]) -> list[Hashable]:
        """The tokens behind names."""
        return [self._tokens[int(name[1:])] if name[:1] == "\0" else name for name in names]


class TokenLists(Corpus):
    """Sentences from any Python iterable, one-shot generators included: each is a list of str.

    A token may hold any character. With a `spelling`, tokens may be other hashable objects too.
    Raises CorpusError if `sentences` cannot be iterated over.
    """

    name = "the iterable of sentences"
    size = None

    def __init__(self, sentences: Iterable[Iterable[Any]], spelling: Spelling | None = None) -> None:
        if not isinstance(sentences, Iterable) or isinstance(sentences, (str, bytes)):
            raise CorpusError(f"a corpus must be a path, a list of paths or an iterable of token lists, got "
                              f"{type(sentences).__name__}")  # fmt: skip
        self._sentences = sentences
        self._spell = None if spelling is None else spelling.name

    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Reads the iterable once; what it raises itself is not changed."""
        counter.begin_source()
        sentences = iter(self._sentences)
        read = 0
        while batch := list(islice(sentences, SENTENCES_AT_ONCE)):
            _feed_sentences(counter, batch, self._spell)
            read += len(batch)
            done(read)
        counter.end_source()
        return counter.finish()


class TextFiles(Corpus):
    """Files with one sentence a line, read one after the other. A sentence ends with its file.

    Raises CorpusError if a file is missing, a directory or not readable, ConfigError for a bad setting.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], *, encoding: str = "utf-8", errors: str = "strict"
    ) -> None:
        self.errors = errors
        self.files = [Path(path) for path in paths]
        self._encoding = _encoding_name(encoding)
        _check_errors(errors)
        self.size = sum(_checked_size(path) for path in self.files)
        self.name = str(self.files[0]) if len(self.files) == 1 else f"the corpus of {len(self.files)} files"

    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Reads plain UTF-8 files on all native threads, other files in this thread, ahead of them."""
        try:
            before = 0.0
            for path in self.files:
                before += self._count_file(counter, path, partial(_add_done, done, before))
                done(before)
            return counter.finish()
        except _native.InvalidTextError as fault:
            raise CorpusError(self._describe(fault)) from None

    @property
    def _is_utf8(self) -> bool:
        return self._encoding == "utf-8"

    def _count_file(self, counter: "_native.CorpusCounter", path: Path, done: Done) -> int:
        """Reads a file and returns its size."""
        status = path.stat()
        counter.begin_source()
        if path.suffix.lower() not in FORMATS and self._is_utf8 and stat.S_ISREG(status.st_mode):
            counter.add_file(os.fsdecode(path), done)
        else:
            with path.open("rb") as file:
                chunks = text_chunks(file, path)
                for chunk in chunks if self._is_utf8 else self._recoded(chunks, path):
                    counter.feed(chunk)
                    done(file.tell() if file.seekable() else 0)
        counter.end_source()
        return status.st_size

    def _recoded(self, chunks: Iterator[bytes], path: Path) -> Iterator[bytes]:
        """Text of another encoding as UTF-8."""
        decoder = codecs.getincrementaldecoder(self._encoding)(self.errors)
        offset, line = 0, 1
        for chunk in chunks:
            state = decoder.getstate()
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                at = (
                    offset + len(chunk) - len(error.object) + error.start
                )  # the object begins with what was left
                decoder.setstate(state)
                decoder.errors = "ignore"
                line += decoder.decode(chunk[: max(0, at - offset)]).count("\n")
                raise CorpusError(self._invalid(path, line, error.object[error.start], at)) from None
            offset += len(chunk)
            line += text.count("\n")
            yield text.encode("utf-8")
        try:
            yield decoder.decode(b"", final=True).encode("utf-8")
        except UnicodeDecodeError as error:
            at = offset - len(error.object) + error.start
            raise CorpusError(self._invalid(path, line, error.object[error.start], at)) from None

    def _describe(self, fault: "_native.InvalidTextError") -> str:
        """The message for a fault that the native counter found."""
        source, line, offset, byte = fault.args
        path = self.files[source]
        if byte == 0:
            where = f"line {line} holds a NUL" + (f" (byte {offset})" if self._is_utf8 else "")
            return (
                f"{path}: {where}, so it is not text, or not {self._encoding.upper()}; "
                "decode with encoding='utf-16' or errors='replace' (--encoding, --errors)"
            )
        return self._invalid(path, line, byte, offset)

    def _invalid(self, path: Path, line: int, byte: int, offset: int) -> str:
        return (
            f"{path}: line {line} is not {self._encoding.upper()} (byte {byte:#04x} at {offset}); "
            f"decode with encoding='{'latin-1' if self._is_utf8 else 'utf-8'}' or errors='replace' "
            "(--encoding, --errors)"
        )


def _feed_sentences(
    counter: "_native.CorpusCounter", sentences: list[Any], spell: Callable[[Any], str] | None
) -> None:
    try:
        counter.feed_sentences(sentences, spell)
    except ValueError as error:
        raise CorpusError(str(error)) from None


def _add_done(done: Done, before: float, read: float) -> None:
    done(before + read)


def _is_text(token: object) -> bool:
    """Whether the native counter takes a token as it is."""
    if not isinstance(token, str) or token.startswith("\0"):
        return False
    return token.isascii() or not any("\ud800" <= character <= "\udfff" for character in token)


def _is_path(item: object) -> bool:
    return isinstance(item, (str, os.PathLike))


def _encoding_name(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)
        "".encode(name)
    except (LookupError, TypeError):
        raise ConfigError(
            f"encoding must be one that Python knows, such as latin-1, got {encoding!r}"
        ) from None
    return "utf-8" if name == "utf-8-sig" else name


def _check_errors(errors: str) -> None:
    if errors not in ERRORS:
        raise ConfigError(f"errors must be one of {', '.join(ERRORS)}, got {errors!r}")


def _checked_size(path: Path) -> int:
    """Size in bytes of a file that can be read."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CorpusError(f"{path}: is a directory; pass the files in it")
        if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
            path.open("rb").close()
    except FileNotFoundError:
        if len(str(path).split()) > 1:
            hint = "strings are taken for paths, a sentence must be a list of tokens"
            raise CorpusError(f"{_whole(path)}: no such file; {hint}") from None
        raise CorpusError(f"{_whole(path)}: no such file") from None
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None
    return status.st_size


def _whole(path: Path) -> str:
    """A path on one line, uncut: its end tells it from others."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
