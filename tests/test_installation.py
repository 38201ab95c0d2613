"""What setup.py makes of an installation."""

import subprocess
import sys
from pathlib import Path

FOLDER = """
import setuptools, distutils.core
command = distutils.core.run_setup("setup.py", stop_after="init").get_command_obj("build_ext")
command.editable_mode = {editable}
command.ensure_finalized()
print(command.build_temp)
"""


def build_folder(repository: Path, *, editable: bool) -> str:
    program = FOLDER.format(editable=editable)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_objects_of_editable_installations_are_kept(repository: Path) -> None:
    # setuptools would make them in a folder that it deletes: the next installation would compile all anew.
    assert build_folder(repository, editable=True) == "build/editable"
    assert build_folder(repository, editable=False).startswith("build/temp")
