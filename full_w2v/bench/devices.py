"""What the model knows of each GPU; a further device is a further line.

Clocks are boost clocks; shared memory, registers and L2 from NVIDIA's architecture papers. L2 bandwidths
are what published micro-benchmarks measured (P100, V100: Jia et al. 2018, arXiv 1804.06826) or what follows
from a request of 64 bytes a clock and slice (A100, H100); B200's is an estimate of this table. Latencies
are in clocks, rounded from the same kind of measurements. Nothing here was measured by this project.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Device:
    """One GPU. l2_gbs and dram_gbs in 10^9 bytes per second; latencies in clocks."""

    name: str
    multiprocessors: int
    ghz: float
    schedulers: int  # of a multiprocessor: instructions issued a clock
    fp32_warps: float  # fp32 instructions of a warp that a multiprocessor takes a clock
    shared_bytes: int  # of a multiprocessor
    reserved_bytes: int  # of it, for each block
    most_blocks: int  # resident on a multiprocessor
    l2_bytes: int
    l2_gbs: float
    dram_gbs: float
    l2_clocks: int
    dram_clocks: int
    vector_atomics: bool  # adds 16 bytes in one instruction


DEVICES = (
    Device("P100", 56, 1.48, 2, 2, 64 << 10, 0, 32, 4 << 20, 1600, 732, 260, 560, False),
    Device("V100", 80, 1.53, 4, 2, 96 << 10, 0, 32, 6 << 20, 2200, 900, 200, 450, False),
    Device("A100", 108, 1.41, 4, 2, 164 << 10, 1024, 32, 40 << 20, 4000, 1555, 250, 500, False),
    Device("H100", 132, 1.755, 4, 4, 228 << 10, 1024, 32, 50 << 20, 5500, 3350, 270, 600, True),
    Device("B200", 148, 1.83, 4, 4, 228 << 10, 1024, 32, 126 << 20, 10000, 8000, 300, 650, True),
)
SHUFFLE_CLOCKS = 24
SHARED_CLOCKS = 28
SPECIAL_CLOCKS = 24
BARRIER_CLOCKS = 30
REGISTERS = 65536  # of a multiprocessor, in four parts, given to warps 256 at a time


# Of a device that the table does not hold: as much as those of the table give, more or less.
UNKNOWN_L2_BYTES_A_CLOCK = 24  # of a multiprocessor
UNKNOWN_L2_CLOCKS, UNKNOWN_DRAM_CLOCKS = 270, 600
FEW_FP32 = {(6, 0), (7, 0), (7, 2), (7, 5), (8, 0)}  # capabilities with 64 fp32 units per multiprocessor


def device_from_runtime(properties: Mapping[str, Any]) -> Device:
    """A device by what the CUDA runtime tells of it.

    L2 bandwidth and latencies are not among that: they are the table's for a device whose name holds a name
    of the table, and else a guess.

    properties: an entry of the extension module's devices().
    """
    major, minor = (int(part) for part in properties["capability"].split("."))
    ghz = properties["clock_khz"] / 1e6
    few = (major, minor) in FEW_FP32
    found = Device(
        name=properties["name"],
        multiprocessors=properties["multiprocessors"],
        ghz=ghz,
        schedulers=2 if (major, minor) == (6, 0) else 4,
        fp32_warps=2 if few else 4,
        shared_bytes=properties["multiprocessor_shared_bytes"],
        reserved_bytes=properties["reserved_shared_bytes"],
        most_blocks=properties["multiprocessor_blocks"],
        l2_bytes=properties["l2_bytes"],
        l2_gbs=UNKNOWN_L2_BYTES_A_CLOCK * properties["multiprocessors"] * ghz,
        # Memory transfers twice a clock.
        dram_gbs=2 * properties["memory_clock_khz"] * 1e3 * properties["memory_bus_bits"] / 8 / 1e9,
        l2_clocks=UNKNOWN_L2_CLOCKS,
        dram_clocks=UNKNOWN_DRAM_CLOCKS,
        vector_atomics=major >= 9,
    )
    for known in DEVICES:
        if known.name in found.name:
            return replace(
                found, l2_gbs=known.l2_gbs, l2_clocks=known.l2_clocks, dram_clocks=known.dram_clocks
            )
    return found


def resident_warps(device: Device, registers: int, shared: int, warps: int) -> int:
    """Warps on a multiprocessor, of blocks of `warps` that take `registers` a thread and `shared` bytes."""
    a_warp = -(-registers * 32 // 256) * 256
    by_registers = 4 * (REGISTERS // 4 // a_warp) // warps
    by_shared = device.shared_bytes // (shared + device.reserved_bytes)
    return min(by_registers, by_shared, device.most_blocks, 64 // warps) * warps
