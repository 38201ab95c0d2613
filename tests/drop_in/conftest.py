"""What the tests of the drop-in share."""

from pathlib import Path

import gensim.models
import pytest
import two_groups


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return two_groups.write(tmp_path / "corpus.txt")


@pytest.fixture
def no_gensim_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes gensim's own training fail."""

    def fail(*_: object, **__: object) -> None:
        pytest.fail("gensim trained")

    for name in ("_train_epoch", "_train_epoch_corpusfile", "_do_train_job", "train"):
        monkeypatch.setattr(gensim.models.Word2Vec, name, fail)
