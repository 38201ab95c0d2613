import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import two_groups

import full_w2v
from full_w2v.backends.cpu import CpuBackend
from full_w2v.config import TrainConfig
from full_w2v.errors import BackendError, ConfigError, CorpusError, FormatError, FullW2VError
from full_w2v.training.report import Progress

TINY = {"vector_size": 8, "epochs": 1, "threads": 1, "sample": 0.0, "window": 3, "negative": 3}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return two_groups.write(tmp_path / "corpus.txt")


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def vectors(corpus: object, **settings: object) -> np.ndarray:
    return full_w2v.train(corpus, **{**TINY, **settings}).embeddings.vectors


def test_words_of_a_group_become_neighbours(corpus: Path) -> None:
    embeddings = full_w2v.train(corpus, vector_size=16, epochs=10, sample=0, threads=1).embeddings
    # With 19 companions for each word, 10 neighbours can all be companions; by chance half of them would be.
    shares = [
        two_groups.share_of_companions(embeddings.neighbours(word, 10), word) for word in embeddings.words
    ]
    assert np.mean(shares) > 0.95


@pytest.mark.parametrize("kind", ["str", "path", "list", "tuple"])
def test_a_corpus_may_be_a_path_or_several(corpus: Path, kind: str) -> None:
    sources = {"str": str(corpus), "path": corpus, "list": [str(corpus)], "tuple": (corpus,)}
    assert np.array_equal(vectors(sources[kind]), vectors(corpus))


def test_several_files_are_read_as_one(tmp_path: Path, corpus: Path) -> None:
    lines = corpus.read_text().splitlines(keepends=True)
    parts = [tmp_path / "first.txt", tmp_path / "second.txt"]
    parts[0].write_text("".join(lines[:500]))
    parts[1].write_text("".join(lines[500:]))
    assert np.array_equal(vectors(parts), vectors(corpus))
    assert not np.array_equal(vectors(parts[::-1]), vectors(corpus))


def test_sentences_train_as_the_file_that_holds_them(corpus: Path) -> None:
    sentences = two_groups.sentences()
    from_file = full_w2v.train(corpus, **TINY)
    for source in (sentences, tuple(sentences), (sentence for sentence in sentences), map(tuple, sentences)):
        result = full_w2v.train(source, **TINY)
        assert list(result.model.vocabulary.words) == list(from_file.model.vocabulary.words)
        np.testing.assert_array_equal(result.model.input, from_file.model.input)
        np.testing.assert_array_equal(result.model.output, from_file.model.output)


def test_an_iterable_is_read_once() -> None:
    reads = 0

    class Sentences:
        def __iter__(self) -> Iterator[list[str]]:
            nonlocal reads
            reads += 1
            return iter(two_groups.sentences(200))

    full_w2v.train(Sentences(), **TINY | {"epochs": 3})
    assert reads == 1


def test_settings_may_come_as_a_config_or_by_name(corpus: Path) -> None:
    by_name = full_w2v.train(corpus, **TINY)
    by_config = full_w2v.train(corpus, config=TrainConfig(**TINY))
    np.testing.assert_array_equal(by_name.model.input, by_config.model.input)
    with pytest.raises(ConfigError, match="give either config or settings by name, got both: window"):
        full_w2v.train(corpus, config=TrainConfig(), window=3)


def test_settings_change_the_vectors(corpus: Path) -> None:
    base = vectors(corpus)
    for changed in ({"seed": 2}, {"window": 2}, {"negative": 2}, {"alpha": 0.05}, {"order": "pair"}):
        assert not np.array_equal(base, vectors(corpus, **changed)), changed


@pytest.mark.parametrize("backend", ["cpu", CpuBackend()])
def test_a_backend_may_be_named_or_given(corpus: Path, backend: object) -> None:
    np.testing.assert_array_equal(vectors(corpus, backend=backend), vectors(corpus))


def test_the_report_says_what_was_done(corpus: Path) -> None:
    result = full_w2v.train(corpus, max_final_vocab=30, **TINY | {"loss": True, "epochs": 2})
    report = result.report.to_dict()
    tokens = 1200 * two_groups.WORDS_PER_SENTENCE
    assert report["raw_words"] == 2 * tokens
    kept = int(result.model.vocabulary.counts.sum())
    assert report["trained_words"] == 2 * kept < 2 * tokens  # sample=0: only rare words are dropped
    assert report["pairs"] > report["trained_words"]
    assert len(report["loss"]) == 2
    assert report["settings"] == {"min_count": 5, "max_final_vocab": 30, **result.model.config.to_dict()}
    assert list(report["seconds"]) == ["vocabulary", "encode", "train"]
    assert all(seconds > 0 for seconds in report["seconds"].values())
    assert report["backend"].startswith("cpu (")


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.kv", "v.safetensors", "v.SafeTensors"])
def test_saving_adds_its_time_and_what_is_saved_can_be_loaded(
    tmp_path: Path, corpus: Path, name: str
) -> None:
    result = full_w2v.train(corpus, **TINY)
    result.save(tmp_path / name)
    assert result.report.seconds["save"] > 0
    loaded = full_w2v.Embeddings.load(tmp_path / name)
    np.testing.assert_array_equal(loaded.vectors, result.embeddings.vectors)
    if name.lower().endswith(".safetensors"):
        np.testing.assert_array_equal(full_w2v.load_model(tmp_path / name).output, result.model.output)


def test_a_word_that_the_format_cannot_hold_leaves_an_older_file_alone(tmp_path: Path) -> None:
    result = full_w2v.train([["new york", "is", "big"]] * 20, **TINY)
    path = tmp_path / "vectors.txt"
    path.write_text("older")
    with pytest.raises(FormatError, match=r"vectors.txt: the word 'new york' .* white space"):
        result.save(path)
    assert path.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.txt"]
    result.save(tmp_path / "vectors.safetensors")
    assert "new york" in full_w2v.load_embeddings(tmp_path / "vectors.safetensors")


def test_one_thread_gives_equal_bits_in_every_process(corpus: Path) -> None:
    program = (
        "import sys, hashlib, full_w2v\n"
        f"model = full_w2v.train(sys.argv[1], **{TINY | {'sample': 1e-3, 'epochs': 2}!r}).model\n"
        "print(hashlib.sha256(model.input.tobytes() + model.output.tobytes()).hexdigest())\n"
        "print(hash('two groups'))"
    )
    outcomes = [
        subprocess.run(
            [sys.executable, "-c", program, str(corpus)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]
    model = full_w2v.train(corpus, **TINY | {"sample": 1e-3, "epochs": 2}).model
    here = hashlib.sha256(model.input.tobytes() + model.output.tobytes()).hexdigest()
    assert [bits for bits, _ in outcomes] == [here, here]
    assert outcomes[0][1] != outcomes[1][1]  # or the two processes had hashed alike, and nothing were shown


def test_reading_and_training_report_progress(corpus: Path) -> None:
    phases: list[tuple[str, float, float | None]] = []
    seen: list[Progress] = []
    full_w2v.train(corpus, on_phase=lambda *phase: phases.append(phase), on_progress=seen.append, **TINY)
    tokens = 1200 * two_groups.WORDS_PER_SENTENCE
    assert {name for name, _, _ in phases} == {"vocabulary", "encode"}
    last = {name: (done, total) for name, done, total in phases}
    assert last["vocabulary"] == (corpus.stat().st_size, corpus.stat().st_size)
    assert last["encode"] == (tokens, tokens)
    assert seen[-1].words == seen[-1].total_words == tokens
    assert seen[-1].loss is None


@pytest.mark.parametrize("when", ["on_phase", "on_progress"])
def test_an_interrupt_passes_through_and_leaves_nothing(
    corpus: Path, temporary_folder: Path, when: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        full_w2v.train(corpus, **TINY, **{when: interrupt})
    assert list(temporary_folder.iterdir()) == []


def test_training_leaves_no_temporary_file(corpus: Path, temporary_folder: Path) -> None:
    result = full_w2v.train(corpus, **TINY)
    assert list(temporary_folder.iterdir()) == []
    assert np.isfinite(result.embeddings.vectors).all()


def test_what_an_iterable_raises_is_not_changed() -> None:
    def broken() -> Iterator[list[str]]:
        yield ["a", "b"]
        raise LookupError("my own")

    with pytest.raises(LookupError, match="my own"):
        full_w2v.train(broken(), **TINY)


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (
            iter(["the cat sat", "the dog sat"]),
            "sentence 0 is a plain string, 'the cat sat'; expected a list",
        ),
        (["the cat sat", "the dog sat"], "no such file; strings are treated as paths"),
        ([["the", "cat"], "the dog sat"], "sentence 1 is a plain string"),
        ([["the", 3.5]], "sentence 0 has a token of type float at 1"),
        ([], "holds no tokens"),
        ([[], []], "holds no tokens"),
        (3, "a corpus must be a path, a list of paths or an iterable of token lists, got int"),
        ([["a", "b"]], r"no word occurs 5 times or more \(min_count=5\)"),
    ],
)
def test_what_is_no_corpus_is_refused(sentences: object, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        full_w2v.train(sentences, **TINY)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vector_sise": 3}, "unknown setting vector_sise; did you mean vector_size"),
        ({"lowercas": True}, "unknown setting lowercas; did you mean lowercase"),
        ({"xyz": 1}, "unknown setting xyz; known are .*lowercase.*min_count.*vector_size"),
        ({"phrases": 11}, "passes must be between 1 and 10, got 11"),
        ({"window": 0}, "window must be between 1 and 1000000000, got 0"),
        ({"min_count": -1}, "min_count must be a whole number of at least 0, got -1"),
        ({"min_count": 2.5}, "min_count must be a whole number"),
        ({"max_final_vocab": 0}, "max_final_vocab must be a whole number of at least 1, got 0"),
        ({"encoding": "klingon"}, "encoding must be one that Python knows, such as latin-1, got 'klingon'"),
        ({"errors": "panic"}, "errors must be one of strict, replace, ignore, got 'panic'"),
        ({"backend": "tpu"}, "backend must be one of auto, .*, got 'tpu'"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_read(
    corpus: Path, settings: dict[str, object], message: str
) -> None:
    reads: list[object] = []
    with pytest.raises(ConfigError, match=message):
        full_w2v.train(corpus, on_phase=lambda *phase: reads.append(phase), **TINY | settings)
    assert reads == []


def test_an_unusable_backend_is_refused_before_anything_is_read(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_hardware() -> str:
        raise BackendError("no such machine")

    monkeypatch.setattr(CpuBackend, "hardware", staticmethod(no_hardware))
    reads: list[object] = []
    with pytest.raises(BackendError, match="cpu backend unavailable: no such machine"):
        full_w2v.train(corpus, backend="cpu", on_phase=lambda *phase: reads.append(phase), **TINY)
    assert reads == []


def test_diverged_training_is_an_error(corpus: Path) -> None:
    # A step of 10 is far beyond 1, where a pair's own gradient step stops shrinking its error.
    with pytest.raises(FullW2VError, match=r"training diverged: .* lower alpha, which was 10"):
        full_w2v.train(corpus, **TINY | {"alpha": 10.0, "min_alpha": 10.0, "epochs": 50})


def test_a_result_shows_its_size_and_not_its_words() -> None:
    result = full_w2v.train([["red", "blue"]] * 10, min_count=1, vector_size=4, epochs=1, threads=1)
    assert repr(result).startswith("TrainResult(2 words x 4, backend cpu (")


def test_the_corpus_is_not_overwritten(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c\n" * 20)
    result = full_w2v.train(corpus, vector_size=4, epochs=1, threads=1)
    with pytest.raises(ConfigError, match="is an input and would be overwritten; choose another output"):
        result.save(corpus)
    assert corpus.read_text() == "a b c\n" * 20


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("workers", "threads"),
        ("sg", "architecture"),
        ("hs", "hierarchical_softmax"),
        ("size", "vector_size"),
        ("dim", "vector_size"),
        ("iter", "epochs"),
        ("lr", "alpha"),
        ("minCount", "min_count"),
        ("corpus_file", "the first argument"),
        ("compute_loss", "loss"),
    ],
)
def test_names_of_other_programs_are_answered_with_ours(name: str, ours: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting {name}; here it is {ours}"):
        full_w2v.train([["a", "b"]], **{name: 2})


def test_every_alias_leads_to_a_name_that_exists() -> None:
    from inspect import signature

    from full_w2v.config import setting_names
    from full_w2v.pipeline import ALIASES, Preparation, ReadSettings

    known = {name for kind in (ReadSettings, Preparation, TrainConfig) for name in setting_names(kind)}
    known |= set(signature(full_w2v.train).parameters) | {
        "the first argument",
        "nothing here; save the result: train(...)",
    }
    for alias, ours in ALIASES.items():
        assert alias not in known
        assert ours.partition(",")[0].partition(".save")[0] in known
