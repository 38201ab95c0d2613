"""gensim's own tests of Word2Vec, run with our class."""

import subprocess
import sys
import unittest
from pathlib import Path

import pytest

pytest.importorskip("testfixtures", reason="gensim's tests need the package testfixtures")
import gensim_tests


@pytest.mark.slow
def test_gensims_own_tests_pass_but_for_the_listed_ones(repository: Path, tmp_path: Path) -> None:
    script = repository / "scripts" / "gensim_tests.py"
    # One of them leaves a file in the working folder.
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout or gensim_tests.DIFFERENCES


def planted_tests() -> dict[str, unittest.TestCase]:
    """A test that passes and one that fails, in a class that pytest does not find by itself."""

    class Planted(unittest.TestCase):
        def test_passes(self) -> None:
            assert self.id().endswith("passes")

        def test_fails(self) -> None:
            assert self.id().endswith("passes")

    return {name: Planted(name) for name in ("test_passes", "test_fails")}


@pytest.mark.parametrize(
    ("listed", "status"), [(["test_fails"], 0), (["test_passes"], 1), (["test_fails", "test_passes"], 1)]
)
def test_the_list_of_differences_must_be_exact(
    listed: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = planted_tests()
    names = {name: gensim_tests.name_of(test) for name, test in tests.items()}
    monkeypatch.setattr(gensim_tests, "DIFFERENCES", {names[name]: "planted" for name in listed})
    result = unittest.TestResult()
    unittest.TestSuite(tests.values()).run(result)
    assert gensim_tests.report(result, set(names.values())) == status
