"""Imports and includes point one way: a lower room never names a higher one."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# From the bottom up; a module may import from its own row and from the rows above it in this table.
PYTHON_ROOMS = (
    {"_native", "_cuda", "_cuda_emulated", "errors"},
    {"config"},
    {"vocabulary", "corpus"},
    {"encoded", "model", "schedule"},
    {"backends.base"},
    {"backends.reference", "backends.cpu", "backends.cuda"},
    {"backends"},
    {"trainer", "embeddings", "formats", "evaluation"},
    {"word2vec"},
    {"__init__"},
    {"cli"},
    {"__main__"},
)
RANK = {module: rank for rank, modules in enumerate(PYTHON_ROOMS) for module in modules}

# Which rooms of csrc/ a room may include, beside itself.
NATIVE_ROOMS = {
    "sgns": set(),
    "corpus": {"sgns"},
    "cpu": {"sgns"},
    "cuda": {"sgns"},
    "emulator": set(),
    "bindings": {"sgns", "corpus", "cpu", "cuda", "emulator"},
}
SOURCES = {".cpp", ".h", ".cu", ".cuh"}
PYTHON_HEADERS = re.compile(r"Python\.h|pybind11/")
CUDA_HEADERS = re.compile(r"cuda\w*\.h|curand|cooperative_groups")
RUNTIME_CALLS = re.compile(r"<<<|\bcuda[A-Z]\w*\s*\(")


def module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def is_module(package: Path, name: str) -> bool:
    path = package.joinpath(*name.split("."))
    return (name.startswith("_") and name in RANK) or path.is_dir() or path.with_suffix(".py").exists()


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that the imports of a module bring in, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(package: Path, path: Path) -> set[str]:
    """Modules of the package that a file imports, by their names inside it."""
    found = set()
    for name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
        if name == package.name:
            found.add("__init__")
        elif name.startswith(f"{package.name}."):
            inner = name.removeprefix(f"{package.name}.")
            while inner and not is_module(package, inner):
                inner = inner.rpartition(".")[0]
            found.add(inner or "__init__")
    return found


def import_graph(package: Path) -> dict[str, set[str]]:
    files = sorted(package.rglob("*.py"))
    return {module_name(package, path): imported_modules(package, path) for path in files}


def upward_imports(package: Path) -> list[str]:
    """One line for each import that breaks the order of PYTHON_ROOMS."""
    faults = []
    for module, imports in import_graph(package).items():
        if module not in RANK:
            faults.append(f"{module} stands in no row of PYTHON_ROOMS; give it one")
            continue
        for name in sorted(imports):
            if RANK[name] > RANK[module]:
                faults.append(f"{module} imports {name}, which is above it")
            elif RANK[name] == RANK[module] and module.startswith("backends."):
                faults.append(f"{module} imports {name}: backends do not know each other")
    return faults


def native_faults(path: Path, csrc: Path) -> list[str]:
    """One line for each include or call of a native source that its room does not allow."""
    text = path.read_text(encoding="utf-8")
    room = path.relative_to(csrc).parts[0]
    faults = []
    for name in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE):
        target = name.partition("/")[0]
        if target in NATIVE_ROOMS and target != room and target not in NATIVE_ROOMS[room]:
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
    return [f"{path.relative_to(csrc)} {fault}" for fault in faults]


def upward_includes(csrc: Path) -> list[str]:
    sources = sorted(path for path in csrc.rglob("*") if path.suffix in SOURCES)
    return [fault for path in sources for fault in native_faults(path, csrc)]


def files_that_name(package: Path, name: str) -> set[str]:
    pattern = re.compile(rf"\b{name}\b")
    return {
        module_name(package, path)
        for path in package.rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    }


@pytest.fixture(scope="module")
def package(repository) -> Path:
    return repository / "full_w2v"


def test_no_module_imports_from_a_room_above_it(package):
    assert upward_imports(package) == []


def test_imports_have_no_cycle(package):
    graph = import_graph(package)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")
    assert set(graph) <= set(order)


def test_only_the_cpu_backend_uses_the_native_trainer(package):
    assert files_that_name(package, "CpuTrainer") <= {"backends.cpu"}


def test_only_the_cuda_backend_imports_the_cuda_extension(package):
    graph = import_graph(package)
    users = {module for module, imports in graph.items() if imports & {"_cuda", "_cuda_emulated"}}
    assert users <= {"backends.cuda"}


def test_no_native_source_includes_from_a_room_above_it(repository):
    assert upward_includes(repository / "csrc") == []


def test_every_folder_of_csrc_is_a_known_room(repository):
    assert {path.name for path in (repository / "csrc").iterdir()} <= set(NATIVE_ROOMS)


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("config.py", "from full_w2v.trainer import train", "config imports trainer, which is above it"),
        ("config.py", "import full_w2v.cli", "config imports cli, which is above it"),
        ("config.py", "from full_w2v import cli", "config imports cli, which is above it"),
        ("config.py", "from full_w2v import train", "config imports __init__, which is above it"),
        ("config.py", "def late():\n    import full_w2v.model", "config imports model, which is above it"),
        (
            "backends/cpu.py",
            "from full_w2v.backends import open_backend",
            "backends.cpu imports backends, which",
        ),
        ("backends/cpu.py", "from full_w2v.backends.cuda import Cuda", "backends do not know each other"),
        ("oddity.py", "", "oddity stands in no row"),
    ],
)
def test_a_planted_upward_import_is_caught(tmp_path, file, line, fault):
    package = tmp_path / "full_w2v"
    for module in ("__init__", "config", "model", "trainer", "cli", "backends/__init__", "backends/cuda"):
        path = package / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from full_w2v.errors import ConfigError\n")
    (package / "errors.py").write_text("")
    assert upward_imports(package) == []
    (package / file).write_text(f"{line}\n")
    (found,) = upward_imports(package)
    assert fault in found


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("sgns/window.h", '#include "cpu/row.h"', "includes cpu/row.h"),
        ("sgns/window.h", "#include <pybind11/numpy.h>", "only bindings may"),
        ("sgns/window.h", "  #  include <cuda_runtime.h>", "only cuda may"),
        ("cpu/row.h", '#include "cuda/buffer.h"', "includes cuda/buffer.h"),
        ("cuda/buffer.h", '#include "cpu/row.h"', "includes cpu/row.h"),
        ("cuda/buffer.h", '#include "../sgns/params.h"', "instead of a path from csrc/"),
        ("cuda/warp.cuh", "cudaMalloc(&rows, bytes);", "holds kernels only"),
        ("cuda/warp.cuh", "warp_kernel<<<grid, block>>>(model);", "holds kernels only"),
        ("corpus/count.cpp", '#include "bindings/arrays.h"', "includes bindings/arrays.h"),
        ("bindings/cuda.cpp", '#include "cuda/warp.cuh"', "includes the kernels"),
    ],
)
def test_a_planted_upward_include_is_caught(tmp_path, file, line, fault):
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text('#include <vector>\n#include "sgns/params.h"\n')
    assert upward_includes(tmp_path) == []
    path.write_text(f"{line}\n")
    (found,) = upward_includes(tmp_path)
    assert fault in found


@pytest.mark.parametrize("module", ["full_w2v", "full_w2v.cli"])
def test_start_up_imports_nothing_heavy(module):
    # Seconds to import on one core: gensim 2.2, numba 0.5, scipy 0.4. A command should answer at once.
    heavy = ("cupy", "gensim", "llvmlite", "numba", "scipy")
    code = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == []
