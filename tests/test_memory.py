"""A corpus of 100 MB trains in little memory, in sentences or on one line."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
# The kernel's mark of this very program: ru_maxrss would count the process that started it too.
TRAIN_AND_SHOW_PEAK = """
import sys
from pathlib import Path
from full_w2v.cli import main
code = main(sys.argv[1:])
print(next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM:")))
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
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
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_AND_SHOW_PEAK, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report, peak = map(json.loads, done.stdout.splitlines())
    assert report["raw_words"] == size // 9  # eight letters and a separator
    assert peak * 1024 < 600 * MEGABYTE
