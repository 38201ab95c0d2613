"""Files as a corpus: text, JSON lines and tables, plain or compressed, read one after the other."""

import codecs
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from itertools import chain
from pathlib import PurePath
from typing import IO, Any

from full_w2v import _native
from full_w2v.corpus.countable import Corpus, Done
from full_w2v.corpus.decompression import FORMATS as COMPRESSIONS
from full_w2v.corpus.decompression import check_no_archive, compression_of, text_chunks
from full_w2v.corpus.feeding import feed_text, feed_values
from full_w2v.corpus.file_signatures import HEAD_BYTES, likely_encoding, marked_encoding
from full_w2v.corpus.own_outputs import has_vector_header
from full_w2v.corpus.paths import Place, places_of
from full_w2v.corpus.read_settings import ReadSettings
from full_w2v.corpus.records import json_batches, json_line_batches, spooled, table_batches
from full_w2v.errors import ConfigError, CorpusError, setting

SUFFIXES = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
# Encodings of a fixed byte order, which take a byte-order mark for a character.
_ORDERS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# A file of up to so many bytes is handed over as it is read: opening it again takes longer than counting it.
SMALL_BYTES = 1 << 16
MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow"}


class FileCorpus(Corpus):
    """Files, directories, patterns, URLs and standard input, in their order. A sentence ends with its file.

    Raises CorpusError if a file is missing or not readable.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], reading: ReadSettings | None = None) -> None:
        self.reading = reading or ReadSettings()
        self.places = places_of(paths)
        self.files = [place.path for place in self.places if place.is_regular]
        sizes = [place.size for place in self.places]
        self.size = None if None in sizes else sum(size for size in sizes if size is not None)
        one = len(self.places) == 1
        self.name = self.places[0].name if one else f"the corpus of {len(self.places)} files"

    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Reads plain UTF-8 text on all native threads, other files in this thread, ahead of them."""
        readers = []
        try:
            before = 0.0
            for place in self.places:
                readers.append(_FileReader(place, counter, self.reading))
                readers[-1].read(partial(_add_done, done, before))
                before += place.size or 0
                done(before)
            return counter.finish()
        except _native.InvalidTextError as fault:  # perhaps of a file before the one that was just read
            source, line, offset, byte = fault.args
            raise CorpusError(readers[source].described(line, offset, byte)) from None


class _FileReader:
    """Gives one file to the counter."""

    def __init__(self, place: Place, counter: "_native.CorpusCounter", reading: ReadSettings) -> None:
        self._place = place
        self._counter = counter
        self._reading = reading
        self._start = b""  # of the text, for advice

    def read(self, done: Done) -> None:
        """Reads the file. Faults of its text may be found later, when native threads come to them."""
        self._counter.begin_source()
        with self._place.open() as file:
            head = _head(file, self._place.name)
            compression = compression_of(PurePath(self._place.path), head)
            kind = _kind_of(self._place, head, self._reading)
            if kind == "text" and self._reading.column is not None:
                raise ConfigError(
                    f"{self._place.name}: {setting('column', self._reading.column)} is for JSON lines and "
                    f"tables, but this looks like text; say what it is with {setting('format', 'jsonl')}"
                )
            plain = self._reading.is_plain and not self._reading.by_document and _is_utf8(self._reading)
            if kind in ("text", "json", "jsonl") and compression is None:
                self._check_start(head)
            if kind == "text" and compression is None and self._reading.format == "auto":
                self._check_no_vectors(head)
            if kind == "text" and plain and self._place.is_regular and compression is None:
                if (self._place.size or 0) <= SMALL_BYTES:
                    self._counter.feed(_whole(file, self._place.name))
                else:
                    self._counter.add_file(os.fsencode(self._place.path), done)
            elif kind == "text":
                self._feed_text(self._chunks(file, done))
            elif kind in ("json", "jsonl"):
                chunks = self._utf8(self._chunks(file, done))
                batches = json_batches if kind == "json" else json_line_batches
                self._feed_batches(batches(chunks, self._reading, self._place.name))
            else:
                is_seekable = self._place.is_regular and compression is None
                with nullcontext(file) if is_seekable else spooled(self._chunks(file, done)) as table:
                    self._feed_batches(table_batches(table, kind, self._reading, self._place.name))
        self._counter.end_source()

    def _chunks(self, file: IO[bytes], done: Done) -> Iterator[bytes]:
        """The file's bytes, decompressed; progress is reported behind each piece."""
        is_start = True
        for chunk in text_chunks(file, self._place.name):
            if is_start:
                self._check_start(chunk[:HEAD_BYTES])
            is_start = False
            yield chunk
            done(file.tell() if self._place.is_regular else 0)

    def _check_no_vectors(self, head: bytes) -> None:
        if has_vector_header(head, HEAD_BYTES):
            raise CorpusError(
                f"{self._place.name}: holds word vectors, not a corpus; read it as text all the same with "
                f"{setting('format', 'text')}"
            )

    def _check_start(self, head: bytes) -> None:
        """Raises CorpusError if the first bytes tell that this is not text, or not in the encoding."""
        self._start = head
        check_no_archive(head, self._place.name)
        family = _family(self._reading.encoding)
        marked = marked_encoding(head)
        if marked is not None and marked != family:
            raise CorpusError(
                f"{self._place.name}: begins with the byte-order mark of {marked.upper()}; "
                f"decode with {setting('encoding', marked)}"
            )
        likely = likely_encoding(head)
        # With strict errors, other encodings come to a NUL, and to its line.
        is_hidden = self._reading.encoding in _ORDERS or (family == "" and self._reading.errors != "strict")
        if marked is None and likely not in (None, self._reading.encoding) and is_hidden:
            raise CorpusError(
                f"{self._place.name}: holds NULs where {str(likely).upper()} has them; "
                f"decode with {setting('encoding', likely)}"
            )

    def _feed_text(self, chunks: Iterator[bytes]) -> None:
        if self._reading.is_plain and not self._reading.by_document:
            for chunk in self._utf8(chunks):
                self._counter.feed(chunk)
        else:
            feed_text(self._counter, self._decoded(chunks), self._reading, self._place.name)

    def _feed_batches(self, batches: Iterator[list[Any]]) -> None:
        read = 0
        for batch in batches:
            feed_values(self._counter, batch, self._reading, read, self._place.name)
            read += len(batch)

    def _utf8(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        if _is_utf8(self._reading):
            return chunks
        return (text.encode("utf-8") for text in self._decoded(chunks))

    def _decoded(self, chunks: Iterator[bytes]) -> Iterator[str]:
        """Text of any encoding, in pieces as they come. A byte order mark at its start is left out."""
        first = next(chunks, b"")
        decoder = self._new_decoder(first[:HEAD_BYTES])
        offset, line = 0, 1
        for chunk in chain([first], chunks):
            state = decoder.getstate()
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                # The error's object begins with what was left of the chunk before.
                at = offset + len(chunk) - len(error.object) + error.start
                decoder.setstate(state)
                decoder.errors = "ignore"
                with suppress(UnicodeError):  # some encodings ignore nothing
                    line += decoder.decode(chunk[: max(0, at - offset)]).count("\n")
                raise CorpusError(self._invalid(line, error.object[error.start], at)) from None
            except UnicodeError as error:  # of a decoder that gives no place
                raise CorpusError(self._undecodable(error)) from None
            offset += len(chunk)
            line += text.count("\n")
            yield text
        try:
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            at = offset - len(error.object) + error.start
            raise CorpusError(self._invalid(line, error.object[error.start], at)) from None
        except UnicodeError as error:
            raise CorpusError(self._undecodable(error)) from None

    def _new_decoder(self, head: bytes) -> codecs.IncrementalDecoder:
        encoding = "utf-8-sig" if _is_utf8(self._reading) else self._reading.encoding
        if encoding in _ORDERS:
            encoding = marked_encoding(head) or encoding  # which checks the order, and leaves the mark out
        return codecs.getincrementaldecoder(encoding)(self._reading.errors)

    def described(self, line: int, offset: int, byte: int) -> str:
        """The message for a byte that is not text."""
        if byte != 0:
            return self._invalid(line, byte, offset)
        where = f"line {line} holds a NUL" + (f" (byte {offset})" if _is_utf8(self._reading) else "")
        likely = likely_encoding(self._start)
        advice = setting("errors", "replace") if likely is None else setting("encoding", likely)
        return (
            f"{self._place.name}: {where}, so it is not text, or not {self._reading.encoding.upper()}; "
            f"decode with {advice}"
        )

    def _invalid(self, line: int, byte: int, offset: int) -> str:
        other = likely_encoding(self._start) or ("latin-1" if _is_utf8(self._reading) else "utf-8")
        return (
            f"{self._place.name}: line {line} is not {self._reading.encoding.upper()} "
            f"(byte {byte:#04x} at {offset}); decode with {setting('encoding', other)} or "
            f"{setting('errors', 'replace')}"
        )

    def _undecodable(self, error: UnicodeError) -> str:
        encoding = self._reading.encoding
        if encoding not in ("utf-16", "utf-32"):
            return f"{self._place.name}: is not {encoding.upper()} ({error}); decode with another encoding"
        likely = likely_encoding(self._start) or "utf-8"
        others = [likely] if likely != "utf-8" else [f"{encoding}-le", f"{encoding}-be", likely]
        advice = " or ".join(setting("encoding", other) for other in others)
        return (
            f"{self._place.name}: has no byte-order mark, which {encoding.upper()} begins with; "
            f"decode with {advice}"
        )


def _head(file: IO[bytes], name: str) -> bytes:
    try:
        return bytes(file.peek(HEAD_BYTES)[:HEAD_BYTES])  # type: ignore[attr-defined]  # every place's file has it
    except OSError as error:
        raise CorpusError(f"{name}: {error.strerror or error}") from None


def _whole(file: IO[bytes], name: str) -> bytes:
    try:
        return file.read()
    except OSError as error:
        raise CorpusError(f"{name}: {error.strerror or error}") from None


def _family(encoding: str) -> str:
    """The name of UTF-16 or UTF-32 for these and their kinds without a mark, else nothing."""
    return encoding[:6] if encoding[:6] in ("utf-16", "utf-32") else ""


def _is_utf8(reading: ReadSettings) -> bool:
    return reading.encoding == "utf-8"


def _kind_of(place: Place, head: bytes, reading: ReadSettings) -> str:
    """What a file holds: "text", "json", "jsonl", "parquet" or "arrow"."""
    if reading.format != "auto":
        return reading.format
    path = PurePath(place.path)
    if path.suffix.lower() in COMPRESSIONS:
        path = path.with_suffix("")
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()]
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "text")


def _add_done(done: Done, before: float, read: float) -> None:
    done(before + read)
