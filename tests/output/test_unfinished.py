"""Unfinished files and folders of processes that were killed are removed, those of living ones never."""

import os
import signal
import subprocess
import sys
import time

import pytest

from full_w2v.output.atomic_write import (
    atomic_file,
    atomic_files,
    atomic_folder,
    check_writable,
)
from full_w2v.output.unfinished import part_folder, part_name

WRITERS = {
    "file": "atomic_file(path)",
    "files": "atomic_files(path)",
    "folder": "atomic_folder(path)",
}
WRITER = """
import sys, time
from pathlib import Path
from full_w2v.output.atomic_write import *
path = Path(sys.argv[1])
with {writer} as part:
    (part / "inner").mkdir() if isinstance(part, Path) and part.is_dir() else None
    print("open", flush=True)
    time.sleep(60)
"""


def parts(folder):
    return [name for name in os.listdir(folder) if name.endswith(".part")]


def write_file(path):
    with atomic_file(path) as file:
        file.write(b"x")


def write_files(path):
    with atomic_files(path) as aside:
        aside.write_bytes(b"x")


def write_folder(path):
    with atomic_folder(path) as folder:
        (folder / "x").touch()


@pytest.fixture(params=WRITERS)
def writer(request, tmp_path):
    """A process that is writing to a file, or what it is, in tmp_path."""
    script = WRITER.format(writer=WRITERS[request.param])
    with subprocess.Popen([sys.executable, "-c", script, tmp_path / "x"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("act", [write_file, write_files, write_folder, check_writable])
def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(tmp_path, writer, act):
    assert len(parts(tmp_path)) == 1
    act(tmp_path / "y")
    assert len(parts(tmp_path)) == 1, "the part of a process that lives was removed"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(parts(tmp_path)) == 1
    act(tmp_path / "z")
    assert parts(tmp_path) == []


def age(path, days):
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    "name", [".full-w2v-00000000-0123456789abcdef.part", ".full-w2v-0123456789abcdef.part"]
)
def test_parts_of_other_hosts_and_versions_stay_for_a_day(tmp_path, name):
    (tmp_path / name).touch()
    write_file(tmp_path / "x")
    assert parts(tmp_path) == [name]
    age(tmp_path / name, 2)
    write_file(tmp_path / "x")
    assert parts(tmp_path) == []


def test_other_files_stay_however_old(tmp_path):
    ours = part_name(tmp_path / "x").name
    names = [".full-w2v-notes.part", "full-w2v.part", f"a{ours}", f"{ours}.txt", ours.upper()]
    for name in names:
        (tmp_path / name).touch()
        age(tmp_path / name, 400)
    write_file(tmp_path / "x")
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "x"])


def test_a_pipe_with_the_name_of_a_part_is_not_waited_for(tmp_path):
    pipe = part_name(tmp_path / "x")
    os.mkfifo(pipe)
    write_file(tmp_path / "x")
    assert pipe.exists()


def test_a_link_with_the_name_of_a_part_is_not_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    part_name(tmp_path / "x").symlink_to("kept")
    write_file(tmp_path / "x")
    assert (tmp_path / "kept" / "file").exists()


def test_a_part_that_is_removed_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    import full_w2v.output.unfinished

    lock, lost = full_w2v.output.unfinished.lock, []

    def late(descriptor, **options):
        if len(lost) < 3:
            lost.extend(parts(tmp_path))
            (part,) = parts(tmp_path)
            (tmp_path / part).rmdir() if (tmp_path / part).is_dir() else (tmp_path / part).unlink()
        return lock(descriptor, **options)

    monkeypatch.setattr(full_w2v.output.unfinished, "lock", late)
    write_file(tmp_path / "x")
    with part_folder(tmp_path / "y") as folder:
        assert folder.is_dir()
    assert len(lost) == 3
    assert os.listdir(tmp_path) == ["x"]


def test_nothing_is_removed_where_files_cannot_be_locked(tmp_path, monkeypatch):
    import full_w2v.output.unfinished

    part_name(tmp_path / "x").touch()
    monkeypatch.setattr(full_w2v.output.unfinished, "lock", lambda *_, **__: None)
    write_file(tmp_path / "x")
    assert len(parts(tmp_path)) == 1
