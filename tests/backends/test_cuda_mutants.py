"""Each planted mistake in a kernel makes the named test fail: the tests would notice it.

A mutant is one replacement in one file of csrc/cuda. One kernel is compiled again; then the named test runs
in a process of its own with the mutated module in place of full_w2v._cuda_emulated.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.extensions import cuda

KERNEL_TESTS = "tests/backends/test_cuda_kernels.py"
WARP_TESTS = "tests/backends/test_cuda_warp.py"
STEP_TESTS = "tests/backends/test_cuda_steps.py"
EVERY_ROW = f"{KERNEL_TESTS}::test_every_row_that_entered_the_ring_is_written_back"
SCHEDULES = f"{KERNEL_TESTS}::test_no_schedule_of_warps_changes_what_one_block_computes"
SENTENCES = f"{KERNEL_TESTS}::test_windows_end_with_their_sentence"
WINDOWS = f"{KERNEL_TESTS}::test_no_pair_beyond_the_window_is_trained"
NOISE = f"{KERNEL_TESTS}::test_negatives_come_from_the_noise_table_as_it_is"
RESIDENT = f"{KERNEL_TESTS}::test_resident_blocks_lose_no_update"
ORACLE = f"{KERNEL_TESTS}::test_every_kernel_agrees_with_the_oracle"
OVERLAP = "tests/backends/test_cuda_backend.py::test_copies_and_training_overlap_in_any_order[emulated]"
STREAMED = "tests/backends/test_cuda_backend.py::test_a_streamed_corpus_trains_the_same_as_a_resident_one"


pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in csrc/cuda/`file`; the test `caught_by` fails on kernel `kernel`."""

    name: str
    file: str
    old: str
    new: str
    kernel: str
    caught_by: str

    def __str__(self) -> str:
        return self.name


def by(test: str, parameters: str) -> str:
    return f"{test}[emulated-{parameters}]"


COPY_IDS = (
    "    copy_to_device(slot.ids.data(), slot.host_ids.data(), static_cast<size_t>(tokens),"
    " copy_stream_.get());\n"
)
COPIED = "  slot.copied.record(copy_stream_.get());\n"

MUTANTS = [
    # Barriers and races.
    Mutant(
        "barrier-in-block-sum-removed",
        "device.cuh",
        "  __syncthreads();\n  float sum = 0.0f;",
        "  float sum = 0.0f;",
        "block",
        by(SCHEDULES, "block-pair"),
    ),
    Mutant(
        "block-reduction-races-as-in-the-paper",
        "block.cuh",
        "parity_ ^= 1;",
        "",
        "block",
        by(SCHEDULES, "block-pair"),
    ),
    Mutant(
        "barrier-after-window-removed",
        "block.cuh",
        "      __syncthreads();  // everyone is done with the window and the queue of words\n",
        "",
        "block",
        by(SENTENCES, "block-pair"),
    ),
    Mutant(
        "warp-barrier-after-draws-removed",
        "walk.cuh",
        "    staged_end_ = centre + count;\n    __syncwarp();\n",
        "    staged_end_ = centre + count;\n",
        "warp",
        by(SCHEDULES, "warp-window"),
    ),
    # Write-backs.
    Mutant(
        "rows-in-the-ring-at-the-end-lost",
        "warp.cuh",
        "    for (; left < entered; ++left) leave(left);\n  }\n\n  // What was trained",
        "  }\n\n  // What was trained",
        "warp",
        by(EVERY_ROW, "4-warp-window"),
    ),
    Mutant(
        "rows-in-the-ring-at-the-end-lost-by-blocks",
        "block.cuh",
        "    for (; left < entered; ++left) leave(left);\n    __syncthreads();",
        "    __syncthreads();",
        "block",
        by(EVERY_ROW, "4-block-pair"),
    ),
    Mutant(
        "copy-written-back-instead-of-its-change",
        "ring.cuh",
        "    x.add(loaded, -1.0f);\n",
        "",
        "warp",
        by(EVERY_ROW, "4-warp-window"),
    ),
    Mutant(
        "copy-overwrites-what-others-added",
        "block.cuh",
        "    atomicAdd(row_of(rows_.input, walk_.word(number), rows_.stride) + value_, change);",
        "    row_of(rows_.input, walk_.word(number), rows_.stride)[value_] ="
        " ring_.row(number, kLoaded)[value_] + change;",
        "block",
        by(RESIDENT, "block-pair"),
    ),
    # The ring.
    Mutant(
        "stale-ring-slot",
        "ring.cuh",
        "newest_slot_ + 1 == slots_ ?",
        "newest_slot_ + 2 == slots_ ?",
        "warp",
        by(EVERY_ROW, "9-warp-window"),
    ),
    Mutant(
        "row-enters-one-word-late",
        "warp.cuh",
        "entered <= window.known",
        "entered < window.known",
        "warp",
        by(EVERY_ROW, "5-warp-window"),
    ),
    # Labels, windows, sentences, noise.
    Mutant(
        "labels-swapped",
        "device.cuh",
        "(positive ? 1.0f : 0.0f)",
        "(positive ? 0.0f : 1.0f)",
        "warp",
        by(EVERY_ROW, "2-warp-window"),
    ),
    Mutant(
        "window-one-too-wide",
        "walk.cuh",
        "min(centre + radius, filled_ - 1),",
        "min(centre + radius + 1, filled_ - 1),",
        "register",
        by(WINDOWS, "register-window"),
    ),
    Mutant(
        "sentence-border-ignored",
        "walk.cuh",
        "offset < limit && keep(",
        "offset < limit + 1 && keep(",
        "register",
        by(SENTENCES, "register-pair"),
    ),
    Mutant(
        "noise-table-shifted-by-one",
        "walk.cuh",
        "outputs[index] = {word, word == centre.word ? 0.0f : 1.0f};",
        "outputs[index] = {(word + 1) % params_.vocabulary, word == centre.word ? 0.0f : 1.0f};",
        "pair",
        by(NOISE, "17-pair-pair"),
    ),
    Mutant(
        "negative-equal-to-the-target-trained",
        "walk.cuh",
        "word == centre.word ? 0.0f : 1.0f",
        "1",
        "pair",
        by(ORACLE, "pair-vocabulary2-pair"),
    ),
    Mutant(
        "repeated-output-read-after-its-update",
        "settle.cuh",
        "      merge_repeated(window.outputs, begin, end);\n",
        "",
        "warp",
        by(ORACLE, "warp-negative15-share1"),
    ),
    Mutant(
        "update-stored-from-an-old-value",
        "device.cuh",
        "  atomicAdd(to, values[0]);\n",
        "  *to = values[0];\n",
        "register",
        by(RESIDENT, "register-pair"),
    ),
    Mutant(
        "reach-before-a-streamed-launch-forgotten",
        "trainer.cpp",
        "reach_back(params_",
        "0 * reach_back(params_",
        "warp",
        by(STREAMED, "warp-window"),
    ),
    # Streams.
    Mutant(
        "training-does-not-wait-for-the-copy",
        "trainer.cpp",
        # For that of the ids only: unwritten segments would have the kernel walk for ever.
        COPY_IDS + "  }\n" + COPIED,
        "  " + COPIED + COPY_IDS + "  }\n",
        "warp",
        OVERLAP,
    ),
    Mutant(
        "copy-does-not-wait-for-training",
        "trainer.cpp",
        "  slot.trained.hold(copy_stream_.get());\n",
        "",
        "warp",
        OVERLAP,
    ),
    # Steps of a tile, and words that the ring holds twice.
    Mutant(
        "strips-ignored",
        "strips.cuh",
        "const int most = min(contexts - begin, longest),",
        "const int most = contexts - begin,",
        "warp",
        by(ORACLE, "warp-steps-alpha0.1"),
    ),
    Mutant(
        "repeats-in-a-strip-ignored",
        "strips.cuh",
        "    if (same >= repeats) break;\n",
        "",
        "register",
        by(ORACLE, "register-steps-alpha0.025-vocabulary4"),
    ),
    Mutant(
        "border-of-blocks-ignored",
        "strips.cuh",
        "min(max(begin, targets) + params.step_pairs, outputs)",
        "outputs",
        "warp",
        by(ORACLE, "warp-steps-negative40"),
    ),
    Mutant(
        "outputs-not-updated-between-strips",
        "warp.cuh",
        "      y_[k].reload(row_[k], stride_);\n      if (Storage",
        "      if (step.begin == window.first) y_[k].reload(row_[k], stride_);\n      if (Storage",
        "warp",
        by(ORACLE, "warp-steps-alpha0.1"),
    ),
    Mutant(
        "repeated-word-not-written-through",
        "warp.cuh",
        "      if (walk_.repeated(window.first - arguments_.params.window)) unite(window, step, done);\n",
        "",
        "warp",
        by(ORACLE, "warp-steps-alpha0.25-vocabulary4"),
    ),
    Mutant(
        "copy-that-enters-misses-the-others-changes",
        "ring.cuh",
        "  if (walk.link(number, held)) {\n"
        "    unite_word<RowPart>(ring, walk, matrix, stride, number, held, true, draw);\n  }\n",
        "  walk.link(number, held);\n",
        "warp",
        by(ORACLE, "warp-d33-window-shrinking"),
    ),
    Mutant(
        "repeated-word-not-written-through-by-groups",
        "group.cuh",
        "      if (walk_.repeated(held)) unite(done ? group : part, held, done);\n",
        "",
        "group",
        by(ORACLE, "group-vocabulary7-share3"),
    ),
    Mutant(
        "strips-of-groups-ignored",
        "group.cuh",
        "contexts < part.strip; ++contexts",
        "true; ++contexts",
        "group",
        by(ORACLE, "group-steps-share32-window20"),
    ),
    Mutant(
        "copies-in-pair-order-apart",
        "block.cuh",
        "    if (same >= first) {\n",
        "    if (false) {\n",
        "block",
        by(ORACLE, "block-vocabulary7-pair"),
    ),
    Mutant(
        "repeated-word-in-registers-not-written-through",
        "warp_fixed.cuh",
        "    if (cut || walk_.repeated(centre - kWindow - 1)) write_through(centre, cut);\n",
        "    if (cut) write_through(centre, cut);\n",
        "warp",
        f"{STEP_TESTS}::test_windows_that_are_cut_agree_with_the_oracle[emulated-warp-alpha0.025-vocabulary60-fixed]",
    ),
    # The ring in registers.
    Mutant(
        "rows-in-registers-at-the-end-lost",
        "warp_fixed.cuh",
        "    if (begun) leave_last();\n",
        "",
        "warp",
        f"{WARP_TESTS}::test_every_row_that_entered_the_registers_is_written_back[emulated-4]",
    ),
    Mutant(
        "words-past-the-end-trained",
        "warp_fixed.cuh",
        "pair < reach ?",
        "pair <= reach ?",
        "warp",
        f"{WARP_TESTS}::test_every_row_that_entered_the_registers_is_written_back[emulated-9]",
    ),
    Mutant(
        "gradients-read-before-they-are-there",
        "warp_fixed.cuh",
        "    __syncwarp();  // the gradients are there\n",
        "",
        "warp",
        f"{WARP_TESTS}::test_every_row_that_entered_the_registers_is_written_back[emulated-9]",
    ),
]


@pytest.fixture(scope="module")
def objects() -> dict[Path, Path]:
    """Objects of the unchanged sources, by source."""
    steps = cuda.emulated_steps()
    compiled = cuda.compile_all(steps, cuda.OBJECTS / "emulated")
    return dict(zip((source for source, _ in steps), compiled, strict=True))


def mutated_module(mutant: Mutant, objects: dict[Path, Path], folder: Path) -> Path:
    """Builds the module with the mutant in it. A changed file shadows the original on the include path."""
    (original,) = (cuda.ROOT / "csrc/cuda").rglob(mutant.file)
    changed = folder / original.relative_to(cuda.ROOT)
    changed.parent.mkdir(parents=True)
    text = original.read_text(encoding="utf-8")
    assert text.count(mutant.old) >= 1, f"{mutant.file} has no {mutant.old!r} to replace"
    changed.write_text(text.replace(mutant.old, mutant.new, 1), encoding="utf-8")
    source = Path("csrc/cuda") / (mutant.file if mutant.file.endswith(".cpp") else f"{mutant.kernel}.cu")
    command = next(command for step, command in cuda.emulated_steps() if step == source)
    compiler = len(cuda.host_compiler())
    # Optimised little, since a mutant runs on a few words only.
    command = [*command[:compiler], f"-I{folder / 'csrc'}", *command[compiler:], "-O1", "-w"]
    target = folder / "mutant.o"
    original = changed if mutant.file.endswith(".cpp") else cuda.ROOT / source
    subprocess.run([*command, original, "-o", target], check=True, cwd=cuda.ROOT)
    output = folder / "_cuda_emulated.so"
    # First, so that its copies of what headers define are the ones that all kernels use.
    cuda.link_emulated([target, *(path for step, path in objects.items() if step != source)], output)
    return output


def run_test(module: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/backends/run_with_module.py", module, *tests]
    environment = {**os.environ, "PYTHONPATH": str(cuda.ROOT)}
    return subprocess.run(
        command, check=False, cwd=cuda.ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_the_mutant_is_caught(mutant: Mutant, objects: dict[Path, Path], tmp_path: Path) -> None:
    done = run_test(mutated_module(mutant, objects, tmp_path), mutant.caught_by)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr


def test_the_emulators_readme_lists_every_mutant() -> None:
    text = (cuda.ROOT / "csrc/emulator/README.md").read_text(encoding="utf-8")
    for mutant in MUTANTS:
        name = mutant.caught_by.split("::")[1].split("[")[0]
        assert f"| {mutant.name} | {mutant.kernel} | `{name}` |" in text


def test_every_named_test_passes_without_a_mutant(objects: dict[Path, Path], tmp_path: Path) -> None:
    module = tmp_path / "_cuda_emulated.so"
    cuda.link_emulated(list(objects.values()), module)
    done = run_test(module, *sorted({mutant.caught_by for mutant in MUTANTS}))
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
