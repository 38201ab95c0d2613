"""The emulated CUDA device finds what goes wrong on a real one, and counts what a real one would move."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.extensions import cuda

SOURCE = Path("tests/native/emulator_kernels.cu")


def build(folder: Path, *flags: str) -> Path:
    """The program of emulator_kernels.cu, linked with the emulator, its objects in `folder`."""
    steps = [step for step in cuda.emulated_steps() if step[0].parts[:2] == ("csrc", "emulator")]
    kernels = next(command for source, command in cuda.emulated_steps() if source.suffix == ".cu")
    with_flags = [(source, [*command, *flags]) for source, command in [*steps, (SOURCE, kernels)]]
    objects = cuda.compile_all(with_flags, folder)
    output = folder / "emulator_kernels"
    subprocess.run([*cuda.host_compiler(), "-o", output, *objects, "-ldl", "-pthread"], check=True)
    return output


@pytest.fixture(scope="module")
def program() -> Path:
    return build(cuda.OBJECTS / "tests")


@pytest.fixture(scope="module")
def portable_program() -> Path:
    """The same with the switch of fibers that machines other than x86-64 use."""
    return build(cuda.OBJECTS / "ucontext", "-DEMULATOR_UCONTEXT")


def run(program: Path, case: str, settings: str = "check=1") -> str:
    environment = {**os.environ, "FULL_W2V_EMULATOR": settings}
    done = subprocess.run(
        [program, case], check=True, capture_output=True, text=True, env=environment, timeout=60
    )
    return done.stdout.strip()


def marked_line(name: str) -> str:
    lines = (cuda.ROOT / SOURCE).read_text(encoding="utf-8").splitlines()
    (number,) = (i for i, line in enumerate(lines, 1) if line.endswith(f"// bug: {name}"))
    return f"emulator_kernels.cu:{number}"


@pytest.mark.parametrize(
    ("case", "answer"), [("right_sum", 8128.0), ("right_warp_sum", 496.0), ("right_syncwarp", 496.0)]
)
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_right_kernels_run_under_any_schedule(program, case: str, answer: float, seed: int) -> None:
    assert float(run(program, case, f"check=1,seed={seed}")) == answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ("right_sum", "8128.0"),
        ("right_warp_sum", "496.0"),
        ("deadlock", "cudaErrorLaunchFailure: deadlock"),
        ("global_out_of_bounds", "cudaErrorIllegalAddress: store of 4 bytes out of bounds"),
    ],
)
def test_fibers_switch_by_ucontext_where_there_is_no_routine(
    portable_program, case: str, answer: str
) -> None:
    for seed in (0, 1, 2):
        assert run(portable_program, case, f"check=1,seed={seed}").startswith(answer)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("returned_before_barrier", "divergent barrier"),
        ("incomplete_shuffle", "wait for it at the shuffle"),
        ("wrong_shuffle_mask", "is not in the mask 0x0000ffff of its own shuffle"),
        ("deadlock", "deadlock: no thread can go on; block 0 thread 0 waits"),
        ("global_out_of_bounds", "store of 4 bytes out of bounds"),
        ("shared_out_of_bounds", "store of 4 bytes out of bounds"),
        ("host_access", "no device memory is there"),
        ("race_in_block", "race in shared memory"),
        ("race_in_warp", "race in shared memory"),
        ("race_despite_shuffle", "race in shared memory"),
        ("write_after_read", "race in shared memory"),
    ],
)
@pytest.mark.parametrize("seed", [0, 4])
def test_a_planted_bug_is_reported_with_file_and_line(program, case: str, says: str, seed: int) -> None:
    answer = run(program, case, f"check=1,seed={seed}")
    assert answer.startswith(("cudaErrorLaunchFailure", "cudaErrorIllegalAddress"))
    assert says in answer
    assert marked_line(case) in answer


def test_barriers_of_two_branches_are_divergent(program) -> None:
    answer = run(program, "divergent_barrier")
    assert "divergent barrier" in answer
    assert answer.count("emulator_kernels.cu:") == 2


def test_some_schedule_shows_a_missing_barrier_even_without_the_race_detector(program) -> None:
    answers = {run(program, "missing_barrier", f"seed={seed}") for seed in range(1, 21)}
    assert "nan" in answers  # read before another warp wrote
    assert len(answers) == 2  # and right under other schedules


@pytest.mark.parametrize("case", ["uninitialised_shared", "uninitialised_global"])
def test_memory_that_nobody_wrote_reads_as_nan(program, case: str) -> None:
    assert run(program, case) == "nan"


def test_traffic_is_counted_by_request_and_sector(program) -> None:
    # Loads of 128 bytes each: 4 sectors where dense, 32 with a stride of 8 floats. Stores to shared memory:
    # one wavefront, and 32 where all lanes hit one bank.
    assert run(program, "traffic", "count=1").endswith(
        "launches 1 loads 2 256 36 atomics 1 128 4 shared stores 2 33 conflicts 31"
    )


def test_streams_run_in_any_order_unless_an_event_orders_them(program) -> None:
    answers = {run(program, "streams", f"seed={seed}") for seed in range(1, 21)}
    assert answers == {"arrived", "stale"}
    assert {run(program, "ordered_streams", f"seed={seed}") for seed in range(1, 21)} == {"arrived"}


def test_invalid_calls_fail_as_on_a_device(program) -> None:
    kinds = [line.split(":")[0] for line in run(program, "invalid_calls").splitlines()]
    assert kinds == [
        "cudaErrorInvalidValue",
        "cudaErrorInvalidValue",
        "cudaErrorMemoryAllocation",
        "cudaErrorInvalidConfiguration",
        "cudaErrorInvalidValue",
        "cudaSuccess",
    ]


def test_rows_are_addressed_beyond_32_bits(program) -> None:
    assert int(run(program, "row_address")) == 5_000_000 * 1024 * 4


def test_kernels_train_rows_beyond_32_bits() -> None:
    """Both matrices have more than 2^31 values; their last rows are the ones that train."""
    kernels = [
        step
        for step in cuda.emulated_steps()
        if step[0].parts[1] == "emulator" or step[0].suffix == ".cu" or step[0].stem in {"kernels", "check"}
    ]
    objects = cuda.compile_all(kernels, cuda.OBJECTS / "emulated")
    host = next(command for source, command in kernels if source.stem == "kernels")
    objects += cuda.compile_all([(Path("tests/native/wide_rows.cpp"), host)], cuda.OBJECTS / "tests")
    program = cuda.OBJECTS / "tests" / "wide_rows"
    subprocess.run([*cuda.host_compiler(), "-o", program, *objects, "-ldl", "-pthread"], check=True)
    done = subprocess.run([program], check=False, capture_output=True, text=True, timeout=120)
    if done.returncode == 77:
        pytest.skip(f"this system does not reserve memory: {done.stdout.strip()}")
    assert done.stdout.split("\n") == [
        "warp window equal",
        "group window equal",
        "block pair equal",
        "register window equal",
        "register pair equal",
        "pair pair equal",
        "",
    ]


def test_an_unknown_setting_is_refused(program) -> None:
    environment = {**os.environ, "FULL_W2V_EMULATOR": "speed=9"}
    done = subprocess.run(
        [program, "right_sum"], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode != 0
    assert "unknown emulator setting 'speed=9'" in done.stderr
