"""Compressed text as chunks of bytes: .gz, .bz2, .xz and .zst, of any number of members or frames."""

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from full_w2v.errors import CorpusError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

READ_BYTES = 1 << 17
CHUNK_BYTES = 1 << 20
FORMATS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
# zstandard's own bindings are not used: their streams end in silence where a file is cut.
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
    ".zst": zstd.ZstdDecompressor,
}
_BROKEN = (OSError, ValueError, lzma.LZMAError, zlib.error, zstd.ZstdError)


def text_chunks(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """The text of an open file, in pieces of about 1 MB; decompressed if it is named .gz, .bz2, .xz or .zst.

    Raises CorpusError if the file cannot be read, or compressed data is cut or corrupt.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        return _plain_chunks(file, path)
    chunks = _gzip_chunks(file) if suffix == ".gz" else _stream_chunks(file, _DECOMPRESSORS[suffix])
    return _with_clear_errors(chunks, path, FORMATS[suffix])


def _with_clear_errors(chunks: Iterator[bytes], path: Path, name: str) -> Iterator[bytes]:
    empty = True
    try:
        for chunk in chunks:
            empty = empty and not chunk
            yield chunk
    except EOFError:
        raise CorpusError(f"{path}: the {name} data ends too early; the file is truncated") from None
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the data's
            raise CorpusError(f"{path}: {error.strerror}") from None
        raise CorpusError(f"{path}: not valid {name} data ({error})") from None
    if empty and path.is_file() and path.stat().st_size == 0:
        raise CorpusError(f"{path}: the {name} data ends too early; the file is empty")


def _plain_chunks(file: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}") from None


def _gzip_chunks(file: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as text:
        while chunk := text.read(CHUNK_BYTES):
            yield chunk


def _stream_chunks(file: IO[bytes], new_decompressor: Callable[[], Any]) -> Iterator[bytes]:
    """Decompresses stream after stream; output is bounded, however well the data is compressed."""
    data = file.read(READ_BYTES)
    while data:
        decompressor = new_decompressor()
        while not decompressor.eof:
            if decompressor.needs_input and not data and not (data := file.read(READ_BYTES)):
                raise EOFError
            yield decompressor.decompress(data, CHUNK_BYTES)
            data = b""
        data = _next_stream(file, decompressor.unused_data)


def _next_stream(file: IO[bytes], data: bytes) -> bytes:
    """What follows a stream, without the zero bytes that may pad it (the xz format allows them)."""
    while not (data := data.lstrip(b"\0")):
        if not (data := file.read(READ_BYTES)):
            break
    return data
