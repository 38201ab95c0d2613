import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import full_w2v
from full_w2v import _native
from full_w2v.backends.parameters import native_parameters

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
    assert set(full_w2v.__all__) == declared - {"import_module", "TYPE_CHECKING", "Any", "version"}
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
        if owner == "SgnsParams" or (owner and issubclass(getattr(_native, owner), Exception)):
            continue  # the first takes keywords one by one, and is looked at below
        native = getattr(getattr(_native, owner) if owner else _native, function.name)
        arguments = [argument.arg for argument in function.args.args + function.args.kwonlyargs]
        for argument in arguments:
            # pybind11 begins a docstring with the signature.
            assert argument == "self" or f"{argument}:" in native.__doc__, (function.name, argument)


def test_settings_cross_into_native_code_as_the_stub_names_them() -> None:
    stub = Path(full_w2v.__file__).with_name("_native.pyi").read_text(encoding="utf-8")
    (declared,) = (
        node for node in ast.parse(stub).body if isinstance(node, ast.ClassDef) and node.name == "SgnsParams"
    )
    (constructor,) = (node for node in declared.body if isinstance(node, ast.FunctionDef))
    settings = native_parameters(full_w2v.TrainConfig(), vocabulary=3)
    assert {argument.arg for argument in constructor.args.kwonlyargs} == set(settings)
    assert _native.SgnsParams(**settings) is not None
    for name in settings:
        with pytest.raises(TypeError, match=f"SgnsParams needs {name}"):
            _native.SgnsParams(**{other: value for other, value in settings.items() if other != name})
    with pytest.raises(TypeError, match="SgnsParams knows no momentum"):
        _native.SgnsParams(**settings, momentum=1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vector_size", 0, "vector_size must be between 1 and 65536, got 0"),
        ("vocabulary", 2**31, "vocabulary must be between 1 and 2147483647, got 2147483648"),
        ("negative", 0, "negative must be between 1 and 1000, got 0"),
        ("longest_path", 4, "longest_path must be between 0 and 3, got 4"),
        ("step_pairs", 0, "step_pairs must be between 1 and 1073741824, got 0"),
        ("order", "words", "order must be one of window, pair, got 'words'"),
        ("order", "", "order must be one of window, pair, got ''"),
        ("row_precision", "half", "row_precision must be one of float32, bf16, got 'half'"),
    ],
)
def test_native_settings_are_checked(name: str, value: object, message: str) -> None:
    settings = native_parameters(full_w2v.TrainConfig(), vocabulary=3)
    with pytest.raises(ValueError, match=re.escape(message)):
        _native.SgnsParams(**settings | {name: value})


@pytest.mark.parametrize("name", ["row_precision", "score_precision"])
@pytest.mark.parametrize("other", [{"order": "pair"}, {"architecture": "cbow"}, {"longest_path": 2}])
def test_native_code_rounds_for_the_plainest_objective_only(name: str, other: dict[str, object]) -> None:
    settings = native_parameters(full_w2v.TrainConfig(), vocabulary=3)
    rounded = {"row_precision": "bf16", "score_precision": "tf32"}[name]
    with pytest.raises(ValueError, match=f"{name} other than float32 needs skip-gram without a tree"):
        _native.SgnsParams(**settings | other | {name: rounded})
