"""What this machine lets a process use: cores, the CPU time of its control groups, instruction sets."""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from full_w2v import _native
from full_w2v.errors import ConfigError


def usable_cores() -> int:
    """Cores that this process may keep busy: those it may run on, or what a container's CPU quota allows.

    A quota of 1.5 cores counts as 2: threads may outnumber it, and one thread would leave a third unused.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else min(cores, max(1, math.ceil(quota)))


def simd_cap(simd: str | None = None) -> str:
    """The largest instruction set allowed, by default FULL_W2V_SIMD's; empty for any. Raises ConfigError."""
    cap = os.environ.get("FULL_W2V_SIMD", "") if simd is None else simd
    if cap not in ("", *_native.SIMD_LEVELS):
        raise ConfigError(f"FULL_W2V_SIMD must be one of {', '.join(_native.SIMD_LEVELS)}, got {cap}")
    return cap


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Cores' worth of CPU time that the control groups of this process allow, None if they set no limit.

    Groups are nested, and the smallest quota of a group and of those around it holds. Versions 1 and 2 are
    read, and both where a system mounts both.

    root: the folder that holds proc and sys.
    """
    return min(_quotas(root), default=None)


def _quotas(root: Path) -> Iterator[float]:
    groups = _own_groups(root)
    for kind, inner_root, mounted in _mounts(root):
        if kind not in groups:
            continue
        # What of the hierarchy is mounted begins at inner_root: in a container, often at the own group.
        inner = groups[kind].removeprefix(inner_root.rstrip("/")) if inner_root != "/" else groups[kind]
        folder = mounted / inner.lstrip("/")
        for group in (folder, *folder.parents):
            if (quota := _quota(group, kind)) is not None:
                yield quota
            if group == mounted:
                break


def _own_groups(root: Path) -> dict[str, str]:
    """Paths of own groups: "cgroup2" of version 2, "cgroup" of the cpu controller of version 1."""
    groups = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            groups["cgroup2"] = path
        elif "cpu" in controllers.split(","):
            groups["cgroup"] = path
    return groups


def _mounts(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Each mounted hierarchy that can hold quotas: its kind, the group that is mounted, and where."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        mount, _, system = line.partition(" - ")
        kind, _, options = system.partition(" ")
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(" ")[-1].split(",")):
            inner_root, mounted = (_unescaped(field) for field in mount.split(" ")[3:5])
            yield kind, inner_root, root / mounted.lstrip("/")


def _quota(group: Path, kind: str) -> float | None:
    if kind == "cgroup2":
        quota, _, period = _text(group / "cpu.max").strip().partition(" ")
    else:
        quota = _text(group / "cpu.cfs_quota_us").strip()
        period = _text(group / "cpu.cfs_period_us").strip()
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    """The content of a system file; empty if it is missing or cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    r"""A field of mountinfo, in which a space is spelled \040."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)
