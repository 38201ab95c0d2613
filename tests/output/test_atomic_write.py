"""Files are written aside and moved into place when they are complete."""

import errno
import os
import resource
import signal
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import ALL, assert_same, some_embeddings, write

from full_w2v.embeddings import load_embeddings
from full_w2v.formats import check_output, save_embeddings


@contextmanager
def largest_file(size):
    """Makes every write beyond `size` bytes of a file fail, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize("older", [None, b"older output"])
@pytest.mark.parametrize("room", [0, 100, 50_000])
def test_a_full_disk_leaves_only_what_was_there(tmp_path, suffix, older, room):
    path = tmp_path / f"x{suffix}"
    if older:
        path.write_bytes(older)
    with largest_file(room), pytest.raises(OSError, match=f"x{suffix}") as caught:
        save_embeddings(some_embeddings(2000, 20), path)
    assert caught.value.errno == errno.EFBIG
    assert "\n" not in str(caught.value)
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == ([(path, older)] if older else [])


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_save_leaves_only_what_was_there(tmp_path, monkeypatch, failure):
    def fail(_):
        raise failure

    path = write(tmp_path / "x.bin", b"older output")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(failure):
        some_embeddings().save(path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.bin", b"older output")]


@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_missing_folder_is_named(tmp_path, act):
    with pytest.raises(FileNotFoundError, match="folder of the output file does not exist") as caught:
        act(tmp_path / "missing" / "x.bin")
    assert caught.value.filename == str(tmp_path / "missing" / "x.bin")


@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_folder_is_no_output_file(tmp_path, act):
    (tmp_path / "x.bin").mkdir()
    with pytest.raises(IsADirectoryError, match="got a folder"):
        act(tmp_path / "x.bin")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder where not even root may write")
@pytest.mark.parametrize("act", [check_output, some_embeddings().save], ids=["check", "save"])
def test_a_folder_where_nothing_can_be_written_is_an_os_error(act):
    with pytest.raises(OSError, match=r"/sys/kernel/x\.bin"):
        act(Path("/sys/kernel/x.bin"))


def test_a_write_protected_output_file_is_left_alone(tmp_path, monkeypatch):
    path = write(tmp_path / "x.bin", b"older output")
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root, every file is writable
    with pytest.raises(PermissionError, match="write-protected"):
        some_embeddings().save(path)
    assert path.read_bytes() == b"older output"


def test_checking_an_output_leaves_nothing_behind(tmp_path):
    path = write(tmp_path / "x.bin", b"older output")
    check_output(path)
    check_output(tmp_path / "y.kv")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.bin", b"older output")]


def test_an_older_output_is_replaced_with_its_permissions(tmp_path):
    path = write(tmp_path / "x.bin", b"older output")
    path.chmod(0o640)
    some_embeddings().save(path)
    assert_same(load_embeddings(path), some_embeddings())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_output_has_the_usual_permissions(tmp_path):
    some_embeddings().save(tmp_path / "x.bin")
    (tmp_path / "usual").touch()
    assert (tmp_path / "x.bin").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "x.bin").symlink_to(tmp_path / "far" / "y.bin")
    some_embeddings().save(tmp_path / "x.bin")
    assert (tmp_path / "x.bin").is_symlink()
    assert_same(load_embeddings(tmp_path / "far" / "y.bin"), some_embeddings())


def test_an_output_name_may_be_as_long_as_any(tmp_path):
    name = "x" * 251 + ".bin"
    some_embeddings().save(tmp_path / name)
    assert_same(load_embeddings(tmp_path / name), some_embeddings())
