"""The file of an encoded corpus: a header of 64 bytes, then int32 ids, then int64 sentence offsets.

Header, little-endian: magic, version, header size, tokens, sentences, words, raw tokens, where the offsets
begin in bytes, and the CRC-32 of all that. It is written last: a file that was not finished has none.
"""

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.errors import CorpusError
from full_w2v.output.atomic_write import atomic_file
from full_w2v.output.locks import lock

MAGIC = b"FW2V-ids"
VERSION = 1
HEADER_BYTES = 64
_FIELDS = struct.Struct("<8sIIqqiqq")
_CHECKSUM = struct.Struct("<I")
_ID_BYTES = 4
_OFFSET_BYTES = 8
_ALIGNMENT = 64


@dataclass(frozen=True)
class IdFileHeader:
    """Sizes of an encoded corpus. Every id is below `words`; raw_tokens counts dropped words too."""

    tokens: int
    sentences: int
    words: int
    raw_tokens: int

    @property
    def ids_at(self) -> int:
        """Where the ids begin, in bytes."""
        return HEADER_BYTES

    @property
    def offsets_at(self) -> int:
        """Where the sentence offsets begin, in bytes."""
        end = self.ids_at + self.tokens * _ID_BYTES
        return -(-end // _ALIGNMENT) * _ALIGNMENT

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self.offsets_at + (self.sentences + 1) * _OFFSET_BYTES

    def pack(self) -> bytes:
        """The header as bytes."""
        sizes = (self.tokens, self.sentences, self.words, self.raw_tokens, self.offsets_at)
        fields = _FIELDS.pack(MAGIC, VERSION, HEADER_BYTES, *sizes)
        return (fields + _CHECKSUM.pack(zlib.crc32(fields))).ljust(HEADER_BYTES, b"\0")

    @classmethod
    def unpack(cls, data: bytes) -> "IdFileHeader":
        """The header that `pack` made; raises ValueError if `data` is anything else."""
        if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
            raise ValueError("not an encoded corpus")
        _, version, _, tokens, sentences, words, raw_tokens, _ = _FIELDS.unpack_from(data)
        if version != VERSION:
            raise ValueError(f"format version {version}, expected {VERSION}")
        header = cls(tokens, sentences, words, raw_tokens)
        possible = min(tokens, sentences, words, raw_tokens - tokens) >= 0 and header.file_bytes < 2**63
        if not possible or header.pack() != data[:HEADER_BYTES]:
            raise ValueError("its header is damaged")
        return header


@contextmanager
def new_id_file(path: Path | None, directory: str) -> Iterator[IO[bytes]]:
    """An open file to fill: one without a name in `directory`, or one that becomes `path` when all went well.

    A file that is not to be kept has no name, so that nothing can leave it behind. Raises CorpusError if it
    cannot be made.
    """
    try:
        with _unnamed_file(directory) if path is None else atomic_file(path, seekable=True) as file:
            yield file
    except OSError as error:
        raise CorpusError(f"{path or directory}: cannot make the encoded corpus ({error.strerror})") from None


def write_header(file: IO[bytes], header: IdFileHeader, name: str) -> None:
    """Finishes a file whose ids and offsets are written. Raises CorpusError if it cannot be written."""
    try:
        file.write(header.pack())
        file.flush()
    except OSError as error:
        raise CorpusError(f"{name}: {error.strerror}") from None


def map_id_file(
    file: IO[bytes], name: str, *, is_private: bool
) -> tuple[IdFileHeader, NDArray[np.int32], NDArray[np.int64]]:
    """Header, ids and offsets of an encoded corpus; the ids are a read-only view of the mapped file.

    is_private: whether nobody else can change the file. Otherwise the offsets are read into memory, where
        they stay sound if the file shrinks: native code follows them without a check. Ids that are lost
        become zeros, which harms nothing until `release_pages` finds out. A shared lock on the file says
        that it is in use for as long as it is mapped.
    Raises CorpusError if the file is not an encoded corpus, of another version, truncated or damaged.
    """
    try:
        file.seek(0)
        header = IdFileHeader.unpack(file.read(HEADER_BYTES))
        size = file.seek(0, 2)
        if size != header.file_bytes:
            raise ValueError(f"{size} bytes long, expected {header.file_bytes}")
        if not is_private:
            lock(file.fileno(), shared=True)  # which the mapping keeps: its descriptor is a duplicate
        data = _native.MappedFile(file.fileno(), os.fsencode(name))
        view = memoryview(data)
        ids = np.frombuffer(view, np.int32, header.tokens, header.ids_at)
        if is_private:
            offsets = np.frombuffer(view, np.int64, header.sentences + 1, header.offsets_at)
        else:
            offsets = _read_offsets(file, header)
        if offsets[0] != 0 or offsets[-1] != header.tokens or (offsets[1:] < offsets[:-1]).any():
            raise ValueError("its sentence offsets are damaged")
    except _native.FileError as error:
        raise CorpusError(str(error)) from None
    except ValueError as error:
        raise CorpusError(f"{name}: cannot be used as an encoded corpus: {error}") from None
    return header, ids, offsets


def release_pages(ids: NDArray[np.int32]) -> None:
    """Lets a mapped file's pages go from this process's memory; other arrays stay as they are.

    Raises CorpusError if the file has changed its size since it was mapped, or could not be read.
    """
    mapped = ids.base.obj if isinstance(ids.base, memoryview) else ids.base
    if not isinstance(mapped, _native.MappedFile):
        return
    mapped.release()
    if not mapped.intact():
        raise CorpusError(
            f"{mapped.name}: the encoded corpus was cut off or could not be read while it was in use; "
            "start again, and let nothing change this file meanwhile"
        )


def _read_offsets(file: IO[bytes], header: IdFileHeader) -> NDArray[np.int64]:
    offsets = np.empty(header.sentences + 1, np.int64)
    file.seek(header.offsets_at)
    if file.readinto(offsets.data.cast("B")) != offsets.nbytes:  # type: ignore[attr-defined]  # a binary file has it
        raise ValueError("it ends within its sentence offsets")
    offsets.flags.writeable = False
    return offsets


def _unnamed_file(directory: str) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=directory, prefix="full_w2v.")
