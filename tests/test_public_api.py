import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import full_w2v
from full_w2v import _native

SLOW_TO_IMPORT = {"cupy", "gensim", "numba", "numpy", "orjson", "safetensors", "scipy", "tqdm"}


def modules_after(program: str) -> set[str]:
    """Top-level modules that a new process holds after running a program."""
    report = f"{program}\nimport json, sys; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_package_imports_nothing_slow() -> None:
    assert modules_after("import full_w2v; full_w2v.__version__; dir(full_w2v)") & SLOW_TO_IMPORT == set()


def test_training_imports_neither_gensim_nor_the_oracle(tmp_path: Path) -> None:
    program = (
        "import full_w2v\n"
        "full_w2v.train([['a', 'b']] * 9, vector_size=4, epochs=1, threads=1)"
        f".save({str(tmp_path / 'v.safetensors')!r})"
    )
    assert modules_after(program) & {"cupy", "gensim", "numba", "scipy", "tqdm"} == set()


def test_the_command_line_starts_without_gensim() -> None:
    program = "from full_w2v.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert modules_after(program) & {"cupy", "gensim", "numba", "scipy", "tqdm"} == set()


def test_every_public_name_can_be_imported() -> None:
    assert full_w2v.__all__ == sorted(full_w2v.__all__)
    names: dict[str, object] = {}
    exec("from full_w2v import *", names)
    for name in full_w2v.__all__:
        assert names[name] is getattr(full_w2v, name)
        assert names[name].__doc__
    assert set(full_w2v.__all__) <= set(dir(full_w2v))
    assert len(dir(full_w2v)) == len(set(dir(full_w2v)))


def test_a_type_checker_sees_the_names_that_are_imported_on_demand() -> None:
    tree = ast.parse(Path(full_w2v.__file__).read_text(encoding="utf-8"))
    declared = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(full_w2v.__all__) == declared - {"import_module", "TYPE_CHECKING", "Any"}
    assert set(full_w2v.__all__) == set(full_w2v._MODULES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'full_w2v' has no attribute 'word3vec'"):
        _ = full_w2v.word3vec
    assert not hasattr(full_w2v, "word3vec")


def members(node: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    """Public names that a module or class of a stub declares."""
    found: dict[str, ast.stmt] = {}
    for statement in node.body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
            found[statement.name] = statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement
    return {name: statement for name, statement in found.items() if not name.startswith("_")}


def test_the_stub_of_the_native_module_names_what_the_module_has() -> None:
    stub = Path(full_w2v.__file__).with_name("_native.pyi")
    declared = members(ast.parse(stub.read_text(encoding="utf-8")))
    assert set(declared) == {name for name in dir(_native) if not name.startswith("_")}
    for name, statement in declared.items():
        if isinstance(statement, ast.ClassDef) and not issubclass(getattr(_native, name), Exception):
            own = {member for member in vars(getattr(_native, name)) if not member.startswith("_")}
            assert set(members(statement)) == own, name


def test_the_native_module_takes_the_arguments_that_the_stub_names() -> None:
    stub = Path(full_w2v.__file__).with_name("_native.pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            continue
        owner = next(
            (node.name for node in tree.body if isinstance(node, ast.ClassDef) and function in node.body),
            None,
        )
        if owner is not None and issubclass(getattr(_native, owner), Exception):
            continue
        native = getattr(getattr(_native, owner) if owner else _native, function.name)
        arguments = [argument.arg for argument in function.args.args + function.args.kwonlyargs]
        for argument in arguments:
            # pybind11 begins a docstring with the signature.
            assert argument == "self" or f"{argument}:" in native.__doc__, (function.name, argument)
