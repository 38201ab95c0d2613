"""The native corpus path under AddressSanitizer, UBSan and ThreadSanitizer, against a plain count in C++."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("g++") or shutil.which("clang++")


@pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler on the PATH")
@pytest.mark.parametrize(
    "flags",
    [
        ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
        ["-fsanitize=thread", "-DFULL_W2V_PORTABLE_SCAN"],
    ],
    ids=["address", "thread"],
)
def test_random_corpora(tmp_path, flags):
    program = tmp_path / "corpus_check"
    sources = [ROOT / "tests/native/corpus_check.cpp", *sorted((ROOT / "csrc/corpus").glob("*.cpp"))]
    unity = tmp_path / "unity.cpp"  # one translation unit: headers are read once
    unity.write_text("".join(f'#include "{source}"\n' for source in sources))
    build = [
        COMPILER,
        "-std=c++17",
        "-pthread",
        "-Wall",
        "-Wextra",
        f"-I{ROOT / 'csrc'}",
        *flags,
    ]
    subprocess.run([*build, str(unity), "-o", str(program)], check=True)
    run = subprocess.run([str(program), str(tmp_path / "text")], capture_output=True, text=True, check=False)
    if "FATAL: ThreadSanitizer: unexpected memory mapping" in run.stderr:
        pytest.skip("ThreadSanitizer does not run under this kernel's address layout")
    assert run.returncode == 0, run.stderr
    assert run.stdout == "ok\n"
