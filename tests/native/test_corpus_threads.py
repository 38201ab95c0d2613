"""The native corpus path under ThreadSanitizer, against a plain count in C++.

Scanning takes the way that machines without SSE2 take. AddressSanitizer and UBSan: test_sanitizers.py.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("g++") or shutil.which("clang++")
FLAGS = ["-std=c++17", "-pthread", "-Wall", "-Wextra", "-fsanitize=thread", "-DFULL_W2V_PORTABLE_SCAN"]


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler on the PATH")
def test_threads_do_not_race_over_random_corpora(tmp_path):
    program = tmp_path / "corpus_check"
    sources = [ROOT / "tests/native/corpus_check.cpp", *sorted((ROOT / "csrc/text").glob("*.cpp"))]
    unity = tmp_path / "unity.cpp"  # one translation unit: headers are read once
    unity.write_text("".join(f'#include "{source}"\n' for source in sources))
    subprocess.run([COMPILER, *FLAGS, f"-I{ROOT / 'csrc'}", str(unity), "-o", str(program)], check=True)
    run = subprocess.run([str(program), str(tmp_path / "text")], capture_output=True, text=True, check=False)
    if "FATAL: ThreadSanitizer: unexpected memory mapping" in run.stderr:
        pytest.skip("ThreadSanitizer does not run under this kernel's address layout")
    assert run.returncode == 0, run.stderr
    assert run.stdout == "ok\n"
