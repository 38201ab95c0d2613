"""The model of the GPUs: what its parts say where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from full_w2v import bench as roofline
from full_w2v.bench.kernel_counts import ROW_BYTES


def device(name: str) -> roofline.Device:
    return next(one for one in roofline.DEVICES if one.name == name)


@pytest.mark.parametrize(
    ("name", "registers", "shared", "warps", "resident"),
    [
        ("V100", 128, 5440, 1, 16),  # registers: 65,536 / (128 * 32)
        ("V100", 32, 7168, 1, 13),  # shared memory: 96 KiB / 7 KiB
        ("A100", 32, 1024, 1, 32),  # blocks
        ("H100", 64, 9000, 4, 32),  # registers again, in blocks of four warps
    ],
)
def test_resident_warps_are_what_registers_shared_memory_and_blocks_allow(
    name: str, registers: int, shared: int, warps: int, resident: int
) -> None:
    assert roofline.resident_warps(device(name), registers, shared, warps) == resident


def test_rows_that_fit_into_the_cache_are_missed_once() -> None:
    rows = [np.arange(70).reshape(10, 7)] * 4  # 70 rows, asked for four times
    assert roofline.misses(rows, device("V100"), 1, warm_up=0) == pytest.approx(70 / 280)


def test_rows_that_come_back_too_late_are_always_missed() -> None:
    small = replace(device("V100"), l2_bytes=69 * ROW_BYTES, multiprocessors=1)
    rows = [np.arange(70).reshape(10, 7)] * 4
    assert roofline.misses(rows, small, 1, warm_up=0) == 1.0


def test_the_first_half_of_the_rows_warms_the_cache_up() -> None:
    rows = [np.arange(70).reshape(10, 7)] * 4
    one_at_a_time = replace(device("V100"), multiprocessors=1)
    assert roofline.misses(rows, one_at_a_time, 1) == 0.0
    new = [np.arange(at, at + 70).reshape(10, 7) for at in range(0, 280, 70)]
    assert roofline.misses(new, one_at_a_time, 1) == 1.0


RUNTIME = {
    "name": "NVIDIA H100 80GB HBM3",
    "capability": "9.0",
    "multiprocessors": 132,
    "clock_khz": 1_980_000,
    "memory_clock_khz": 2_619_000,
    "memory_bus_bits": 5120,
    "l2_bytes": 50 << 20,
    "multiprocessor_shared_bytes": 233_472,
    "reserved_shared_bytes": 1024,
    "multiprocessor_blocks": 32,
}


def test_a_known_device_takes_from_the_table_only_what_the_runtime_does_not_tell() -> None:
    found, known = roofline.device_from_runtime(RUNTIME), device("H100")
    assert (found.ghz, found.schedulers, found.fp32_warps, found.vector_atomics) == (1.98, 4, 4, True)
    assert found.dram_gbs == pytest.approx(3352, rel=1e-3)  # 2 * 2.619 GHz * 640 bytes
    assert (found.l2_gbs, found.l2_clocks, found.dram_clocks) == (
        known.l2_gbs,
        known.l2_clocks,
        known.dram_clocks,
    )


@pytest.mark.parametrize(
    ("capability", "schedulers", "fp32_warps", "vector_atomics"),
    [
        ("6.0", 2, 2, False),
        ("6.1", 4, 4, False),
        ("7.5", 4, 2, False),
        ("8.6", 4, 4, False),
        ("12.0", 4, 4, True),
    ],
)
def test_an_unknown_device_is_described_by_its_capability(
    capability: str, schedulers: int, fp32_warps: int, vector_atomics: bool
) -> None:
    found = roofline.device_from_runtime({**RUNTIME, "name": "another", "capability": capability})
    assert (found.schedulers, found.fp32_warps) == (schedulers, fp32_warps)
    assert found.vector_atomics == vector_atomics
    assert found.l2_gbs == pytest.approx(24 * 132 * 1.98)


def test_the_least_limit_binds_and_dear_atomics_lower_the_bound() -> None:
    cost = roofline.load_costs()["warp"]
    cheap = roofline.bounds(device("A100"), "warp", cost, 0.1, atomics=(1.0, 1.0))
    dear = roofline.bounds(device("A100"), "warp", cost, 0.1, atomics=(1.0, 8.0))
    assert cheap.most == min(cheap.limits.values()) == cheap.limits[cheap.binding]
    assert cheap.least == cheap.most
    assert dear.most == cheap.most
    counts = cost.counts
    assert dear.least == pytest.approx(4000e3 / (32 * (counts.load_sectors + 8 * counts.atomic_sectors)))


def test_the_warp_kernel_is_bound_by_memory_on_what_the_project_aims_at() -> None:
    costs = roofline.load_costs()
    for name in ("V100", "A100", "H100"):
        one = device(name)
        cost = costs["warp, 16-byte atomics" if one.vector_atomics else "warp"]
        assert roofline.bounds(one, "warp", cost, 0.2).binding in {"L2", "DRAM"}
