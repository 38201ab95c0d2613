"""What a trained word costs each CUDA kernel: counted from compiled code, kept in counts.json.

`python scripts/benchmark/roofline.py CORPUS --save-counts` counts anew, on the emulated device.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

# What counts.json was counted with: bench's corpus, whose long sentences leave windows whole.
VECTOR_SIZE, WINDOW, NEGATIVE = 128, 3, 5
OUTPUTS = NEGATIVE + 1
ROW_BYTES = VECTOR_SIZE * 4
ORDERS = {
    "pair": "pair",
    "register": "pair",
    "block": "pair",
    "warp": "window",
}  # that each kernel is made for
VECTOR_ATOMICS = "warp, 16-byte atomics"  # the warp kernel, from compute capability 9.0 on
COUNTS_FILE = Path(__file__).with_name("counts.json")


@dataclass(frozen=True)
class Counts:
    """What one training did per trained word, of a warp; lanes: share of the 32 that were active."""

    kernel: str
    words: int
    pairs: float
    instructions: float
    classes: dict[str, float]
    lanes: float
    load_sectors: float
    atomic_sectors: float
    load_bytes: float
    atomic_bytes: float
    wavefronts: float
    bank_conflicts: float

    @property
    def bytes(self) -> float:
        """Bytes of global memory that are read or added to."""
        return self.load_bytes + self.atomic_bytes


@dataclass(frozen=True)
class Design:
    """What a kernel's launch takes: registers of a thread, shared memory and warps of a block."""

    registers: int
    shared_bytes: int
    warps: int


@dataclass(frozen=True)
class KernelCost:
    """A kernel's launch, and what a trained word costs it."""

    design: Design
    counts: Counts


def load_costs() -> dict[str, KernelCost]:
    """Costs by kernel at VECTOR_SIZE, fixed WINDOW and NEGATIVE; VECTOR_ATOMICS is `warp` once more."""
    stored = json.loads(COUNTS_FILE.read_text(encoding="utf-8"))
    return {
        name: KernelCost(Design(**cost["design"]), Counts(**cost["counts"])) for name, cost in stored.items()
    }


def save_costs(costs: dict[str, KernelCost]) -> None:
    """Writes counts.json anew."""
    text = json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2)
    COUNTS_FILE.write_text(text + "\n", encoding="utf-8")
