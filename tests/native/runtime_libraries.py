"""Where the compiler keeps the libraries that instrumented code needs beside it."""

import subprocess
from pathlib import Path


def runtime_library(compiler: list[str], name: str) -> Path | None:
    """Path of a library of the compiler, which answers the bare name if it has none."""
    command = [*compiler, f"-print-file-name={name}"]
    path = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    return path.resolve() if path.is_absolute() and path.exists() else None
