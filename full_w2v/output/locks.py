"""Advisory locks on open files and folders, which tell what another process still uses."""

import errno

try:
    import fcntl
except ImportError:  # Windows, where a file that is in use cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Takes a lock that lasts until the last duplicate of the descriptor is closed, however that happens.

    Does not wait: False if another process holds it. None if files cannot be locked there.
    """
    if not HAS_LOCKS:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
