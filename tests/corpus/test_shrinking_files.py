"""An encoded corpus that shrinks while it is mapped ends in an error, not in a SIGBUS of the process."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import two_groups

from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import EncodedCorpus, encode_corpus
from full_w2v.errors import CorpusError

# Each is run in a process of its own, which a SIGBUS would end.
TRAIN = """
import os, sys
import full_w2v
from full_w2v.errors import CorpusError
corpus, cache, size = sys.argv[1:]
full_w2v.train(corpus, cache=cache, epochs=1, vector_size=8, threads=2)
(ids,) = [os.path.join(folder, "ids") for folder, _, files in os.walk(cache) if "ids" in files]
try:
    full_w2v.train(corpus, cache=cache, epochs=10**6, vector_size=8, threads=2,
                   on_progress=lambda _: os.truncate(ids, int(size)))
except CorpusError as error:
    sys.exit(str(error))
"""
OTHER_MAPPING = """
import mmap, os, sys
from pathlib import Path
from full_w2v.encoding.encoded_corpus import EncodedCorpus
if sys.argv[3] == "faulthandler":
    import faulthandler
    faulthandler.enable()
corpus = EncodedCorpus.open(sys.argv[1])
other = Path(sys.argv[2]); other.write_bytes(bytes(1 << 16))
with other.open("r+b") as file:
    data = mmap.mmap(file.fileno(), 0)
os.truncate(other, 0)
print(data[1 << 15])
"""


without_a_handler_of_others = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer handles the signal itself"
)


def run(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def kept(tmp_path):
    """A file of an encoded corpus that takes several pages."""
    path = tmp_path / "ids"
    encode_corpus(open_corpus([["a", "b"]] * 20_000), min_count=1, path=path)
    return path


@pytest.mark.parametrize("size", [0, 64, 5000, 4096 * 20, -1])
def test_pages_that_a_file_has_lost_are_zeros_and_then_an_error(kept, size):
    corpus = EncodedCorpus.open(kept)
    whole = kept.stat().st_size
    offsets = np.array(corpus.offsets)
    with kept.open("r+b") as file:
        file.truncate(size if size >= 0 else whole + size)
    assert set(np.unique(corpus.ids).tolist()) <= {0, 1}
    assert np.array_equal(corpus.offsets, offsets)
    with pytest.raises(CorpusError, match=r"ids: the encoded corpus was cut off .* while it was in use"):
        corpus.release()


def test_a_file_that_is_replaced_or_removed_stays_readable(kept):
    corpus = EncodedCorpus.open(kept)
    kept.unlink()
    kept.write_bytes(b"another")
    corpus.release()
    assert int(corpus.ids.sum()) == 20_000


@pytest.mark.parametrize("size", [0, 70_000])
def test_training_on_a_cache_that_shrinks_ends_with_one_clear_error(tmp_path, size):
    corpus = two_groups.write(tmp_path / "corpus.txt")
    done = run(TRAIN, corpus, tmp_path / "cache", size)
    assert done.returncode == 1, done.stderr
    assert "the encoded corpus was cut off" in done.stderr
    assert done.stderr.count("\n") == 1


@without_a_handler_of_others
@pytest.mark.parametrize("handler", ["none", "faulthandler"])
def test_other_mapped_files_end_in_the_signal_as_ever(kept, tmp_path, handler):
    done = run(OTHER_MAPPING, kept, tmp_path / "other", handler)
    assert done.returncode == -signal.SIGBUS
    assert ("Fatal Python error: Bus error" in done.stderr) == (handler == "faulthandler")


@without_a_handler_of_others
def test_the_handler_of_the_signal_lasts_as_long_as_a_mapping(kept):
    script = (
        "import signal, sys; from full_w2v.encoding.encoded_corpus import EncodedCorpus\n"
        "status = lambda: int(open('/proc/self/status').read().split('SigCgt:')[1].split()[0], 16)\n"
        "caught = lambda: status() >> (signal.SIGBUS - 1) & 1\n"
        "before = caught(); corpus = EncodedCorpus.open(sys.argv[1]); during = caught(); corpus.close()\n"
        "print(before, during, caught())"
    )
    assert run(script, kept).stdout.split() == ["0", "1", "0"]
