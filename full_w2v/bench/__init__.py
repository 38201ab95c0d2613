"""How fast a CUDA device could train: bounds by what a trained word costs and what the device can do."""

from full_w2v.bench.devices import DEVICES, Device, device_from_runtime, resident_warps
from full_w2v.bench.kernel_counts import Counts, Design, KernelCost, load_costs
from full_w2v.bench.roofline import Bounds, bounds, misses, row_sequences

__all__ = [
    "DEVICES",
    "Bounds",
    "Counts",
    "Design",
    "Device",
    "KernelCost",
    "bounds",
    "device_from_runtime",
    "load_costs",
    "misses",
    "resident_warps",
    "row_sequences",
]
