"""What every test may use: the repository's folders, and settings for Hypothesis."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# What tests share explains its failures like the tests themselves.
pytest.register_assert_rewrite("programs", "samples", "small_models")

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile("default", deadline=None)
# Under the sanitizers every example costs several times as much.
settings.register_profile("sanitizers", deadline=None, max_examples=10)
settings.load_profile(os.environ.get("FULL_W2V_HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts slow files first: the processes that share the tests, a file each, then end together."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora and evaluation sets beside the repository; skips where there is none."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the corpora in {folder}, which is not there")
    return folder
