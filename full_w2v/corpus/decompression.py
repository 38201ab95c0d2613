"""Compressed text as chunks of bytes: .gz, .bz2, .xz and .zst, of any number of members or frames."""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import IO, Any

from isal import igzip_lib, isal_zlib

from full_w2v.corpus.file_signatures import HEAD_BYTES, not_text
from full_w2v.errors import CorpusError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

READ_BYTES = 1 << 17
# A block of zstd. What is decompressed at once should still be in the caches when it is taken.
CHUNK_BYTES = 1 << 17
FORMATS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
# A file's first bytes tell its format too; no text begins with them.
_MAGIC = {b"\x1f\x8b\x08": ".gz", b"\xfd7zXZ\0": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte of 0x50 ... 0x5f: what a reader of zstd passes over
_BZIP2 = b"BZh"
_BZIP2_BLOCK, _BZIP2_END = b"1AY&SY", b"\x17rE8P\x90"  # behind "BZh" and a digit
_MAGIC_BYTES = 10
# zstandard's own bindings are not used: their streams end in silence where a file is cut.
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    # isal reads three times as fast as zlib: 0.20 s against 0.70 s for 100 MB of text.
    ".gz": lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
    ".zst": zstd.ZstdDecompressor,
}
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub takes it for a value
_BROKEN = (OSError, ValueError, lzma.LZMAError, zlib.error, _ISAL_ERROR, zstd.ZstdError)


def compression_of(path: PurePath, head: bytes) -> str | None:
    """The suffix of a file's compression, by its first bytes or else its name; None if it is plain."""
    suffix = path.suffix.lower()
    return _compression_by_content(head) or (suffix if suffix in FORMATS else None)


def _compression_by_content(head: bytes) -> str | None:
    for magic, suffix in _MAGIC.items():
        if head.startswith(magic):
            return suffix
    if head.startswith(_BZIP2) and head[4:_MAGIC_BYTES] in (_BZIP2_BLOCK, _BZIP2_END):
        return ".bz2"
    if head[:1] and head[0] >> 4 == 5 and head[1:4] == _ZSTD_SKIPPABLE:
        return ".zst"
    return None


def text_chunks(file: IO[bytes], name: str | Path) -> Iterator[bytes]:
    """The text of an open file, in pieces; decompressed if its content or name asks for it.

    Raises CorpusError if the file cannot be read, compressed data is cut, corrupt or followed by something
    else, or the content is an archive.
    """
    yield from _refusing_archives(_chunks(file, name), name)


def check_no_archive(head: bytes, name: str | Path) -> None:
    """Raises CorpusError if the first bytes of a text are those of an archive or another kind of file."""
    if (reason := not_text(head)) is not None:
        raise CorpusError(f"{name}: {reason}")


def _refusing_archives(chunks: Iterator[bytes], name: str | Path) -> Iterator[bytes]:
    """The chunks, held back until it is known that they do not belong to an archive."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    check_no_archive(head, name)
    if head:
        yield head
    yield from chunks


def _chunks(file: IO[bytes], name: str | Path) -> Iterator[bytes]:
    try:
        head = file.peek(HEAD_BYTES)[:HEAD_BYTES] if hasattr(file, "peek") else b""
    except OSError as error:
        raise CorpusError(f"{name}: {error.strerror or error}") from None
    suffix = compression_of(PurePath(name), head)
    if suffix is None:
        yield from _plain_chunks(file, name)
        return
    check_no_archive(head, name)  # under the name of a compressed file
    yield from _with_clear_errors(_stream_chunks(file, suffix), name, FORMATS[suffix])


def _with_clear_errors(chunks: Iterator[bytes], name: str | Path, kind: str) -> Iterator[bytes]:
    empty = True
    try:
        for chunk in chunks:
            empty = False
            yield chunk
    except _OtherData as other:
        raise CorpusError(
            f"{name}: the {kind} data is complete and ends at byte {other.begin}, but something else "
            f"follows; cut the file there (head -c {other.begin})"
        ) from None
    except EOFError:
        raise CorpusError(f"{name}: the {kind} data ends too early; the file is truncated") from None
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the data's
            raise CorpusError(f"{name}: {error.strerror}") from None
        raise CorpusError(f"{name}: not valid {kind} data ({error})") from None
    if empty and Path(name).is_file() and Path(name).stat().st_size == 0:
        raise CorpusError(f"{name}: the {kind} data ends too early; the file is empty")


def _plain_chunks(file: IO[bytes], name: str | Path) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise CorpusError(f"{name}: {error.strerror}") from None


class _OtherData(Exception):  # noqa: N818 (it ends no stream in error)
    """A complete stream is followed by what is not another one, from byte `begin` of the file."""

    def __init__(self, begin: int) -> None:
        self.begin = begin


class _Counted:
    """A file that counts what was read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0

    def read(self) -> bytes:
        data = self._file.read(READ_BYTES)
        self.bytes += len(data)
        return data


def _stream_chunks(source: IO[bytes], suffix: str) -> Iterator[bytes]:
    """Decompresses stream after stream; output is bounded, however well the data is compressed."""
    file = _Counted(source)
    data = file.read()
    while data:
        decompressor = _DECOMPRESSORS[suffix]()
        while not decompressor.eof:
            if decompressor.needs_input and not data and not (data := file.read()):
                raise EOFError
            yield decompressor.decompress(data, CHUNK_BYTES)
            data = b""
        data = _next_stream(file, decompressor.unused_data, suffix)


def _next_stream(file: _Counted, data: bytes, suffix: str) -> bytes:
    """What follows a stream, without the zeros that may pad it: gzip and xz pass over them too."""
    end = file.bytes - len(data)
    while not (data := data.lstrip(b"\0")):
        if not (data := file.read()):
            return b""
    while len(data) < _MAGIC_BYTES and (more := file.read()):
        data += more
    if _compression_by_content(data) != suffix:
        raise _OtherData(end)
    return data
