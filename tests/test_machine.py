"""Cores, and CPU quotas of control groups, read from files as Linux lays them out."""

import os
from pathlib import Path

import pytest

from full_w2v import machine
from full_w2v.machine import cpu_quota, usable_cores

V2 = "30 24 0:26 {root} {at} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "31 24 0:27 {root} {at} rw,nosuid shared:5 - cgroup cgroup rw,cpu,cpuacct"
OTHER = "29 24 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n24 1 8:1 / / rw - ext4 /dev/a rw"


def system(root: Path, groups: str, mounts: list[str], files: dict[str, str]) -> Path:
    files = {
        "proc/self/cgroup": groups,
        "proc/self/mountinfo": "\n".join([OTHER, *mounts]) + "\n",
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"a/b/cpu.max": "150000 100000\n"}, 1.5),
        ({"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ({"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "200000 100000\n"}, 2.0),
        ({"a/b/cpu.max": "max 100000\n", "cpu.max": "30000 10000\n"}, 3.0),
        ({"a/b/cpu.max": "max 100000\n"}, None),
        ({"a/b/c/cpu.max": "100000 100000\n", "other/cpu.max": "100000 100000\n"}, None),
        ({"a/b/cpu.max": "what\n"}, None),
    ],
)
def test_the_smallest_quota_of_version_2_on_the_way_to_the_root_holds(tmp_path, files, quota):
    root = system(tmp_path, "0::/a/b\n", [V2.format(root="/", at="/sys/fs/cgroup")], files)
    assert cpu_quota(root) == quota


@pytest.mark.parametrize("group", ["/", "/docker/f00"])
def test_the_quota_of_a_container_is_found_with_and_without_a_namespace_of_groups(tmp_path, group):
    mount = V2.format(root=group, at="/sys/fs/cgroup")
    assert cpu_quota(system(tmp_path, f"0::{group}\n", [mount], {"cpu.max": "250000 100000\n"})) == 2.5


def test_quotas_of_version_1_are_read(tmp_path):
    mount = V1.format(root="/docker/f00", at="/sys/fs/cgroup/cpu,cpuacct")
    groups = "9:memory:/docker/f00\n4:cpu,cpuacct:/docker/f00/inner\n0::/\n"
    files = v1("cpu,cpuacct/inner", -1) | v1("cpu,cpuacct", 50_000, 20_000)
    assert cpu_quota(system(tmp_path, groups, [mount], files)) == 2.5


def test_both_versions_count_where_both_are_mounted(tmp_path):
    mounts = [
        V2.format(root="/", at="/sys/fs/cgroup/unified"),
        V1.format(root="/", at="/sys/fs/cgroup/with\\040space"),
    ]
    files = v1("with space/a", 300_000) | {"unified/b/cpu.max": "200000 100000\n"}
    assert cpu_quota(system(tmp_path, "4:cpu:/a\n0::/b\n", mounts, files)) == 2.0


def test_a_system_without_control_groups_sets_no_limit(tmp_path):
    assert cpu_quota(tmp_path) is None


def test_cores_are_counted_where_there_is_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores() >= 1
    monkeypatch.setattr(machine, "cpu_quota", lambda: None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


@pytest.mark.parametrize(("quota", "cores"), [(None, 7), (0.05, 1), (1.0, 1), (1.5, 2), (6.01, 7), (64.0, 7)])
def test_a_quota_of_cpu_time_bounds_the_cores_and_is_rounded_up(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(7)), raising=False)
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    assert usable_cores() == cores
