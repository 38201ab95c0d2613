"""The table of gensim's names in full_w2v/drop_in/README.md, and the signatures behind it."""

import inspect
import re
from pathlib import Path

import gensim.models
import pytest
from gensim.utils import SaveLoad

from full_w2v import Word2Vec

KINDS = {"same", "better", "no effect"}
METHODS = [name for name in dir(gensim.models.Word2Vec) if not name.startswith("_")]


def section(repository: Path, title: str) -> dict[str, str]:
    """Names of a table, with what they are here."""
    text = (repository / "full_w2v" / "drop_in" / "README.md").read_text(encoding="utf-8")
    lines = text.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.split("|")[1:4] for line in lines if line.startswith("| `")]
    names = {name: kind.strip() for cell, kind, _ in rows for name in re.findall(r"`(\w+)`", cell)}
    assert sum(len(re.findall(r"`(\w+)`", cell)) for cell, _, _ in rows) == len(names), "a name stands twice"
    return names


def attributes() -> set[str]:
    """Public attributes of gensim's trained models."""
    names: set[str] = set()
    for hs in (0, 1):
        names |= set(vars(gensim.models.Word2Vec([["a", "b"]] * 5, hs=hs)))
    return {name for name in names if not name.startswith("_")} - set(METHODS)


def test_every_name_has_its_place_in_the_table(repository: Path) -> None:
    parameters = set(inspect.signature(gensim.models.Word2Vec).parameters)
    for title, expected in (
        ("Parameters of the constructor", parameters),
        ("Methods", set(METHODS)),
        ("Attributes", attributes()),
    ):
        table = section(repository, title)
        assert set(table) == expected
        assert set(table.values()) <= KINDS


def test_trained_models_have_gensims_attributes_and_no_other_public_one() -> None:
    ours = vars(Word2Vec([["a", "b"]] * 5))
    theirs = vars(gensim.models.Word2Vec([["a", "b"]] * 5))
    assert {name for name in ours if not name.startswith("_")} == {
        name for name in theirs if not name.startswith("_")
    }
    for name, value in theirs.items():
        assert isinstance(ours[name], type(value)), name


@pytest.mark.parametrize("name", ["__init__", *METHODS])
def test_signatures_and_defaults_are_gensims(name: str) -> None:
    theirs = inspect.signature(getattr(SaveLoad if name == "save" else gensim.models.Word2Vec, name))
    ours = inspect.signature(getattr(Word2Vec, name))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


def test_methods_of_ours_are_named_in_the_text(repository: Path) -> None:
    text = (repository / "full_w2v" / "drop_in" / "README.md").read_text(encoding="utf-8")
    own = {name for name in dir(Word2Vec) if not name.startswith("_")} - set(METHODS)
    # Annotations without a value are no attributes of the class.
    assert own == {"sync_vectors"}
    assert all(name in text for name in own)
