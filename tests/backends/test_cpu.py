import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract_cases import CASES, CBOW_CASES, PATH_CASES, Case, assert_agrees, make_case, run_case
from contract_cases import model as start_of

from full_w2v import _native
from full_w2v.backends.base import SpanStats
from full_w2v.backends.cpu import CpuBackend
from full_w2v.backends.parameters import native_parameters
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.errors import BackendError, ConfigError
from full_w2v.machine import usable_cores
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary

LEVELS = _native.simd_levels()
SETTINGS: list[dict[str, Any]] = [
    {},
    {"order": "pair"},
    {"architecture": "cbow"},
    {"hierarchical_softmax": True},
    {"hierarchical_softmax": True, "architecture": "cbow", "negative": 0},
    {"share_negatives": 2},
]


@pytest.mark.parametrize("case", CASES + CBOW_CASES + PATH_CASES, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_set_agrees_with_the_oracle(level: str, case: Case) -> None:
    assert_agrees(CpuBackend(level), case)


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_tree_of_one_word_trains_nothing(level: str, architecture: str) -> None:
    one = make_case(
        "one", vocabulary=1, hierarchical_softmax=True, negative=0, architecture=architecture, sample=0
    )
    run = run_case(CpuBackend(level), one)
    assert run.stats == SpanStats(words=sum(one.lengths))
    np.testing.assert_array_equal(run.input, start_of(one).input)


def zipf_model(
    threads: int = 1, sentences: int = 1000, longest: int = 60, **settings: object
) -> tuple[Model, EncodedCorpus]:
    """A model and a corpus of Zipf's frequencies: 30,000 tokens in sentences of 0 to 60 words unless told."""
    random = np.random.default_rng(7)
    words = 400
    share = 1.0 / np.arange(1, words + 1)
    lengths = random.integers(0, longest + 1, sentences)
    ids = random.choice(words, int(lengths.sum()), p=share / share.sum()).astype(np.int32)
    counts = np.maximum(np.bincount(ids, minlength=words), 1).astype(np.int64)
    vocabulary = Vocabulary([f"w{i}" for i in range(words)], counts)
    defaults = {"vector_size": 33, "sample": 1e-2, "epochs": 2}
    config = TrainConfig(**{**defaults, "threads": threads, **settings})
    corpus = EncodedCorpus(ids, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return Model.initialize(vocabulary, config), corpus


def trained(backend: CpuBackend, model: Model, corpus: EncodedCorpus, cuts: list[int]) -> Model:
    backend.load(model)
    borders = [0, *cuts, corpus.tokens]
    for epoch in range(model.config.epochs):
        for begin, end in pairwise(borders):
            backend.train(corpus, begin, end, epoch)
    backend.read(model)
    backend.close()
    return model


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_one_thread_gives_the_same_bits_however_the_corpus_is_cut(
    level: str, settings: dict[str, Any]
) -> None:
    whole, corpus = zipf_model(**settings)
    parts, _ = zipf_model(**settings)
    trained(CpuBackend(level), whole, corpus, [])
    trained(CpuBackend(level), parts, corpus, [1, 17, 9000, 9001, 20000])
    for of_whole, of_parts in zip(whole.matrices, parts.matrices, strict=True):
        np.testing.assert_array_equal(of_whole, of_parts)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("longest", [2, 60])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"share_negatives": 2},
        {"share_negatives": 64},
        {"architecture": "cbow", "hierarchical_softmax": True, "negative": 0},
        {"hierarchical_softmax": True, "negative": 1},
        {"hierarchical_softmax": True, "negative": 2},
    ],
    ids=str,
)
def test_full_chunks_give_the_same_bits_as_small_ones(
    level: str, longest: int, settings: dict[str, Any]
) -> None:
    """Every token of chunks of 8,192 is kept; with `longest` 2 each tile is of one or two words."""
    few = {"sentences": 80_000 // longest, "longest": longest, "vector_size": 8, "sample": 0.0, "epochs": 1}
    whole, corpus = zipf_model(**few, **settings)
    parts, _ = zipf_model(**few, **settings)
    assert corpus.tokens > 4 * 8192
    trained(CpuBackend(level), whole, corpus, [])
    trained(CpuBackend(level), parts, corpus, list(range(500, corpus.tokens, 500)))
    for of_whole, of_parts in zip(whole.matrices, parts.matrices, strict=True):
        np.testing.assert_array_equal(of_whole, of_parts)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("settings", [{}, {"order": "pair"}, {"architecture": "cbow"}], ids=str)
def test_scores_of_any_size_have_their_sigmoid(level: str, settings: dict[str, Any]) -> None:
    """One word predicts the other with a score s and label 1: its row takes alpha (1 - sigmoid(s)) s."""
    sizes = [88.0, 100.0, 1e4, *np.linspace(4.9e13, 9.8e13, 64), 3e38]
    config = TrainConfig(
        vector_size=1,
        window=1,
        negative=1,
        sample=0,
        epochs=1,
        alpha=1e-6,
        min_alpha=1e-6,
        threads=1,
        **settings,
    )
    corpus = EncodedCorpus(np.array([0, 1], np.int32), np.array([0, 2], np.int64))
    for size in np.array(sizes, np.float32):
        for score in (size, -size):
            model = Model.initialize(Vocabulary(["a", "b"], np.array([5, 5])), config)
            model.input[:] = [[0.0], [1.0]]
            model.output[:] = [[score], [0.0]]
            trained(CpuBackend(level), model, corpus, [])
            step = 0.0 if score > 0 else float(score) * config.alpha
            np.testing.assert_allclose(model.input[:, 0], [0.0, 1.0 + step], rtol=1e-6, atol=1e-30)
            assert np.isfinite(model.output).all()


def test_two_threads_train_every_word_once() -> None:
    one, corpus = zipf_model()
    two, _ = zipf_model(threads=2)
    counts = []
    for model in (one, two):
        backend = CpuBackend()
        backend.load(model)
        counts.append([backend.train(corpus, 0, corpus.tokens, epoch) for epoch in range(2)])
        backend.read(model)
    assert [(s.words, s.pairs) for s in counts[0]] == [(s.words, s.pairs) for s in counts[1]]
    # Races reorder updates and now and then lose one. Were one of the two threads' work missing, the output
    # rows, which begin at zero, would be 8 % shorter (measured); races alone change them by 0.3 %.
    assert np.linalg.norm(two.output) == pytest.approx(np.linalg.norm(one.output), rel=0.05)


def cores_of_threads() -> set[str]:
    """The cores that each thread of this process may use now, as in "0" or "0-1"."""
    found = set()
    for status in Path("/proc/self/task").glob("*/status"):
        with suppress(OSError):  # the thread has ended
            found |= set(re.findall(r"Cpus_allowed_list:\s*(\S+)", status.read_text(encoding="ascii")))
    return found


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads can be pinned on Linux only")
@pytest.mark.skipif(usable_cores() < 2, reason="needs two cores: on one there is nothing to tell apart")
def test_pinned_threads_keep_to_a_core_each_while_they_train() -> None:
    model, corpus = zipf_model(threads=2, pin_threads=True)
    cores = os.sched_getaffinity(0)
    wanted = {str(core) for core in sorted(cores)[:2]}
    backend, seen = CpuBackend(), set()
    backend.load(model)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(1000):  # trainings so short that a look at the threads may miss one
            training = pool.submit(backend.train, corpus, 0, corpus.tokens, 0)
            while not training.done():
                seen |= cores_of_threads()
            if wanted <= seen:
                break
        after = pool.submit(os.sched_getaffinity, 0).result()
    assert wanted <= seen
    assert after == cores  # the caller's own thread has them back


@pytest.mark.parametrize("level", LEVELS)
def test_asking_for_the_loss_changes_rows_by_roundings_only(level: str) -> None:
    silent, corpus = zipf_model()
    asked, _ = zipf_model(loss=True)
    trained(CpuBackend(level), silent, corpus, [])
    trained(CpuBackend(level), asked, corpus, [])
    # The loss is summed beside the same updates, in kernels that may round otherwise.
    for of_asked, of_silent in zip(asked.matrices, silent.matrices, strict=True):
        np.testing.assert_allclose(of_asked, of_silent, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("settings", SETTINGS[2:], ids=str)
def test_asking_for_the_loss_changes_no_bit(level: str, settings: dict[str, Any]) -> None:
    silent, corpus = zipf_model(**settings)
    asked, _ = zipf_model(**settings, loss=True)
    trained(CpuBackend(level), silent, corpus, [])
    trained(CpuBackend(level), asked, corpus, [])
    for of_asked, of_silent in zip(asked.matrices, silent.matrices, strict=True):
        np.testing.assert_array_equal(of_asked, of_silent)


def test_simd_cap_chooses_the_widest_level_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = zipf_model()
    for level in LEVELS:
        monkeypatch.setenv("FULL_W2V_SIMD", level)
        backend = CpuBackend()
        backend.load(model)
        assert backend.description == f"{level}, 1 thread"
    monkeypatch.delenv("FULL_W2V_SIMD")
    backend = CpuBackend()
    backend.load(model)
    assert backend.description == f"{LEVELS[-1]}, 1 thread"


def test_an_unknown_simd_cap_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"FULL_W2V_SIMD must be one of scalar, .*, got sse9"):
        CpuBackend("sse9")


def test_training_before_load_is_refused() -> None:
    with pytest.raises(BackendError, match=r"call load\(\) first"):
        CpuBackend().train(zipf_model()[1], 0, 1, 0)


@pytest.mark.parametrize("bad_id", [-1, 400])
def test_a_word_id_outside_the_vocabulary_is_refused_and_nothing_trained(bad_id: int) -> None:
    model, corpus = zipf_model()
    ids = corpus.ids.copy()
    ids[-1] = bad_id
    backend = CpuBackend()
    backend.load(model)
    before = model.output.copy()
    with pytest.raises(ValueError, match=f"word ids must be between 0 and 399, got {bad_id}"):
        backend.train(EncodedCorpus(ids, corpus.offsets), 0, corpus.tokens, 0)
    backend.read(model)
    np.testing.assert_array_equal(model.output, before)


def test_offsets_that_do_not_cover_the_ids_are_refused() -> None:
    model, corpus = zipf_model()
    backend = CpuBackend()
    backend.load(model)
    for offsets in ([0, 5], [1, corpus.tokens], [0, 9, 3, corpus.tokens]):
        with pytest.raises(ValueError, match="offsets must rise from 0 to the number of ids"):
            backend.train(EncodedCorpus(corpus.ids, np.array(offsets, np.int64)), 0, 1, 0)


def test_native_arguments_are_checked() -> None:
    model, _ = zipf_model()
    counts = model.vocabulary.counts
    good = {
        "params": _native.SgnsParams(**native_parameters(model.config, len(counts))),
        "keep": keep_thresholds(counts, 1e-3),
        "noise": noise_table(counts, 0.75),
        "threads": 1,
    }
    with pytest.raises(ValueError, match=r"keep must have shape \(400\), got \(399\)"):
        _native.CpuTrainer(**good | {"keep": good["keep"][1:].copy()})
    with pytest.raises(ValueError, match="an alias is out of range"):
        _native.CpuTrainer(**good | {"noise": np.full((400, 2), 400, np.uint32)})
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        _native.CpuTrainer(**good | {"threads": 0})
    with pytest.raises(TypeError):
        _native.CpuTrainer(**good | {"keep": good["keep"].astype(np.int64)})
    tree = HuffmanTree.from_counts(counts)
    config = replace(model.config, hierarchical_softmax=True)
    paths = good | {
        "params": _native.SgnsParams(**native_parameters(config, len(counts), tree)),
        "path_offsets": tree.offsets,
        "path_steps": tree.steps,
    }
    with pytest.raises(ValueError, match="must be given if and only if longest_path is"):
        _native.CpuTrainer(**paths | {"path_steps": None})
    for wrong in ({"path_steps": tree.steps + 800}, {"path_offsets": tree.offsets[::-1].copy()}):
        with pytest.raises(ValueError, match="path_offsets and path_steps must be paths of a Huffman tree"):
            _native.CpuTrainer(**paths | wrong)
    with pytest.raises(ValueError, match="inner must be given if and only if there is a tree"):
        _native.CpuTrainer(**paths).load(model.input, model.output)
    trainer = _native.CpuTrainer(**good)
    with pytest.raises(ValueError, match=r"input must have shape \(400, 33\), got \(400, 32\)"):
        trainer.load(np.zeros((400, 32), np.float32), model.output)
