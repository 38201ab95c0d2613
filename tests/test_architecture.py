"""Imports and includes point one way, room by room, as the folders are laid out."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# The rooms of full_w2v/ from the bottom up: a folder, or a module next to them. A room may import from the
# rows above it in this table, and from itself; rooms in one row do not know each other.
PYTHON_ROOMS = (
    "aliases any_path errors version _native _cuda _cuda_emulated",
    "checks file_formats machine output search",
    "objectives",
    "config",
    "corpus vocabulary",
    "encoding",
    "model",
    "backends",
    "training",
    "word_vectors",
    "formats",
    "embeddings",
    "evaluation",
    "pipeline bench",
    "drop_in",
    "__init__",
    "cli",
    "__main__",
)
RANK = {room: row for row, rooms in enumerate(PYTHON_ROOMS) for room in rooms.split()}

# Which rooms of csrc/ a room may include, apart from itself.
NATIVE_ROOMS = {
    "contract": "",
    "text": "contract",
    "cpu": "contract",
    "cuda": "contract",
    "emulator": "",
    "bindings": "contract text cpu cuda emulator",
}
SOURCES = {".cpp", ".h", ".cu", ".cuh"}
PYTHON_HEADERS = re.compile(r"Python\.h|pybind11/")
CUDA_HEADERS = re.compile(r"cuda\w*\.h|curand|cooperative_groups")
RUNTIME_CALLS = re.compile(r"<<<|\bcuda[A-Z]\w*\s*\(")


def room_of(module: str) -> str:
    return module.partition(".")[0]


def import_graph(package: Path) -> dict[str, set[str]]:
    """The package's modules that each of its files imports, in functions and for type checkers too."""
    names = {path: module_name(package, path) for path in sorted(package.rglob("*.py"))}
    modules = {*names.values(), "_native", "_cuda", "_cuda_emulated"}
    return {module: imported(path, package.name, modules) for path, module in names.items()}


def module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imported(path: Path, package: str, modules: set[str]) -> set[str]:
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name.partition(".")[2] in modules else str(node.module) for name in whole}
    return {name.partition(".")[2] or "__init__" for name in found if room_of(name) == package}


def import_faults(package: Path) -> list[str]:
    """One line for each import that the layout does not allow."""
    graph = import_graph(package)
    faults = [f"{module} is in no row of PYTHON_ROOMS" for module in graph if room_of(module) not in RANK]
    for module, name in sorted((module, name) for module, names in graph.items() for name in names):
        own, other = room_of(module), room_of(name)
        if name == own and module not in {own, f"{own}.__main__"}:
            faults.append(f"{module} imports its own folder, {name}, in place of a module in it")
        elif own != other and RANK.get(own, 0) <= RANK.get(other, 0):
            faults.append(f"{module} imports {name}, which is not below it")
    return faults


def include_faults(csrc: Path) -> list[str]:
    """One line for each include or call of a native source that its room does not allow."""
    sources = sorted(path for path in csrc.rglob("*") if path.suffix in SOURCES)
    return [
        f"{path.relative_to(csrc)} {fault}"
        for path in sources
        for fault in faults_of(path, path.relative_to(csrc).parts[0])
    ]


def faults_of(path: Path, room: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    faults = []
    for name in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE):
        target = name.partition("/")[0]
        if target in NATIVE_ROOMS and target not in {room, *NATIVE_ROOMS[room].split()}:
            faults.append(f"includes {name}")
        if PYTHON_HEADERS.match(name) and room != "bindings":
            faults.append(f"includes {name}, which only bindings may")
        if CUDA_HEADERS.match(name) and room not in {"cuda", "emulator", "bindings"}:
            faults.append(f"includes {name}, which only cuda may")
        if name.startswith(".."):
            faults.append(f"includes {name} instead of a path from csrc/")
        if name.endswith(".cuh") and room not in {"cuda", "emulator"}:
            faults.append(f"includes the kernels of {name}")
    if path.suffix == ".cuh" and (call := RUNTIME_CALLS.search(text)):
        faults.append(f"calls the CUDA runtime ({call.group()}); a .cuh holds kernels only")
    return faults


def modules_that_name(package: Path, name: str) -> set[str]:
    files = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    return {module_name(package, path) for path, text in files.items() if re.search(rf"\b{name}\b", text)}


@pytest.fixture(scope="module")
def package(repository) -> Path:
    return repository / "full_w2v"


def test_imports_point_one_way(package):
    assert import_faults(package) == []


def test_no_modules_import_each_other(package):
    graph = import_graph(package)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")
    assert set(graph) <= set(order)


def test_no_two_modules_have_one_name(package):
    names = [path.stem for path in package.rglob("*.py") if not path.stem.startswith("__")]
    names += [path.name for path in package.iterdir() if path.is_dir() and not path.name.startswith("__")]
    assert sorted(names) == sorted(set(names))


def test_only_the_backends_use_the_native_trainers(package):
    assert modules_that_name(package, "CpuTrainer") <= {"backends.cpu"}
    users = {module for module, names in import_graph(package).items() if names & {"_cuda", "_cuda_emulated"}}
    assert users <= {"backends.cuda"}


def test_includes_point_one_way(repository):
    assert include_faults(repository / "csrc") == []
    folders = {path.name for path in (repository / "csrc").iterdir() if path.is_dir()}
    assert folders == set(NATIVE_ROOMS)


def test_kernels_lie_in_their_folder(repository):
    assert {path.parent.name for path in (repository / "csrc").rglob("*.cuh")} == {"kernels"}


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("config.py", "from full_w2v.training.run import train", "config imports training.run, which is not"),
        ("config.py", "import full_w2v.cli", "config imports cli, which is not below it"),
        ("config.py", "from full_w2v import cli", "config imports cli, which is not below it"),
        ("config.py", "from full_w2v import train", "config imports __init__, which is not below it"),
        ("config.py", "def late():\n    import full_w2v.model", "config imports model, which is not below"),
        ("backends/cpu.py", "from full_w2v.backends import open_backend", "imports its own folder, backends"),
        ("corpus/files.py", "import full_w2v.vocabulary", "corpus.files imports vocabulary, which is not"),
        ("oddity.py", "", "oddity is in no row"),
    ],
)
def test_a_planted_import_is_caught(tmp_path, file, line, fault):
    package = tmp_path / "full_w2v"
    modules = "__init__ config model vocabulary training/run cli backends/__init__ corpus/paths"
    for name in modules.split():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from full_w2v.errors import ConfigError\n")
    (package / "errors.py").write_text("")
    assert import_faults(package) == []
    (package / file).write_text(f"{line}\n")
    (found,) = import_faults(package)
    assert fault in found


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("contract/window.h", '#include "cpu/row.h"', "includes cpu/row.h"),
        ("contract/window.h", "#include <pybind11/numpy.h>", "only bindings may"),
        ("contract/window.h", "  #  include <cuda_runtime.h>", "only cuda may"),
        ("cpu/row.h", '#include "cuda/buffer.h"', "includes cuda/buffer.h"),
        ("cuda/buffer.h", '#include "cpu/row.h"', "includes cpu/row.h"),
        ("cuda/buffer.h", '#include "../contract/params.h"', "instead of a path from csrc/"),
        ("cuda/kernels/warp.cuh", "cudaMalloc(&rows, bytes);", "holds kernels only"),
        ("cuda/kernels/warp.cuh", "warp_kernel<<<grid, block>>>(model);", "holds kernels only"),
        ("text/count.cpp", '#include "bindings/arrays.h"', "includes bindings/arrays.h"),
        ("bindings/cuda.cpp", '#include "cuda/kernels/warp.cuh"', "includes the kernels"),
    ],
)
def test_a_planted_include_is_caught(tmp_path, file, line, fault):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text('#include <vector>\n#include "contract/params.h"\n')
    assert include_faults(tmp_path) == []
    path.write_text(f"{line}\n")
    (found,) = include_faults(tmp_path)
    assert fault in found


@pytest.mark.parametrize("module", ["full_w2v", "full_w2v.cli"])
def test_start_up_imports_nothing_heavy(module):
    # Seconds to import on one core: gensim 2.2, numba 0.5, scipy 0.4. A command should answer at once.
    heavy = ("cupy", "gensim", "llvmlite", "numba", "scipy")
    code = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == []
