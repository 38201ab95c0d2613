"""Errors of the drop-in speak of Word2Vec's arguments, and of no others."""

from pathlib import Path
from typing import Any

import pytest
from small_models import SENTENCES

from full_w2v import Word2Vec
from full_w2v.errors import ConfigError, CorpusError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": -1}, "workers must be between 1 and 1024, got -1"),
        ({"workers": 0}, "workers must be between 1 and 1024, got 0"),
        ({"workers": 1.5}, "workers must be a whole number, got 1.5"),
        ({"window": 0}, "window must be between 1 and 1000000000, got 0"),
        ({"vector_size": 0}, "vector_size must be between 1 and 65536, got 0"),
        ({"negative": 5000}, "negative must be between"),
    ],
)
def test_settings_are_named_as_gensim_names_them(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Word2Vec(SENTENCES, **{"min_count": 1, "vector_size": 4, "workers": 1, **settings})
    assert "threads" not in str(caught.value)
    assert "hierarchical_softmax" not in str(caught.value)


def test_a_file_that_is_not_utf_8_gets_advice_that_can_be_followed(tmp_path: Path) -> None:
    path = tmp_path / "encoding=x.txt"
    path.write_bytes(b"caf\xe9 noir caf\xe9 noir\n" * 9)
    with pytest.raises(CorpusError) as caught:
        Word2Vec(corpus_file=str(path), min_count=1)
    message = str(caught.value)
    assert message.startswith(f"{path}: line 1 is not UTF-8 (byte 0xe9 at 3); decode with ")
    assert "open(path, encoding='latin-1') or open(path, errors='replace')" in message
    assert message.endswith("pass a list of its split lines as corpus_iterable")
    lines = [line.split() for line in path.open(encoding="latin-1")]
    assert "caf\xe9" in Word2Vec(lines, min_count=1, vector_size=4, workers=1).wv
