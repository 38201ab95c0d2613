"""The native code under AddressSanitizer and UBSan: an instrumented build runs the tests that use it.

The interpreter is not instrumented, so the sanitizer's runtime is preloaded. Leaks are not looked for: the
interpreter keeps memory to its end. Before its silence counts, the same flags and the same preload must catch
three planted errors.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from runtime_libraries import runtime_library

pytestmark = pytest.mark.slow

# Not UBSan's checks of pointers (null, object-size, alignment, vptr, pointer-overflow): AddressSanitizer
# and the processor make them as well. Not -fwrapv, which Python adds and which turns the check of overflows
# off. With either, the SIMD kernels, all templates, take minutes to compile.
UNDEFINED = "signed-integer-overflow,shift,bounds,integer-divide-by-zero,float-cast-overflow,bool,return"
FLAGS = ["-O1", "-g1", "-w", "-fno-wrapv", f"-fsanitize=address,{UNDEFINED}", "-fno-sanitize-recover=all"]
# Test files that run compiled code import the extension, or a module whose work is done there.
WRAPPERS = r"_native|backends\.cpu|corpus|encoding|training|pipeline"
USES_NATIVE = re.compile(rf"^from full_w2v(\.| import .*\b)({WRAPPERS})\b", re.MULTILINE)

PLANTED_ERRORS = """
#include <climits>
#include <cstddef>
#include <stdexcept>
extern "C" int read_heap(std::size_t index) {
  int* row = new int[8]();
  const int value = row[index];
  delete[] row;
  return value;
}
extern "C" int read_stack(std::size_t index) {
  volatile int row[8] = {};
  return row[index];
}
extern "C" int increase(int value) { return value + 1; }
extern "C" int throw_and_catch() {
  try {
    throw std::runtime_error("expected");
  } catch (const std::exception&) {
    return 7;
  }
}
"""


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")


@pytest.fixture(scope="module")
def sanitized() -> dict[str, str]:
    """Environment of a Python process that can load instrumented libraries."""
    if sys.platform != "linux":
        pytest.skip("preloads the sanitizer's runtime as Linux does")
    # libstdc++ too: the sanitizer looks up its exception functions once, at start-up.
    libraries = [runtime_library(compiler(), name) for name in ("libasan.so", "libstdc++.so.6")]
    if None in libraries:
        pytest.skip(f"{compiler()[0]} has no shared AddressSanitizer runtime (libasan.so)")
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(map(str, libraries)),
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:abort_on_error=0:exitcode=99",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
        "FULL_W2V_HYPOTHESIS_PROFILE": "sanitizers",
    }


@pytest.fixture(scope="module")
def planted(tmp_path_factory, sanitized) -> Path:
    """A library of planted errors, built as the extension is."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.cpp").write_text(PLANTED_ERRORS)
    library = folder / "planted.so"
    flags = [*shlex.split(sysconfig.get_config_var("CFLAGS") or ""), "-std=c++17", "-shared", "-fPIC", *FLAGS]
    command = [*compiler(), *flags, folder / "planted.cpp", "-o", library]
    subprocess.run(command, check=True, env={**sanitized, "LD_PRELOAD": ""})
    return library


def run_python(arguments: list[str | Path], environment: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Exit status and output of a Python process."""
    command = [sys.executable, *arguments]
    result = subprocess.run(
        command,
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout


@pytest.mark.parametrize(
    ("call", "report"),
    [
        ("read_heap(8)", "AddressSanitizer: heap-buffer-overflow"),
        ("read_stack(8)", "index 8 out of bounds|stack-buffer-overflow"),
        ("increase(2**31 - 1)", "signed integer overflow"),
    ],
)
def test_a_planted_error_is_caught(planted, sanitized, call, report):
    code = f"import ctypes; ctypes.CDLL({str(planted)!r}).{call}; print('not caught')"
    status, output = run_python(["-c", code], sanitized, planted.parent)
    assert status == 99, output
    assert re.search(report, output)
    assert "not caught" not in output


def test_correct_calls_pass(planted, sanitized):
    calls = "l.read_heap(7), l.increase(1), l.throw_and_catch()"
    code = f"import ctypes; l = ctypes.CDLL({str(planted)!r}); print({calls})"
    assert run_python(["-c", code], sanitized, planted.parent) == (0, "0 2 7\n")


@pytest.fixture(scope="module")
def instrumented_package(repository, tmp_path_factory, sanitized) -> Path:
    """A folder with a copy of full_w2v whose extension is instrumented, built by setup.py itself."""
    folder = tmp_path_factory.mktemp("instrumented")
    flags = {"FULL_W2V_CXXFLAGS": " ".join(FLAGS), "LDFLAGS": "-fsanitize=address,undefined"}
    environment = {**sanitized, "LD_PRELOAD": "", **flags}
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(repository / "full_w2v", folder / "full_w2v", ignore=ignored)
    build = ["setup.py", "-q", "build_ext", "--build-lib", folder, "--build-temp", folder / "objects"]
    status, output = run_python(build, environment, repository)
    assert status == 0, output
    return folder


def test_the_extension_is_instrumented(instrumented_package, sanitized):
    (extension,) = (instrumented_package / "full_w2v").glob("_native*.so")
    content = extension.read_bytes()
    assert b"__asan_report_load4" in content
    assert b"__ubsan_handle_" in content
    code = "import full_w2v._native as native; print(native.__file__)"
    environment = {**sanitized, "PYTHONPATH": str(instrumented_package)}
    assert run_python(["-c", code], environment, instrumented_package) == (0, f"{extension}\n")


def native_tests(folder: Path) -> list[Path]:
    """The folder's test files that run native code."""
    return [
        path
        for path in sorted(folder.glob("test_*.py"))
        if path != Path(__file__)
        and not path.name.startswith("test_cuda")  # test_emulator_sanitizers.py builds those modules
        and USES_NATIVE.search(path.read_text(encoding="utf-8"))
    ]


ROOMS = ["backends", "bench", "cli", "corpus", "drop_in", "encoding", "formats", "native", "training"]
FOLDERS = ["tests", *(f"tests/{room}" for room in ROOMS)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_native_tests_pass_under_the_sanitizers(repository, instrumented_package, sanitized, folder):
    tests = native_tests(repository / folder)
    assert tests
    environment = {**sanitized, "PYTHONPATH": str(instrumented_package)}
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", repository]
    configuration = ["-c", repository / "pyproject.toml"]
    status, output = run_python(
        ["-m", "pytest", *options, *configuration, *tests], environment, instrumented_package
    )
    assert status == 0, output
    assert re.search(r"\b[1-9]\d* passed", output)


def test_no_native_tests_are_left_out(repository):
    folders = {path.parent for path in (repository / "tests").rglob("test_*.py") if native_tests(path.parent)}
    assert folders == {repository / folder for folder in FOLDERS}
