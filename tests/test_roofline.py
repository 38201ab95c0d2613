"""The model of the GPUs: what its parts say where the answer is known."""

import importlib
import sys

import numpy as np
import pytest

from scripts.benchmark import devices


@pytest.fixture
def roofline(repository, monkeypatch):
    """The script, which finds its neighbours beside itself."""
    monkeypatch.setattr(sys, "path", [str(repository / "scripts" / "benchmark"), *sys.path])
    return importlib.import_module("roofline")


def device(name: str) -> devices.Device:
    return next(one for one in devices.DEVICES if one.name == name)


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
    assert devices.resident_warps(device(name), registers, shared, warps) == resident


def test_rows_that_fit_into_the_cache_are_missed_once(roofline, monkeypatch) -> None:
    monkeypatch.setattr(roofline, "LOOK_AHEAD", 0)
    rows = [np.arange(70).reshape(10, 7)] * 4  # 70 rows, asked for four times
    assert roofline.misses(rows, device("V100"), 1) == pytest.approx(70 / 280)


def test_rows_that_come_back_too_late_are_always_missed(roofline, monkeypatch) -> None:
    monkeypatch.setattr(roofline, "LOOK_AHEAD", 0)
    small = devices.Device(
        **{**vars(device("V100")), "l2_bytes": 69 * roofline.ROW_BYTES, "multiprocessors": 1}
    )
    rows = [np.arange(70).reshape(10, 7)] * 4
    assert roofline.misses(rows, small, 1) == 1.0


def test_a_short_corpus_warms_the_cache_up_with_its_first_half(roofline) -> None:
    rows = [np.arange(70).reshape(10, 7)] * 4
    assert sum(sentence.size for sentence in rows) < roofline.LOOK_AHEAD
    one_at_a_time = devices.Device(**{**vars(device("V100")), "multiprocessors": 1})
    assert roofline.misses(rows, one_at_a_time, 1) == 0.0
    new = [np.arange(at, at + 70).reshape(10, 7) for at in range(0, 280, 70)]
    assert roofline.misses(new, one_at_a_time, 1) == 1.0
