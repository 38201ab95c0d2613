"""The benchmark of one core compiles against the engine's sources and measures every part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from full_w2v import _native

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/benchmark/core.py"


@pytest.mark.parametrize("level", _native.simd_levels()[1:])
def test_every_part_takes_time(level: str) -> None:
    options = ["--tokens", "20000", "--repeats", "1", "--level", level, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, SCRIPT, ROOT / "data/planted.txt", *options],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report.pop("level") == level
    assert report.pop("conditions")["simd"]
    assert len(report) == 14
    assert all(part["median"] > 0 for part in report.values())
