"""CONTRIBUTING.md: the files that it names are there, and no extension takes more of them than it should."""

import re
from pathlib import Path

import pytest

# Files that an extension of each kind may touch.
MOST = {"objective": 10, "kernel": 10, "format": 3, "corpus source": 3, "option": 5}


def steps(repository: Path) -> dict[str, list[str]]:
    """The files of each section "Add a ...", by what is added."""
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## Add an? (.+?)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    return {what: re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE) for what, section in sections}


@pytest.mark.parametrize("what", MOST)
def test_an_extension_takes_few_files_which_exist(repository: Path, what: str) -> None:
    files = steps(repository)[what]
    assert 0 < len(files) <= MOST[what]
    for file in files:
        if "<name>" in file:
            folder, _, ending = (repository / file).as_posix().partition("<name>")
            assert [path for path in Path(folder).glob(f"*{ending}") if path.is_file()], file
        else:
            assert (repository / file).is_file(), file


def test_every_extension_has_its_section(repository: Path) -> None:
    assert set(steps(repository)) == set(MOST)


def test_the_doors_are_those_that_the_examples_use(repository: Path) -> None:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for example, door in (
        ("tests/test_objectives.py", "objectives.register("),
        ("tests/formats/test_registry.py", "file_formats.register("),
    ):
        assert f"`{example}`" in text
        assert door in (repository / example).read_text(encoding="utf-8")


def test_every_folder_is_on_the_map(repository: Path) -> None:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for root in ("csrc", "full_w2v"):
        folders = [
            path
            for path in (repository / root).iterdir()
            if any(path.glob("*.[ch]*")) or any(path.glob("*.py"))
        ]
        for folder in folders:
            if folder.is_dir() and not folder.name.startswith("__"):
                assert f"{root}/{folder.name}" in text, folder.name
