"""The command line: one function per subcommand, no logic of its own.

Results go to stdout, progress to stderr. Exit codes: 0 success, 1 failure, 2 misuse, 130 interrupted,
143 terminated.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from full_w2v.cli.options import fail, new_parser
from full_w2v.cli.spelling import as_options
from full_w2v.errors import ConfigError, FullW2VError, spelled

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show some word should show the others.
        sys.stdout.reconfigure(errors="backslashreplace")
    options, unknown = new_parser().parse_known_args(arguments)
    if unknown:
        options.parser.refuse(unknown)
    try:
        with _terminating_cleanly():
            options.parser.check(options)
            options.run(options)
    except BrokenPipeError:  # the reader of our output, head for one, has read all that it wants
        _abandon_stdout()
        return 0
    except (KeyboardInterrupt, MemoryError, OSError, FullW2VError) as error:
        _abandon_stdout()
        message, code = _explained(error)
        if isinstance(error, FullW2VError):
            message = spelled(error.template, as_options(options.parser.options))
        return fail(message, code)
    return 0


def _abandon_stdout() -> None:
    """Drops what stdout cannot write: Python would try again at exit, and fail without a handler."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminating_cleanly() -> Iterator[None]:
    """Lets SIGTERM unwind the program as Ctrl-C does, so that it leaves no unfinished file behind."""
    if threading.current_thread() is not threading.main_thread():  # only that one may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_terminated(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _explained(error: BaseException) -> tuple[str, int]:
    """What to tell the user, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --vector-size, a higher --min-count or --max-final-vocab", 1
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return place + error.strerror, 1
    return str(error), 2 if isinstance(error, ConfigError) else 1
