"""What every test may use: the repository's folders, and settings for Hypothesis."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# What tests share explains its failures like the tests themselves.
pytest.register_assert_rewrite("programs", "samples", "small_models")

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile("default", deadline=None)
# Under the sanitizers every example costs several times as much.
settings.register_profile("sanitizers", deadline=None, max_examples=10)
PROFILE = os.environ.get("FULL_W2V_HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts slow files first: the processes that share the tests, a file each, then end together.

    Under the sanitizers every fourth case of a parametrised test stands for all.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if PROFILE == "sanitizers":
        cases: Counter[str] = Counter()
        for item in list(items):
            test = item.nodeid.split("[")[0]
            if cases[test] % 4:
                items.remove(item)
                config.hook.pytest_deselected(items=[item])
            cases[test] += 1


def pytest_configure() -> None:
    """Has interrupts end the programs under test, even where a shell started pytest to ignore them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
