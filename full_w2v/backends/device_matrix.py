"""A matrix on a device, shared with other libraries in place."""

from collections.abc import Callable
from typing import Any

# DLPack's numbers for where a matrix is. The emulated device's memory is the host's.
DLPACK_HOST, DLPACK_CUDA = 1, 2


class DeviceMatrix:
    """A trainer's matrix where it is, for cupy.asarray() and from_dlpack() without a copy, until close().

    Float32, shape [vocabulary, vector_size]; rows are padded, as the strides say.
    """

    def __init__(
        self, interface: dict[str, Any], capsule: Callable[[int, int], object], device: tuple[int, int]
    ) -> None:
        self.__cuda_array_interface__ = interface
        self._capsule = capsule  # a method of the trainer, which keeps the device's memory
        self._device = device

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's device type and the device's number."""
        return self._device

    def __dlpack__(
        self,
        *,
        stream: object = None,
        max_version: object = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """A DLPack capsule of the matrix, in version 0, which every reader takes.

        stream: nothing to wait for there, since `train` returns when the device is done.
        Raises BufferError if a copy or another device is asked for.
        """
        if copy or dl_device not in {None, self._device}:
            raise BufferError(f"the matrix is shared in place, on device {self._device}, and not copied")
        return self._capsule(*self._device)
