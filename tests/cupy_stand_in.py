"""A module in cupy's place where no device is: arrays that NumPy must not read, as a device's memory is.

It has what full_w2v.search uses and no more, with cupy's names and refusals. The arrays are NumPy's inside.
"""

import numpy as np


class DeviceArray:
    """Mixes with others of its kind and with Python's numbers, but neither into NumPy nor from it."""

    __array_ufunc__ = None  # NumPy's operators leave it alone

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __array__(self, *_args, **_settings):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return DeviceArray(self.values[inner(key)])

    def __setitem__(self, key, value):
        self.values[inner(key)] = inner(value)

    def __matmul__(self, other):
        return DeviceArray(self.values @ inner(other))

    def __truediv__(self, other):
        return DeviceArray(self.values / inner(other))

    def __add__(self, other):
        return DeviceArray(self.values + inner(other))

    def __gt__(self, other):
        return DeviceArray(self.values > inner(other))

    @property
    def T(self):  # noqa: N802
        return DeviceArray(self.values.T)

    def astype(self, dtype):
        return DeviceArray(self.values.astype(dtype))

    def argmax(self, axis):
        return DeviceArray(self.values.argmax(axis=axis))


def inner(value):
    """The NumPy value inside; raises TypeError for a host array, as cupy does."""
    if isinstance(value, tuple):
        return tuple(map(inner, value))
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    return value.values if isinstance(value, DeviceArray) else value


class StandIn:
    """The module's functions. usable: what is_available() says; room: bytes that asarray() has."""

    def __init__(self, *, usable=True, room=1 << 30):
        self.usable, self.room, self.copied = usable, room, 0

    def is_available(self):
        return self.usable

    def asarray(self, values):
        interface = getattr(values, "__cuda_array_interface__", None)
        if interface is not None:  # memory of the emulated device, which is the host's
            return DeviceArray(np.asarray(HostInterface(interface)))
        self.copied += values.nbytes
        if self.copied > self.room:
            raise MemoryError(f"Out of memory allocating {values.nbytes} bytes")
        return DeviceArray(np.array(values))

    def asnumpy(self, array):
        return array.values.copy()

    def arange(self, count):
        return DeviceArray(np.arange(count))

    def full(self, count, value, dtype=None):
        return DeviceArray(np.full(count, value, dtype))

    def where(self, condition, one, other):
        return DeviceArray(np.where(inner(condition), inner(one), inner(other)))

    def maximum(self, one, other):
        return DeviceArray(np.maximum(inner(one), inner(other)))


class HostInterface:
    """NumPy's array interface over the same memory: the two protocols share their fields."""

    def __init__(self, interface):
        self.__array_interface__ = interface
