"""Ctrl-C ends a span whatever it still has to do, and one trainer serves one thread at a time."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from full_w2v import _native
from full_w2v.backends.cpu import CpuBackend
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

TOKENS = 100_000


def heavy_job(**settings: Any) -> tuple[Model, EncodedCorpus]:
    """A span that takes minutes: hundreds of contexts a word, with a hundred negatives."""
    random, words = np.random.default_rng(1), 2000
    vocabulary = Vocabulary([f"w{i}" for i in range(words)], np.full(words, 50))
    heavy = {"vector_size": 300, "window": 1000, "negative": 100, "sample": 0, "threads": 2, "epochs": 1}
    model = Model.initialize(vocabulary, TrainConfig(**{**heavy, **settings}))
    ids = random.integers(0, words, TOKENS).astype(np.int32)
    return model, EncodedCorpus(ids, np.array([0, TOKENS], np.int64))


INTERRUPTED = """
import os, signal, sys, threading
sys.path.insert(0, {folder!r})
from test_cpu_interruption import TOKENS, heavy_job
from full_w2v.backends.cpu import CpuBackend
model, corpus = heavy_job(**{settings!r})
before = model.output.copy()
backend = CpuBackend()
changed = 0
for delay in (0.5, 2.0, 8.0):  # a busy machine may not have trained anything so soon
    backend.load(model)
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        backend.train(corpus, 0, TOKENS, 0)
        timer.cancel()
        print("trained the whole span")
    except KeyboardInterrupt:
        backend.read(model)
    changed = (model.output != before).any(axis=1).sum()
    if changed:
        break
print("interrupted", changed > 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill sends no SIGINT there")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"threads": 1, "order": "pair"},
        {"architecture": "cbow", "negative": 1000, "vector_size": 1000},
        {"hierarchical_softmax": True},
        {"share_negatives": 8},
    ],
    ids=str,
)
def test_ctrl_c_ends_a_span_in_the_middle(settings: dict[str, Any]) -> None:
    """The whole span would take minutes, longer than the limit of this test."""
    code = INTERRUPTED.format(folder=os.path.dirname(__file__), settings=settings)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "interrupted True\n", done.stderr


def test_ctrl_c_ends_a_tile_in_the_middle() -> None:
    """Half a minute of one tile, whose 1,000 negatives come in 50 blocks: most of them are left alone."""
    settings = {"share_negatives": 64, "negative": 1000, "vector_size": 8000, "threads": 1}
    code = INTERRUPTED.format(folder=os.path.dirname(__file__), settings=settings)
    code += "print(changed < 400)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout == "interrupted True\nTrue\n", done.stderr


def test_a_trainer_in_use_refuses_another_thread() -> None:
    model, corpus = heavy_job(threads=1)
    backend = CpuBackend()
    backend.load(model)
    trainer = backend._loaded()
    trainer.set_corpus(corpus.ids, corpus.offsets)
    refused: list[str] = []
    calls = {
        "set_corpus": lambda: trainer.set_corpus(corpus.ids, corpus.offsets),
        "train": lambda: trainer.train(0, 1, 0),
        "load": lambda: trainer.load(*model.matrices),
        "read": lambda: trainer.read(*model.matrices),
        "lock": lambda: trainer.lock(np.ones(len(model.input), np.float32)),
        "largest_norm": lambda: trainer.largest_norm(0, 1),
    }

    def interfere() -> None:
        try:
            while not is_in_use():
                time.sleep(0.01)
            for name, call in calls.items():
                with pytest.raises(RuntimeError, match="in use by another thread"):
                    call()
                refused.append(name)
        finally:
            signal.raise_signal(signal.SIGINT)

    def is_in_use() -> bool:
        try:
            trainer.largest_norm(0, 1)
        except RuntimeError:
            return True
        return False

    def train() -> None:
        while not refused:
            with suppress(RuntimeError):  # while the other thread looks whether it is in use
                trainer.train(0, TOKENS, 0)

    other = threading.Thread(target=interfere)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        train()
    other.join()
    assert refused == list(calls)
    assert np.isfinite(trainer.largest_norm(0, len(model.input))), "free again"


def test_a_trainer_without_matrices_says_so() -> None:
    model = heavy_job()[0]
    trainer = untouched(model)
    for name, call in {
        "train": lambda: trainer.train(0, 1, 0),
        "read": lambda: trainer.read(*model.matrices),
        "largest_norm": lambda: trainer.largest_norm(0, 1),
    }.items():
        with pytest.raises(ValueError, match=f"{name} needs matrices; call load first"):
            call()


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="needs page faults by thread")
@pytest.mark.parametrize("settings", [{}, {"row_precision": "bf16"}, {"pin_threads": True}], ids=str)
def test_pages_of_rows_are_first_touched_by_the_threads_that_train(settings: dict[str, Any]) -> None:
    """Each page comes from the memory of the processor whose thread writes it first."""
    words = 100_000
    vocabulary = Vocabulary([f"w{i}" for i in range(words)], np.ones(words, np.int64))
    model = Model.initialize(vocabulary, TrainConfig(vector_size=128, threads=2, **settings))
    model.output[:] = 1.0  # so that its own pages are there
    backend = CpuBackend()
    own, all_threads = faults(resource.RUSAGE_THREAD), faults(resource.RUSAGE_SELF)
    backend.load(model)
    own = faults(resource.RUSAGE_THREAD) - own
    all_threads = faults(resource.RUSAGE_SELF) - all_threads
    # A page holds 2 MiB at most, and matrices of this size are not in memory that was used before.
    pages = 2 * model.input.nbytes // (2 << 20) // (2 if "row_precision" in settings else 1)
    assert all_threads - own >= pages


def faults(who: int) -> int:
    return resource.getrusage(who).ru_minflt


def untouched(model: Model) -> _native.CpuTrainer:
    """A trainer with a corpus, but without rows."""
    from full_w2v.backends.parameters import native_parameters
    from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table

    counts = model.vocabulary.counts
    trainer = _native.CpuTrainer(
        params=_native.SgnsParams(**native_parameters(model.config, len(counts))),
        keep=keep_thresholds(counts, 0),
        noise=noise_table(counts, 0.75),
        threads=1,
    )
    trainer.set_corpus(np.zeros(5, np.int32), np.array([0, 5], np.int64))
    return trainer
