"""Counting within a memory limit: the counts, ids and order that counting without a limit gives."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from corpora import assert_encodes, expected_counts, small_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import LEAST_MEMORY, count_corpus, encode_corpus, encode_with
from full_w2v.errors import ConfigError, CorpusError
from full_w2v.vocabulary import Vocabulary

PEAK = """
import json, sys
from pathlib import Path
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import encode_corpus
def peak():
    lines = Path("/proc/self/status").open()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
before = peak()
limit = int(sys.argv[2]) or None
vocabulary, corpus = encode_corpus(open_corpus(sys.argv[1]), min_count=5, threads=2, memory_limit=limit)
print(json.dumps([len(vocabulary), corpus.tokens, vocabulary.raw_tokens, (peak() - before) * 1024]))
"""
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def write_rare_words(path: Path, megabytes: int) -> Path:
    """Words of nine digits and a space: half of them from a thousand, half from a hundred million."""
    draw = np.random.default_rng(3)
    with path.open("wb") as file:
        for _ in range(megabytes):
            common = draw.integers(0, 1000, 50_000)
            rare = draw.integers(0, 100_000_000, 50_000)
            numbers = np.stack([common, rare], axis=1).ravel()
            digits = (numbers[:, None] // 10 ** np.arange(8, -1, -1) % 10 + ord("0")).astype(np.uint8)
            rows = np.column_stack([digits, np.full(len(digits), ord(" "), np.uint8)])
            rows[19::20, 9] = ord("\n")
            file.write(rows.tobytes())
    return path


def test_a_corpus_of_50_times_the_limit_gives_what_it_gives_without(tmp_path):
    path = write_rare_words(tmp_path / "text", 50)
    results = []
    for limit in (None, LEAST_MEMORY):
        with count_corpus(open_corpus(path), min_count=5, threads=2, memory_limit=limit) as counted:
            corpus = counted.encode()
        results.append((counted.vocabulary, corpus))
    (free, free_corpus), (limited, limited_corpus) = results
    assert path.stat().st_size >= 50 * LEAST_MEMORY * 0.95
    assert list(limited.words) == list(free.words)
    np.testing.assert_array_equal(limited.counts, free.counts)
    np.testing.assert_array_equal(limited_corpus.ids, free_corpus.ids)
    np.testing.assert_array_equal(limited_corpus.offsets, free_corpus.offsets)
    assert limited.raw_tokens == free.raw_tokens == 5_000_000


@pytest.mark.slow  # and left out under the sanitizers, whose own memory would count
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_the_limit_bounds_what_counting_takes(tmp_path):
    path = write_rare_words(tmp_path / "text", 50)
    taken = []
    for limit in (0, 8 << 20):
        run = [sys.executable, "-c", PEAK, str(path), str(limit)]
        *result, bytes_taken = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
        taken.append((result, bytes_taken))
    (free, free_bytes), (limited, limited_bytes) = taken
    assert limited == free
    # 8 MiB of words and as much of ids that wait, blocks on their way, the encoded corpus when checked.
    assert limited_bytes < 48 << 20 < 150 << 20 < free_bytes


@in_one_folder
@given(
    sentences=st.lists(st.lists(st.integers(0, 30).map(str), max_size=9), min_size=1, max_size=60),
    block_bytes=st.integers(1, 40),
    threads=st.integers(1, 3),
    min_count=st.integers(1, 3),
)
def test_runs_merge_into_exact_counts(tmp_path, sentences, block_bytes, threads, min_count):
    path = tmp_path / "text"
    path.write_text("\n".join(" ".join(sentence) for sentence in sentences))
    if not expected_counts(sentences, min_count):
        return
    # With two threads or more the smallest table takes more than a third of its share: a block is a run.
    with small_blocks(block_bytes):
        encoded = encode_corpus(
            open_corpus(path), min_count=min_count, threads=threads, memory_limit=LEAST_MEMORY
        )
        assert_encodes(encoded, sentences, min_count)


def test_text_that_must_be_repaired_may_be_spilled(tmp_path):
    path = tmp_path / "text"
    path.write_bytes("a\u3000b c\xa0a \n".encode() * 3 + b"caf\xe9 caf\xe9\n")
    with small_blocks(7):
        encoded = encode_corpus(
            open_corpus(path, errors="replace"), min_count=1, threads=2, memory_limit=LEAST_MEMORY
        )
    assert_encodes(encoded, [["a", "b", "c", "a"]] * 3 + [["caf\ufffd"] * 2])


def test_a_given_vocabulary_needs_no_more_memory(tmp_path):
    path = write_rare_words(tmp_path / "text", 4)
    words = [f"{number:09}" for number in (7, 3, 999_999_999)]
    vocabulary = Vocabulary(words, np.array([5, 4, 3]))
    free = encode_with(open_corpus(path), vocabulary)
    limited = encode_with(open_corpus(path), vocabulary, memory_limit=LEAST_MEMORY)
    assert set(limited.ids.tolist()) == {0, 1}
    np.testing.assert_array_equal(limited.ids, free.ids)
    np.testing.assert_array_equal(limited.offsets, free.offsets)


def test_no_word_is_frequent_enough(tmp_path):
    path = write_rare_words(tmp_path / "text", 2)
    with pytest.raises(
        CorpusError, match=r"no word occurs 100000 times or more \(min_count=100000\); the most frequent, '0"
    ):
        count_corpus(open_corpus(path), min_count=100_000, memory_limit=LEAST_MEMORY)


def test_a_limit_that_is_too_small_is_refused():
    with pytest.raises(
        ConfigError, match="memory_limit must be a whole number of at least 1048576, got 1000"
    ):
        count_corpus(open_corpus([["a"]]), memory_limit=1000)
