"""Imports and includes point one way: a lower room never names a higher one."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

EXTENSIONS = {"_native", "_cuda", "_cuda_emulated"}

# From the bottom up; a module may import from its own row and from the rows above it in this table.
PYTHON_ROOMS = (
    {*EXTENSIONS, "aside", "cgroups", "errors", "locks", "magic", "parts", "streams"},
    {"config"},
    {"vocabulary", "decompression", "huffman", "id_file", "corpus.settings", "corpus.spelling"},
    {"corpus.base", "corpus.feeding", "corpus.outputs", "corpus.places", "corpus.records"},
    {"corpus.files", "corpus.iterables"},
    {"corpus"},
    {"encoded", "model", "schedule", "vocabulary_file"},
    {"cache", "phrases"},
    {"preparation"},
    {"backends.base"},
    {"backends.in_flight"},
    {"backends.reference", "backends.cpu", "backends.cuda"},
    {"backends"},
    {"search", "roofline", "watch"},
    {"trainer", "embeddings", "formats", "evaluation"},
    {
        "bench",
        "pipeline",
        "terminal",
        "word2vec",
        "callbacks",
        "sentences",
        "training_run",
        "model_rows",
        "gensim_names",
    },
    {"__init__"},
    {"cli"},
    {"__main__"},
)
RANK = {module: row for row, modules in enumerate(PYTHON_ROOMS) for module in modules}

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


def rank(module: str) -> int | None:
    """Row of a module in PYTHON_ROOMS; a package's row counts for what is in it, where no row names it."""
    while module and module not in RANK:
        module = module.rpartition(".")[0]
    return RANK.get(module)


def is_module(package: Path, name: str) -> bool:
    """Whether a dotted name inside the package is a module, not something that a module defines."""
    path = package.joinpath(*name.split("."))
    return path.name in EXTENSIONS or path.is_dir() or path.with_suffix(".py").exists()


def imported_modules(package: Path, path: Path, *, deferred: bool = True) -> set[str]:
    """Modules of the package that a file imports, by their names in it; with `deferred` in functions too."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if deferred else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if is_module(package.parent, name) else str(node.module) for name in names}
    inner = {name.partition(".")[2] for name in found if name.partition(".")[0] == package.name}
    return {name or "__init__" for name in inner}


def import_graph(package: Path, *, deferred: bool = True) -> dict[str, set[str]]:
    files = sorted(package.rglob("*.py"))
    return {module_name(package, path): imported_modules(package, path, deferred=deferred) for path in files}


def upward_imports(package: Path) -> list[str]:
    """One line for each import that breaks the order of PYTHON_ROOMS."""
    graph = import_graph(package)
    faults = [
        f"{module} stands in no row of PYTHON_ROOMS; give it one" for module in graph if rank(module) is None
    ]
    for module, name in sorted((module, name) for module, names in graph.items() for name in names):
        own, other = rank(module), rank(name)
        if own is None or other is None:
            continue
        if other > own:
            faults.append(f"{module} imports {name}, which is above it")
        elif other == own and module.startswith("backends."):
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


def test_modules_can_be_imported_in_some_order(package):
    graph = import_graph(package, deferred=False)
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
        ("formats/text.py", "import full_w2v.cli", "formats.text imports cli, which is above it"),
        ("oddity.py", "", "oddity stands in no row"),
    ],
)
def test_a_planted_upward_import_is_caught(tmp_path, file, line, fault):
    package = tmp_path / "full_w2v"
    modules = "__init__ config model trainer cli formats/text backends/__init__ backends/cuda"
    for name in modules.split():
        path = package / f"{name}.py"
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
