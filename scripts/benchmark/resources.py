"""Registers, stack, spills and static shared memory of every kernel on every architecture.

As the compilers report them: nvcc when full_w2v._cuda was built, beside whose objects its words are kept, and
NVRTC 12.9, where it is installed, for sm_60, sm_61 and sm_70. Exits with 1 if a kernel spills or exceeds a
limit.

    FULL_W2V_CUDA=require python setup.py build_ext --inplace && python scripts/benchmark/resources.py
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from scripts.extensions import cuda, nvrtc  # noqa: E402

# Most registers a thread may take, by kernel and template arguments. The block kernel runs with up to 1,024
# threads, for which a multiprocessor has 64 each; the others run one warp a block, and 128 allow 16 warps.
REGISTER_LIMITS = {
    "block": 64,
    "pair<4>": 104,
    "pair<10>": 128,
    "pair<32>": 248,
    "register<4>": 104,
    "register<10>": 128,
    "register<32>": 248,
    "warp_fixed<4,4,3>": 128,
    "warp_fixed<4,3,3>": 128,
    "warp_fixed<8,6,3>": 255,
    "warp_fixed<10,9,3>": 255,
    "warp<4,4,6,0>": 128,
    "warp<4,3,6,0>": 128,
    "warp<8,6,6,0>": 255,
    "warp<10,9,6,0>": 255,
    "warp<4,3,6,1>": 168,
    "warp<4,3,8,1>": 168,
    "warp<4,0,8,1>": 168,
    "warp<8,4,6,1>": 255,
    "warp<10,8,6,1>": 255,
    "warp<16,10,4,1>": 255,
    "warp<32,16,1,1>": 255,
    "group<4,3,8,0,0>": 168,
    "group<4,0,8,1,0>": 168,
    "group<8,4,8,1,0>": 255,
    "group<10,8,6,1,0>": 255,
    "group<32,10,1,1,0>": 255,
    "group<4,3,6,0,1>": 168,
    "group<4,3,8,0,1>": 168,
    "group<4,0,8,1,1>": 168,
    "group<8,4,8,1,1>": 255,
    "group<10,8,6,1,1>": 255,
    "warp_fixed<4,4,3,bf16>": 168,
    "warp_fixed<4,3,3,bf16>": 168,
    "warp_fixed<8,6,3,bf16>": 255,
    "warp<4,4,6,0,bf16>": 168,
    "warp<4,3,6,0,bf16>": 168,
    "warp<8,6,6,0,bf16>": 255,
    "warp<10,9,6,0,bf16>": 255,
    "warp<4,3,6,1,bf16>": 255,
    "warp<4,0,6,1,bf16>": 255,
    "warp<10,4,6,1,bf16>": 255,
    "warp<32,10,1,1,bf16>": 255,
    "row_rate<1,0>": 64,
    "row_rate<4,0>": 96,
    "row_rate<1,1>": 64,
    "row_rate<4,1>": 64,
}
# Before compute capability 7.5, where addresses take registers that lanes could share: 168 allow 12 warps.
OLDER_LIMITS = {
    **dict.fromkeys(("warp_fixed<4,4,3>", "warp_fixed<4,3,3>", "warp<4,4,6,0>", "warp<4,3,6,0>"), 168),
    **dict.fromkeys(("warp<4,3,8,1>", "warp<4,0,8,1>", "group<4,3,8,0,0>", "group<4,0,8,1,0>"), 255),
}
# Bytes that they may spill there, with all registers that a lane can have: rows of 300 values and more.
OLDER_SPILLS = {"warp_fixed<10,9,3>": 184, "warp<10,4,6,1,bf16>": 32}
# From 10.0 on: whole rows, for which 16 warps' registers would not do.
NEWER_LIMITS = {"warp_fixed<4,4,3>": 168, "register<10>": 144}
# Philox blocks that are indexed by a position lie there, for words before and ahead; nothing else may.
STACK_LIMIT = 32

ENTRY = re.compile(r"Compiling entry function '(\w+)' for 'sm_(\d+)\w*'")
NAME = re.compile(
    r"\d(pair|register|block|warp|warp_fixed|group|row_rate)_kernel(?:I((?:L[ib]\d+E)+)(?:NS_\d+(\w+?)RowsE)?E)?"
)
FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


@dataclass(frozen=True)
class Resources:
    """What one kernel takes on one architecture. shared: static bytes; the kernels use dynamic ones only."""

    kernel: str
    architecture: int
    registers: int
    stack: int
    spills: int
    shared: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--complete", action="store_true", help="fail unless both compilers report")
    options = parser.parse_args()
    by_nvcc, by_nvrtc = from_nvcc(), from_nvrtc()
    if not (by_nvcc and by_nvrtc) and (options.complete or not (by_nvcc or by_nvrtc)):
        sys.exit("a report is missing: build full_w2v._cuda with nvcc, and install NVRTC 12.9")
    found = [*by_nvcc, *by_nvrtc]
    print(json.dumps([asdict(one) for one in found]) if options.json else table(found))
    faults = [fault for one in found for fault in exceeded(one)]
    if faults:
        sys.exit("\n".join(faults))


def from_nvcc() -> list[Resources]:
    """Reports of the last build with nvcc; empty if there is none."""
    logs = (cuda.OBJECTS / "device" / source.with_suffix(source.suffix + ".log") for source in cuda.KERNELS)
    return [one for log in logs if log.exists() for one in parse(log.read_text(encoding="utf-8"))]


def from_nvrtc() -> list[Resources]:
    """Reports of NVRTC 12.9; empty if it is not installed."""
    if not nvrtc.available():
        return []
    return [
        one
        for architecture in nvrtc.ARCHITECTURES
        for source in cuda.KERNELS
        for one in parse(nvrtc.compile_kernel(ROOT / source, architecture))
    ]


def parse(log: str) -> Iterator[Resources]:
    """What ptxas -v says of each kernel."""
    parts = ENTRY.split(log)[1:]
    for mangled, architecture, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        frame, used, shared = FRAME.search(text), USED.search(text), SHARED.search(text)
        name = kernel_name(mangled)
        if not (name and frame and used):
            raise ValueError(f"ptxas says of {mangled} what cannot be read: {text[:200]}")
        stack, stores, loads = map(int, frame.groups())
        static = int(shared.group(1)) if shared else 0
        yield Resources(name, int(architecture), int(used.group(1)), stack, stores + loads, static)


def kernel_name(mangled: str) -> str | None:
    """Kernel and template arguments, as warp<4,6>, from a mangled name; None if it is not a kernel's."""
    found = NAME.search(mangled)
    if not found:
        return None
    arguments = re.findall(r"L[ib](\d+)E", found.group(2) or "")
    if found.group(3) == "Bf16":
        arguments.append("bf16")
    return found.group(1) + (f"<{','.join(arguments)}>" if arguments else "")


def exceeded(one: Resources) -> list[str]:
    """One line for each limit that a kernel breaks."""
    limit, spills = REGISTER_LIMITS[one.kernel], 0
    if one.architecture < 75:
        limit, spills = OLDER_LIMITS.get(one.kernel, limit), OLDER_SPILLS.get(one.kernel, 0)
    if one.architecture >= 100:
        limit = NEWER_LIMITS.get(one.kernel, limit)
    stack = STACK_LIMIT + spills
    where = f"{one.kernel} on sm_{one.architecture}"
    return [
        *([f"{where} spills {one.spills} bytes"] if one.spills > spills else []),
        *(
            [f"{where} takes {one.registers} registers, at most {limit} are allowed"]
            if one.registers > limit
            else []
        ),
        *([f"{where} has {one.stack} bytes of stack, not {stack}"] if one.stack > stack else []),
        *([f"{where} has {one.shared} bytes of static shared memory, not 0"] if one.shared else []),
    ]


def table(found: list[Resources]) -> str:
    """Registers by kernel and architecture; a spill is written behind a plus sign."""
    cells: dict[str, dict[int, str]] = defaultdict(dict)
    for one in found:
        cells[one.kernel][one.architecture] = f"{one.registers}" + (f"+{one.spills}B" if one.spills else "")
    columns = sorted({one.architecture for one in found})
    lines = [["registers", *(f"sm_{number}" for number in columns), "limit"]]
    lines += [
        [kernel, *(cells[kernel].get(number, "-") for number in columns), str(limit)]
        for kernel, limit in REGISTER_LIMITS.items()
    ]
    return "\n".join(f"{line[0]:22}" + "".join(f"{cell:>8}" for cell in line[1:]) for line in lines)


if __name__ == "__main__":
    main()
