"""Reads safetensors files: 8 bytes of a header's length, the header as JSON, and the tensors' bytes.

Not with the library's own reader: that maps the file, so that the process would end if the file were cut
short meanwhile.
"""

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError

LONGEST_HEADER = 100_000_000  # the library's own limit
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}

_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,15}")

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class _Tensor:
    code: str
    shape: tuple[int, ...]
    begin: int


class TensorFile:
    """An open safetensors file, its header checked against its size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(LONGEST_HEADER, size - 8):
            raise _incomplete("the header is longer than the file")
        try:
            header = json.loads(file.read(length))
            metadata = header.pop("__metadata__", {})
            self.metadata = {str(name): str(value) for name, value in metadata.items()}
            self._tensors = {name: _tensor(entry, 8 + length, size) for name, entry in header.items()}
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            if isinstance(error, FormatError):
                raise
            raise _incomplete("the header is invalid") from error

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def shape(self, name: str) -> tuple[int, ...]:
        """Sizes of a tensor; raises FormatError if it is missing."""
        return self._found(name).shape

    def read(self, name: str, codes: tuple[str, ...], shape: Shape, rows: int | None = None) -> NDArray[Any]:
        """A tensor of one of these types and of this shape, None standing for any size.

        rows: read only the first so many. Raises FormatError if the file has something else.
        """
        found = self._found(name)
        fits = len(found.shape) == len(shape) and all(
            want in (None, size) for size, want in zip(found.shape, shape, strict=True)
        )
        if found.code not in codes or not fits:
            wanted = [size if size is not None else "any" for size in shape]
            raise FormatError(
                f"expected {name} as {' or '.join(codes)} {wanted}, got {found.code} {list(found.shape)}"
            )
        sizes = found.shape if rows is None else (min(rows, found.shape[0]), *found.shape[1:])
        array = np.empty(sizes, TYPES[found.code])
        self._file.seek(found.begin)
        if array.size and self._file.readinto(array.reshape(-1).data.cast("B")) < array.nbytes:  # type: ignore[attr-defined]
            raise _incomplete("it ends early")
        return array

    def _found(self, name: str) -> _Tensor:
        if name not in self._tensors:
            raise FormatError(f"the tensor {name} is missing")
        return self._tensors[name]


@contextmanager
def opened(path: Path) -> Iterator[TensorFile]:
    """Opens a file; raises FormatError if it is not a safetensors file or is cut short."""
    with path.open("rb") as file:
        yield TensorFile(file)


def _tensor(entry: Any, start: int, size: int) -> _Tensor:
    """An entry of the header, whose bytes are in the file."""
    code, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise _incomplete("a tensor has an unknown type")
    if not all(type(value) is int and value >= 0 for value in (*shape, begin, end)):
        raise _incomplete("the description of a tensor is invalid")
    if begin > end or start + end > size:
        raise _incomplete("a tensor lies outside the file")
    if code in TYPES and math.prod(shape) * np.dtype(TYPES[code]).itemsize != end - begin:
        raise _incomplete("the size of a tensor does not match its shape")
    return _Tensor(code, tuple(shape), start + begin)


def _incomplete(reason: str) -> FormatError:
    return FormatError(f"is not a complete safetensors file ({reason})")
