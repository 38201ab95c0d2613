"""Compiles the kernels with NVRTC 12.9 for what nvcc 13 no longer knows: sm_60, sm_61 and sm_70.

Needs no toolkit and no driver: `pip install nvidia-cuda-nvrtc-cu12==12.9.86 "cuda-bindings==12.9.*"`. The
compiler has no C++ standard library: the two standard headers that csrc/contract names are given to it here.
"""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = ("60", "61", "70")
OPTIONS = ("--std=c++17", "--ptxas-options=-v", "-default-device")
STANDARD_HEADERS = {
    "cstdint": """#pragma once
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned uint32_t;
typedef unsigned long long uint64_t; typedef unsigned long long uintptr_t;
""",
    "cstring": "#pragma once\n",
    "vector": "#pragma once\nnamespace std { template <class T> class vector; }\n",
}


def available() -> bool:
    """Whether NVRTC 12.9 and its Python bindings are installed."""
    try:
        from cuda.bindings import nvrtc

        error, major, minor = nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError):  # the library itself is looked for at the first call
        return False
    return not int(error) and (major, minor) == (12, 9)


def kernel_names(source: Path) -> list[str]:
    """Instances of the kernel that a .cu file launches, as C++ names them."""
    text = source.read_text(encoding="utf-8")
    names = re.findall(rf"\b{source.stem}_kernel<[\d, ]+>", text)
    names += [f"warp_kernel<{v}>" for v in re.findall(r"general<([\w, ]+)>\(\)", text)]
    names += [f"group_kernel<{v}>" for v in re.findall(r"variant<([\w, ]+)>\(\)", text)]
    for values, storage in re.findall(r"fixed<(\d+, \d+)(, \w+)?>\(\)", text):
        names.append(f"warp_fixed_kernel<{values}, full_w2v::kFixedWindow{storage}>")
    names = [re.sub(r"(\w+Rows)", r"full_w2v::\1", name) for name in names]
    return [f"full_w2v::{name}" for name in names or [f"{source.stem}_kernel"]]


def compile_kernel(source: Path, architecture: str) -> str:
    """Compiles all instances that a .cu file launches to machine code; returns what ptxas says of them.

    That is kept in build/cuda/nvrtc, and the compiler asked again only when what it reads has changed.
    Raises RuntimeError, with the compiler's log, if it refuses.
    """
    headers = _headers()
    read = hashlib.sha256(repr((headers, kernel_names(source), OPTIONS)).encode()).hexdigest()
    kept = ROOT / "build" / "cuda" / "nvrtc" / f"{source.stem}.sm_{architecture}.{read[:16]}.log"
    if not kept.exists():
        said = _compile(source, architecture, headers)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(said, encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def _compile(source: Path, architecture: str, headers: dict[str, str]) -> str:
    from cuda.bindings import nvrtc

    included = sorted((ROOT / "csrc/cuda/kernels").glob(f"{source.stem.split('_')[0]}*.cuh"))
    text = "".join(f'#include "cuda/kernels/{header.name}"\n' for header in included).encode()
    names = [name.encode() for name in headers]
    error, program = nvrtc.nvrtcCreateProgram(
        text, source.name.encode(), len(headers), [body.encode() for body in headers.values()], names
    )
    _check(error)
    for name in kernel_names(source):
        _check(*nvrtc.nvrtcAddNameExpression(program, name.encode()))
    options = [option.encode() for option in (f"--gpu-architecture=sm_{architecture}", *OPTIONS)]
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
        *(ROOT / "csrc/contract").glob("*.h"),
        *(ROOT / "csrc/cuda/kernels").glob("*.cuh"),
        ROOT / "csrc/cuda/arguments.h",
    ]
    files = {str(path.relative_to(ROOT / "csrc")): path.read_text(encoding="utf-8") for path in own}
    return {**files, **STANDARD_HEADERS}


def _check(error: object) -> None:
    if int(error):  # type: ignore[call-overload]
        raise RuntimeError(f"NVRTC failed: {error}")
