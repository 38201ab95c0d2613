"""Compiles the kernels with NVRTC 12.9 for what nvcc 13 no longer knows: sm_60, sm_61 and sm_70.

Needs no toolkit and no driver: `pip install nvidia-cuda-nvrtc-cu12==12.9.86 "cuda-bindings==12.9.*"`. The
compiler has no C++ standard library: the two standard headers that csrc/sgns names are given to it here.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = ("60", "61", "70")
STANDARD_HEADERS = {
    "cstdint": """#pragma once
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned uint32_t;
typedef unsigned long long uint64_t; typedef unsigned long long uintptr_t;
""",
    "vector": "#pragma once\nnamespace std { template <class T> class vector; }\n",
}


def available() -> bool:
    """Whether NVRTC 12.9 and its Python bindings are installed."""
    try:
        from cuda.bindings import nvrtc
    except ImportError:
        return False
    error, major, minor = nvrtc.nvrtcVersion()
    return not int(error) and (major, minor) == (12, 9)


def kernel_names(source: Path) -> list[str]:
    """Instances of the kernel that a .cu file launches, as C++ names them."""
    text = source.read_text(encoding="utf-8")
    names = re.findall(rf"\b{source.stem}_kernel<[\d, ]+>", text)
    names += [f"warp_kernel<{v}>" for v in re.findall(r"general<([\w, ]+)>\(\),? ?", text)]
    fixed_window = re.search(r"kFixedWindow = (\d+);", text)
    if fixed_window:
        found = re.findall(r"fixed<(\d+, \d+)>\(\)", text)
        names += [f"warp_fixed_kernel<{v}, {fixed_window.group(1)}>" for v in found]
    return [f"full_w2v::{name}" for name in names or [f"{source.stem}_kernel"]]


def compile_kernel(source: Path, architecture: str) -> str:
    """Compiles all instances that a .cu file launches to machine code; returns what ptxas says of them.

    Raises RuntimeError, with the compiler's log, if it refuses.
    """
    from cuda.bindings import nvrtc

    headers = _headers()
    included = sorted((ROOT / "csrc/cuda").glob(f"{source.stem}*.cuh"))
    text = "".join(f'#include "cuda/{header.name}"\n' for header in included).encode()
    names = [name.encode() for name in headers]
    error, program = nvrtc.nvrtcCreateProgram(
        text, source.name.encode(), len(headers), [body.encode() for body in headers.values()], names
    )
    _check(error)
    for name in kernel_names(source):
        _check(*nvrtc.nvrtcAddNameExpression(program, name.encode()))
    options = [
        f"--gpu-architecture=sm_{architecture}".encode(),
        b"--std=c++17",
        b"--ptxas-options=-v",
        b"-default-device",
    ]
    (error,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = b" " * size
    nvrtc.nvrtcGetProgramLog(program, log)
    said = log.rstrip(b"\0 ").decode()
    nvrtc.nvrtcDestroyProgram(program)
    if int(error):
        raise RuntimeError(f"NVRTC refuses {source.name} for sm_{architecture}: {said}")
    return said


def _headers() -> dict[str, str]:
    """Everything that a kernel may include, by the name that it is included by."""
    own = [
        *(ROOT / "csrc/sgns").glob("*.h"),
        *(ROOT / "csrc/cuda").glob("*.cuh"),
        ROOT / "csrc/cuda/arguments.h",
    ]
    files = {str(path.relative_to(ROOT / "csrc")): path.read_text(encoding="utf-8") for path in own}
    return {**files, **STANDARD_HEADERS}


def _check(error: object) -> None:
    if int(error):  # type: ignore[call-overload]
        raise RuntimeError(f"NVRTC failed: {error}")
