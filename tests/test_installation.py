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


def test_no_module_needs_what_only_unix_has(repository: Path) -> None:
    program = (
        "import sys, pkgutil, importlib\n"
        "for name in ('fcntl', 'resource', 'termios', 'pwd', 'grp', 'tty', 'pty'): sys.modules[name] = None\n"
        "sys.path.insert(0, 'scripts')\n"
        "import extensions.cuda, extensions.nvrtc, full_w2v\n"
        "found = [name for _, name, _ in pkgutil.walk_packages(full_w2v.__path__, 'full_w2v.')]\n"
        "for name in found:\n"
        "    if not name.endswith(('__main__', '_cuda', '_cuda_emulated')): importlib.import_module(name)\n"
        "print(len(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40
