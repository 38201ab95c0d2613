"""Unfinished output: files and folders that are filled under a name of their own, then renamed.

Each is locked while its process lives. What a process that was killed has left is removed by the next one
that writes there.
"""

import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from full_w2v.output.locks import HAS_LOCKS, lock

# The host comes first: another host's locks may not be seen here, where a folder is shared.
_NAME = re.compile(r"\.full-w2v-(?:(?P<host>[0-9a-f]{8})-)?[0-9a-f]{16}\.part")
_ATTEMPTS = 100
# Parts of other hosts, and of versions that did not lock them, are left alone until they are so old.
_OLD_SECONDS = 24 * 3600.0


def part_name(target: Path) -> Path:
    """A new name in the folder of a file or folder that is to be made."""
    return target.with_name(f".full-w2v-{_host()}-{secrets.token_hex(8)}.part")


def create_part(target: Path) -> tuple[Path, BinaryIO]:
    """A new, locked file in the folder of `target`, open both ways, which the caller renames or removes."""
    remove_stale_parts(target.parent)
    for _ in range(_ATTEMPTS):
        part = part_name(target)
        file = part.open("x+b")
        try:
            if _is_kept(part, file.fileno()):
                return part, file
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
        file.close()
        part.unlink(missing_ok=True)
    raise _removed_by_others(target)


@contextmanager
def part_folder(target: Path) -> Iterator[Path]:
    """A new, locked folder next to `target`, removed at the end unless it was renamed."""
    remove_stale_parts(target.parent)
    part, descriptor = _create_folder(target)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def remove_stale_parts(folder: Path) -> None:
    """Removes what processes have left in a folder that no longer run. What cannot be removed stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if name:
                with suppress(OSError):
                    if _is_ours(name) or _is_old(entry):
                        _remove_unused(entry)


def _create_folder(target: Path) -> tuple[Path, int | None]:
    for _ in range(_ATTEMPTS):
        part = part_name(target)
        part.mkdir()
        if not HAS_LOCKS:
            return part, None
        descriptor = None
        with suppress(OSError):
            descriptor = os.open(part, os.O_RDONLY)
            if _is_kept(part, descriptor):
                return part, descriptor
        if descriptor is not None:
            os.close(descriptor)
        shutil.rmtree(part, ignore_errors=True)
    raise _removed_by_others(target)


def _removed_by_others(target: Path) -> FileExistsError:
    return FileExistsError(
        f"{target}: another process removes unfinished files here; try again or choose another folder"
    )


def _is_kept(part: Path, descriptor: int) -> bool:
    """Locks a part; false if another process took it for a stale one before it was locked."""
    if lock(descriptor) is False:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), part.stat())
    except FileNotFoundError:
        return False


def _remove_unused(entry: "os.DirEntry[str]") -> None:
    if not entry.is_file(follow_symlinks=False) and not entry.is_dir(follow_symlinks=False):
        return  # a link leads elsewhere, and opening a pipe would wait
    if not HAS_LOCKS:
        _remove(Path(entry.path))  # which that system refuses while it is in use
        return
    descriptor = os.open(entry.path, os.O_RDONLY)
    try:
        if lock(descriptor):
            _remove(Path(entry.path))
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _is_old(entry: "os.DirEntry[str]") -> bool:
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD_SECONDS


def _is_ours(name: re.Match[str]) -> bool:
    """Whether a part was made on this host, whose locks tell at once whether its process lives."""
    return HAS_LOCKS and name["host"] == _host()


def _host() -> str:
    return blake2b(os.fsencode(socket.gethostname()), digest_size=4).hexdigest()
