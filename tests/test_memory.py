"""A corpus of 100 MB trains in little memory, in sentences or on one line."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTE = 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", " "], ids=["sentences", "one line"])
def test_100_megabytes_train_in_less_than_600(tmp_path: Path, end: str) -> None:
    draw = random.Random(11)
    words = [f"word{number:04}" for number in range(5000)]
    lines = (" ".join(draw.choices(words, k=20)) + end for _ in range(MEGABYTE // 180))
    block = "".join(lines).encode()
    corpus = tmp_path / "corpus.txt"
    with corpus.open("wb") as file:
        for _ in range(100):
            file.write(block)
    size = corpus.stat().st_size
    assert size > 99 * MEGABYTE
    # Such a low threshold drops nine words of ten: the memory is the same, the time is not.
    arguments = [
        "train",
        corpus,
        "--output",
        tmp_path / "v.bin",
        "--sample",
        "1e-6",
        "--epochs",
        "1",
        "--json",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "full_w2v.cli", *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    report = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert report["raw_words"] == size // 9  # eight letters and a separator
    kibibytes = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    assert kibibytes * 1024 < 600 * MEGABYTE
