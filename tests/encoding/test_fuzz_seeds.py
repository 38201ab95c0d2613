"""Inputs that fuzzing found, replayed: those of fuzz_cache.py and, by the binding, native/fuzz_corpus.cpp."""

import os
import tempfile
from pathlib import Path

import numpy as np
from fuzz_cache import check_reader, new_entry

from full_w2v import _native

SEEDS = Path(__file__).parent / "fuzz_seeds"
ERRORS = ("strict", "replace", "ignore")


def seeds(name):
    """One input a line, in hexadecimal."""
    return [bytes.fromhex(line) for line in (SEEDS / name).read_text().splitlines()]


def test_the_cache_reader_refuses_or_can_follow_what_it_takes(tmp_path):
    entry = new_entry(tmp_path)
    taken = [check_reader(entry, tmp_path / "damaged", data) for data in seeds("cache.txt")]
    assert 0 < sum(taken) < len(taken)


def counted(data):
    """What fuzz_corpus.cpp counts of an input fed as text. Raises InvalidTextError if that is refused."""
    flags, block, piece = data[0], 1 + data[1], 1 + data[2]
    limit = flags >> 7
    counter = _native.CorpusCounter(
        threads=1 + flags % 2,
        errors=ERRORS[flags // 2 % 3],
        directory=os.fsencode(tempfile.gettempdir()),
        spill_memory=0 if flags & 64 else 4096,
        block_bytes=block,
        memory_limit=limit,
        min_count=limit,
    )
    counter.begin_source()
    for begin in range(4, len(data), piece):
        counter.feed(data[begin : begin + piece])
    counter.end_source()
    return counter.finish()


def test_the_tokenizer_refuses_or_counts():
    refused = 0
    for data in seeds("corpus.txt"):
        strict = ERRORS[data[0] // 2 % 3] == "strict"
        try:
            words = counted(data)
        except _native.InvalidTextError:
            assert strict, data.hex()
            refused += 1
            continue
        numbers = words.select(1)
        assert words.counts(numbers).sum() == words.tokens, data.hex()
        assert (np.diff(words.counts(numbers)) <= 0).all(), data.hex()
        if strict:
            expected = dict.fromkeys(data[4:].decode("utf-8-sig").split())
            assert words.words(words.in_order()) == list(expected), data.hex()
    assert 0 < refused < len(seeds("corpus.txt"))
