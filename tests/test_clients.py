"""Programs from PyPI that train with gensim's class run unchanged with ours, as well as with gensim's."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import clients


@pytest.mark.slow
@pytest.mark.parametrize("client", clients.CLIENTS)
def test_a_client_does_as_well_with_our_class(client: str, repository: Path) -> None:
    if importlib.util.find_spec(client) is None:
        pytest.skip(f"needs the package {client}: see the extra 'clients' of pyproject.toml")
    areas = clients.compare(client, seeds=1)
    assert subprocess.run(
        [sys.executable, repository / "scripts" / "clients.py", "--help"], capture_output=True, check=True
    ).stdout
    # Seeds differ by about 0.01; 0.5 is chance.
    assert areas["full_w2v"][0] > 0.75
    assert areas["full_w2v"][0] > areas["gensim"][0] - 0.05


def test_peptides_and_fragments_are_those_of_chemistry() -> None:
    assert clients.tryptic_peptides("AAAAAKPGGGGKRDDDDDDR") == ["AAAAAKPGGGGK", "DDDDDDR"]
    # The b and y ions of PEPTIDE, as every table of them has it.
    masses = sorted(round(mass, 2) for mass in clients.fragment_masses("PEPTIDE"))
    b_ions, y_ions = (98.06, 227.10, 324.16, 425.20, 538.29, 653.31), (148.06, 263.09, 376.17, 477.22, 574.27)
    for known in (*b_ions, *y_ions):
        assert known in masses


def test_the_area_under_the_curve_is_that_of_its_definition() -> None:
    assert clients.area([3, 4], [1, 2]) == 1
    assert clients.area([1, 2], [1, 2]) == 0.5
    assert clients.area([1, 4], [2, 3]) == 0.5
