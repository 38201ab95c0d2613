"""What the tests of formats share."""

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that hypothesis's examples share."""
    return tmp_path_factory.mktemp("formats")
