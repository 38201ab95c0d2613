"""What a benchmark prints along with its figures: commit, machine, and how figures are summed up."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def conditions() -> dict[str, str]:
    """Commit, processor, cores, the cap on instruction sets and versions of the engines."""
    from full_w2v import _native
    from full_w2v.machine import usable_cores

    return {
        "commit": _commit(),
        "processor": _processor(),
        "cores": str(usable_cores()),
        "simd": f"{_native.simd_levels()[-1]}, capped at {os.environ.get('FULL_W2V_SIMD') or 'nothing'}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("full-w2v", "gensim", "numpy")},
    }


def spread(values: Sequence[float]) -> str:
    """Median, least and greatest value of several runs."""
    return f"{statistics.median(values):,.3f} [{min(values):,.3f}, {max(values):,.3f}]"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns, the first left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _commit() -> str:
    root = Path(__file__).parents[2]
    try:
        head = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
