"""Machine instructions of a kernel's window loop, read from nvdisasm's listing of a cubin.

A word runs through the window loop once; loops inside of it run as often as the window asks for. What only
the loss needs (it alone uses float64 there) lies behind a branch that is not taken, and is not counted.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

# By the beginning of the opcode, the first that matches.
CLASSES = {
    "FFMA|FMUL|FADD": "fp32",
    "FSEL|SEL|USEL": "select",
    "SHFL": "shuffle",
    "MUFU": "special",
    "LDG|STG": "global",
    "RED|ATOM": "atomic",
    "LDS|STS": "shared",
    "LDL|STL": "local",
    "MOV|UMOV|IMAD.MOV|CS2R|S2R|R2UR": "move",
    "BRA|BSSY|BSYNC|WARPSYNC|NOP|CALL|RET|EXIT|BMOV|YIELD|BREAK": "control",
}
FLOAT64 = re.compile(r"D(ADD|MUL|FMA)|F2F\.F64")
INSTRUCTION = re.compile(r"\s+/\*([0-9a-f]{4,6})\*/\s+(.*?);")


@dataclass(frozen=True)
class Instruction:
    """One machine instruction: its address, opcode with modifiers, and where it may branch to."""

    address: int
    opcode: str
    target: int | None


@dataclass
class WindowLoop:
    """Instructions of the window loop. `outer`: run once a word; `inner`: run once for each two contexts."""

    outer: Counter[str] = field(default_factory=Counter)
    inner: Counter[str] = field(default_factory=Counter)

    def a_word(self, rounds: float) -> float:
        """Instructions a word, with so many rounds of the inner loop."""
        return sum(self.outer.values()) + rounds * sum(self.inner.values())


def find_tool(name: str) -> Path | None:
    """A tool of the CUDA toolkit: on PATH, or from PyPI (nvidia-cuda-nvdisasm, nvidia-cuda-cuobjdump)."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    packages = [Path(entry) / "nvidia" / "cu13" / "bin" / name for entry in sys.path if entry]
    return next((path for path in packages if path.is_file()), None)


def disassemble(cubin: Path) -> dict[str, list[Instruction]]:
    """Instructions of each kernel of a cubin, by mangled name."""
    tool = find_tool("nvdisasm")
    if tool is None:
        raise SystemExit("nvdisasm is not found: pip install nvidia-cuda-nvdisasm")
    listing = subprocess.run([tool, "-c", cubin], check=True, capture_output=True, text=True).stdout
    return parse(listing)


def parse(listing: str) -> dict[str, list[Instruction]]:
    """Kernels of nvdisasm's listing."""
    found: dict[str, list[tuple[int, str]]] = {}
    labels: dict[str, int] = {}
    waiting: list[str] = []
    body: list[tuple[int, str]] = []
    for line in listing.splitlines():
        if section := re.match(r"\s*\.section\s+\.text\.(\w+)", line):
            body = found.setdefault(section.group(1), [])
        elif label := re.match(r"^(\.L_\w+):", line):
            waiting.append(label.group(1))
        elif instruction := INSTRUCTION.match(line):
            address = int(instruction.group(1), 16)
            labels.update(dict.fromkeys(waiting, address))
            waiting.clear()
            body.append((address, instruction.group(2).strip()))
    return {name: [_instruction(*one, labels) for one in body] for name, body in found.items()}


def _instruction(address: int, text: str, labels: dict[str, int]) -> Instruction:
    opcode = re.sub(r"^@!?U?P\d+\s+", "", text).split()[0]
    label = re.search(r"`\((\.L_\w+)\)", text)
    jumps = opcode.startswith("BRA")
    return Instruction(address, opcode, labels.get(label.group(1)) if label and jumps else None)


def kind_of(opcode: str) -> str:
    """The class of an opcode; integer where no other one fits."""
    return next((kind for names, kind in CLASSES.items() if re.match(names, opcode)), "integer")


def window_loop(body: list[Instruction]) -> WindowLoop:
    """The smallest loop that adds a whole window's rows to global memory, and that of scores inside of it."""
    loops = _loops(body)
    most = max((_adds(body, loop) for loop in loops), default=0)
    # Loops that hold the rows of one word alone add few; those around the window's add what it does and more.
    scoring = [loop for loop in loops if _of(body, loop, "SHFL") > 10 and _of(body, loop, "MUFU.RCP")]
    full = [loop for loop in scoring if _adds(body, loop) > most / 4]
    outer = min(full, key=_length)
    nested = [one for one in loops if outer[0] <= one[0] and one[1] <= outer[1] and one != outer]
    inner = next((one for one in nested if one in scoring), None)
    cold = _cold(body, outer)
    result = WindowLoop()
    for one in body:
        if not outer[0] <= one.address <= outer[1] or any(a < one.address < b for a, b in cold):
            continue
        if inner and inner[0] <= one.address <= inner[1]:
            result.inner[kind_of(one.opcode)] += 1
        else:
            result.outer[kind_of(one.opcode)] += 1
    return result


def _loops(body: list[Instruction]) -> list[tuple[int, int]]:
    """First and last address of each loop: what a branch back encloses."""
    back = [(one.target, one.address) for one in body if one.target is not None and one.target < one.address]
    return sorted({(first, max(b for a, b in back if a == first)) for first, _ in back})


def _length(loop: tuple[int, int]) -> int:
    return loop[1] - loop[0]


def _of(body: list[Instruction], loop: tuple[int, int], opcode: str) -> int:
    return sum(loop[0] <= one.address <= loop[1] and one.opcode.startswith(opcode) for one in body)


def _adds(body: list[Instruction], loop: tuple[int, int]) -> int:
    return _of(body, loop, "RED")


def _cold(body: list[Instruction], loop: tuple[int, int]) -> list[tuple[int, int]]:
    """Regions within the loop that a forward branch passes by and that use float64: from branch to target."""
    regions = []
    for one in body:
        inside = loop[0] <= one.address <= loop[1]
        if not inside or one.target is None or not one.address < one.target <= loop[1]:
            continue
        region = (one.address, one.target)
        passed = [other for other in body if region[0] < other.address < region[1]]
        if any(FLOAT64.match(other.opcode) for other in passed) and not any(
            other.opcode.startswith(("RED", "SHFL.BFLY", "LDG")) and len(passed) > 200 for other in passed
        ):
            regions.append(region)
    return regions
