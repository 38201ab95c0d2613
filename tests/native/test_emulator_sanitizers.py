"""The CUDA sources and the emulator under AddressSanitizer and UBSan, on the emulated device.

This build has no instrumentation for the emulator's own checks: device and shared memory come from the host's
allocator, so that AddressSanitizer sees the end of every buffer itself.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runtime_libraries import runtime_library

from scripts.extensions import cuda

pytestmark = pytest.mark.slow

KERNELS = "tests/backends/test_cuda_kernels.py"
TESTS = [
    f"{KERNELS}::test_every_row_that_entered_the_ring_is_written_back",
    f"{KERNELS}::test_windows_end_with_their_sentence",
    f"{KERNELS}::test_asking_for_the_loss_changes_no_row",
    "tests/backends/test_cuda_backend.py::test_a_streamed_corpus_trains_the_same_as_a_resident_one[emulated-warp-window]",
    "tests/backends/test_cuda_backend.py::test_many_blocks_in_flight_train_every_word_once[emulated]",
]


def sanitized(command: list[str]) -> list[str]:
    """The compiler's command with these sanitizers in place of the emulator's instrumentation."""
    kept = [flag for flag in command if flag not in {"-fsanitize=thread", "-O2", "-O3", "-c"}]
    checks = "-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all"
    # GCC 12 warns of its own std::regex under AddressSanitizer (GCC bug 105562).
    return [*kept, "-O1", "-g1", "-Wno-maybe-uninitialized", *checks.split(), "-c"]


@pytest.fixture(scope="module")
def module() -> Path:
    """The emulated device's module, built with the sanitizers."""
    steps = [(source, sanitized(command)) for source, command in cuda.emulated_steps()]
    output = cuda.OBJECTS / "sanitized" / "_cuda_emulated.so"
    objects = cuda.compile_all(steps, cuda.OBJECTS / "sanitized")
    link = [*cuda.host_compiler(), "-shared", "-fsanitize=address,undefined", "-o", output, *objects, "-ldl"]
    subprocess.run(link, check=True)
    return output


def test_kernels_trainer_and_binding_are_clean_under_the_sanitizers(module: Path) -> None:
    # libstdc++ too: the sanitizer looks up its exception functions once, at start-up.
    libraries = [runtime_library(cuda.host_compiler(), name) for name in ("libasan.so", "libstdc++.so.6")]
    if None in libraries:
        pytest.skip("the compiler has no shared AddressSanitizer runtime (libasan.so)")
    environment = {
        **os.environ,
        "PYTHONPATH": str(cuda.ROOT),
        "LD_PRELOAD": " ".join(map(str, libraries)),
        # Python keeps memory to its end.
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:exitcode=99",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    }
    command = [sys.executable, "tests/backends/run_with_module.py", module, "-s", "-m", "not gpu", *TESTS]
    done = subprocess.run(
        command, check=False, cwd=cuda.ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout[-4000:] + done.stderr[-4000:]
