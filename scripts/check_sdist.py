"""Fails unless a source distribution holds every file that git tracks, and nothing that git ignores."""

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def git_files(*options: str) -> set[str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *options]
    return {
        name
        for name in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
        if name
    }


def main() -> None:
    with tarfile.open(sys.argv[1]) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    missing = sorted(git_files() - held)
    ignored = git_files("--others", "--ignored", "--exclude-standard")
    # setuptools puts its own description of the package into every source distribution.
    foreign = sorted(name for name in held & ignored if ".egg-info/" not in name)
    if missing or foreign:
        sys.exit(f"{sys.argv[1]}: lacks {missing}, must not hold {foreign}; see MANIFEST.in")
    print(f"source distribution holds all {len(git_files())} tracked files")


if __name__ == "__main__":
    main()
