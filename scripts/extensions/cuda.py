"""Builds the two CUDA modules: full_w2v._cuda with nvcc, full_w2v._cuda_emulated with the host's compiler.

Both take csrc/cuda as it is. nvcc compiles the kernels for every architecture that it lists, with PTX for
those to come; the runtime is linked statically, so that the module can be imported without a driver.

  FULL_W2V_CUDA=require|off          fail without nvcc, or build neither module (default: build what can be)
  FULL_W2V_CUDA_ARCHITECTURES=80,90  only these (default: all)
  FULL_W2V_EMULATED=on|off           the emulated device (default: on for in-place builds, as developers make)
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[2]
# Not setuptools' own folder, which may be a temporary one: compiling for all architectures takes minutes.
OBJECTS = ROOT / "build" / "cuda"
KERNELS = sorted(path.relative_to(ROOT) for path in (ROOT / "csrc/cuda").glob("*.cu"))
HOST_SOURCES = [
    *sorted(path.relative_to(ROOT) for path in (ROOT / "csrc/cuda").glob("*.cpp")),
    Path("csrc/bindings/cuda.cpp"),
    Path("csrc/bindings/params.cpp"),
]
EMULATOR_SOURCES = sorted(path.relative_to(ROOT) for path in (ROOT / "csrc/emulator").rglob("*.cpp"))
HOST_FLAGS = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Icsrc"]
# What -fsanitize=thread calls is the emulator's own (csrc/emulator/fibers/tsan_hooks.cpp): libtsan is not
# linked. Line tables turn the address of a bad access into file and line.
EMULATED_KERNEL_FLAGS = ["-x", "c++", "-O3", "-fsanitize=thread", "-g1", "-Wno-unknown-pragmas"]


def mode() -> str:
    """The value of FULL_W2V_CUDA: require, off, or auto if it is not set."""
    value = os.environ.get("FULL_W2V_CUDA", "auto") or "auto"
    if value not in {"auto", "require", "off"}:
        raise SystemExit(f"FULL_W2V_CUDA must be require or off, got {value!r}")
    return value


def find_nvcc() -> Path | None:
    """Nvcc on PATH, under CUDA_HOME, or from the PyPI packages nvidia-cuda-nvcc and its companions."""
    on_path = shutil.which("nvcc")
    if on_path:
        return Path(on_path)
    homes = [Path(value) for name in ("CUDA_HOME", "CUDA_PATH") if (value := os.environ.get(name))]
    packages = [Path(entry) / "nvidia" / "cu13" for entry in sys.path if entry]
    for home in [*homes, Path("/usr/local/cuda"), *packages]:
        if (home / "bin" / "nvcc").is_file():
            return home / "bin" / "nvcc"
    return None


def architectures(nvcc: Path) -> list[str]:
    """Numbers of the architectures to compile for, as in sm_90; the newest last."""
    chosen = os.environ.get("FULL_W2V_CUDA_ARCHITECTURES")
    if chosen:
        return sorted(chosen.split(","), key=int)
    listed = subprocess.run([nvcc, "--list-gpu-code"], check=True, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"^sm_(\d+)$", listed, re.MULTILINE)), key=int)


def target_flags(nvcc: Path) -> list[str]:
    """Nvcc's flags for machine code of all architectures, and PTX of the newest for those to come."""
    numbers = architectures(nvcc)
    flags = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in numbers]
    return [*flags, f"-gencode=arch=compute_{numbers[-1]},code=compute_{numbers[-1]}"]


def toolkit(nvcc: Path) -> tuple[Path, Path]:
    """Folders of the toolkit's headers and libraries, as nvcc itself names them."""
    plan = subprocess.run(
        [nvcc, "-dryrun", "-x", "cu", os.devnull, "-o", "unused"], check=False, capture_output=True, text=True
    ).stderr
    top = re.search(r"^#\$ TOP=(.*)$", plan, re.MULTILINE)
    home = Path(top.group(1)).resolve() if top else nvcc.resolve().parents[1]
    for libraries in ("lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"):
        if (home / libraries / "libcudart_static.a").is_file():
            return home / "include", home / libraries
    raise SystemExit(
        f"{nvcc}: no libcudart_static.a under {home}; install nvidia-cuda-runtime or set FULL_W2V_CUDA=off"
    )


def build_all(folder: Path, *, in_place: bool) -> list[Path]:
    """Builds the modules that the settings ask for into the package's `folder`; says so where it builds none.

    Returns the modules' files.
    """
    if mode() == "off":
        print("full-w2v: built without CUDA, since FULL_W2V_CUDA=off")
        return []
    built, suffix = [], str(sysconfig.get_config_var("EXT_SUFFIX"))
    nvcc = find_nvcc()
    if nvcc is None and mode() == "require":
        raise SystemExit(
            "FULL_W2V_CUDA=require, but no nvcc is on PATH, under CUDA_HOME or installed from PyPI"
        )
    if nvcc is None:
        print("full-w2v: built without CUDA: no nvcc is on PATH, under CUDA_HOME or installed from PyPI")
    else:
        built.append(folder / f"_cuda{suffix}")
        build_cuda(nvcc, built[-1])
    if os.environ.get("FULL_W2V_EMULATED", "on" if in_place else "off") == "on":
        built.append(folder / f"_cuda_emulated{suffix}")
        build_emulated(built[-1])
    return built


def python_includes() -> list[str]:
    """Flags for the headers of Python and pybind11."""
    import pybind11

    return [f"-I{sysconfig.get_paths()['include']}", f"-I{pybind11.get_include()}"]


def build_cuda(nvcc: Path, output: Path) -> None:
    """Compiles and links full_w2v._cuda to the file `output`."""
    headers, libraries = toolkit(nvcc)
    targets = target_flags(nvcc)
    compiler = host_compiler()
    steps = []
    for source in KERNELS:
        flags = [
            "-std=c++17",
            "-O3",
            "-Icsrc",
            "-Xcompiler=-fPIC,-fvisibility=hidden",
            "-Xptxas=-v",
            *targets,
        ]
        steps.append((source, [str(nvcc), *flags, "-c"]))
    for source in [*HOST_SOURCES, Path("csrc/bindings/cuda_module.cpp")]:
        flags = [*HOST_FLAGS, *_werror(), *python_includes(), f"-isystem{headers}", "-c"]
        steps.append((source, [*compiler, *flags]))
    objects = compile_all(steps, OBJECTS / "device")
    link = [*objects, str(libraries / "libcudart_static.a"), "-ldl", "-lrt", "-lpthread"]
    _run([*compiler, "-shared", "-o", str(output), *map(str, link)])


def emulated_steps() -> list[tuple[Path, list[str]]]:
    """Sources of full_w2v._cuda_emulated, each with its compiler command."""
    common = [*host_compiler(), *HOST_FLAGS, *_werror(), "-Icsrc/emulator/include"]
    steps = [(source, [*common, *EMULATED_KERNEL_FLAGS, "-c"]) for source in KERNELS]
    steps += [(source, [*common, "-g1", "-c"]) for source in EMULATOR_SOURCES]
    bindings = [*HOST_SOURCES, Path("csrc/bindings/cuda_emulated_module.cpp")]
    return steps + [(source, [*common, *python_includes(), "-c"]) for source in bindings]


def build_emulated(output: Path) -> None:
    """Compiles and links full_w2v._cuda_emulated to the file `output`."""
    link_emulated(compile_all(emulated_steps(), OBJECTS / "emulated"), output)


def link_emulated(objects: list[Path], output: Path) -> None:
    """Links objects of the emulated module to the file `output`."""
    _run([*host_compiler(), "-shared", "-o", str(output), *map(str, objects), "-ldl", "-pthread"])


def host_compiler() -> list[str]:
    """The C++ compiler's command: $CXX, else g++."""
    return (os.environ.get("CXX") or "g++").split()


def compile_all(steps: list[tuple[Path, list[str]]], build: Path) -> list[Path]:
    """Runs the compile commands, several at a time, and returns the objects. For one process at a time."""
    jobs = int(os.environ.get("FULL_W2V_JOBS") or os.cpu_count() or 1)
    build.mkdir(parents=True, exist_ok=True)
    with (build / "lock").open("w") as lock, ThreadPoolExecutor(jobs) as pool:
        _wait_for(lock)
        return list(pool.map(lambda step: compile_one(*step, build), steps))


def _wait_for(lock: IO[str]) -> None:
    """Waits until no other process holds the lock; where files cannot be locked, builds must not overlap."""
    if fcntl is not None:
        fcntl.flock(lock, fcntl.LOCK_EX)


def compile_one(source: Path, command: list[str], build: Path) -> Path:
    """Compiles one source into `build`, unless its object is of the same command and up to date."""
    target = build / source.with_suffix(source.suffix + ".o")
    dependencies, stamp = target.with_suffix(".d"), target.with_suffix(".command")
    target.parent.mkdir(parents=True, exist_ok=True)
    text = " ".join(command)
    if not (stamp.exists() and stamp.read_text() == text and _is_current(target, dependencies)):
        stamp.unlink(missing_ok=True)
        said = _run([*command, "-MD", "-MF", str(dependencies), str(source), "-o", str(target)])
        target.with_suffix(".log").write_text(said)  # ptxas tells registers and spills there
        stamp.write_text(text)
    return target


def _is_current(target: Path, dependencies: Path) -> bool:
    r"""Whether the object is newer than every file of its make rule, `target: file file \\ file ...`."""
    if not (target.exists() and dependencies.exists()):
        return False
    files = dependencies.read_text().split(":", 1)[1].replace("\\\n", " ").split()
    made = target.stat().st_mtime
    return all((path := ROOT / name).exists() and path.stat().st_mtime <= made for name in files)


def _werror() -> list[str]:
    return ["-Werror"] if os.environ.get("FULL_W2V_WERROR") == "1" else []


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr
