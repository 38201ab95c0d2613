"""What each command does."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import two_groups
from programs import COMPRESS, SUFFIXES, TINY, TOKENS, Command, Outcome

import full_w2v

COMMANDS = ("train", "evaluate", "neighbours", "vocabulary", "backends", "bench", "convert")


def test_train_prints_one_object(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.txt"
    settings = [
        "--window",
        "3",
        "--no-shrink-windows",
        "--negative",
        "4",
        "--ns-exponent",
        "0.5",
        "--sample",
        "0",
    ]
    rates = ["--alpha", "0.05", "--min-alpha", "0.001", "--seed", "7", "--order", "pair", "--backend", "cpu"]
    limits = ["--min-count", "2", "--max-final-vocab", "30", "--loss", "--epochs", "2", "--vector-size", "6"]
    done = command(
        "train", corpus, "--output", output, "--json", "--threads", "2", *settings, *rates, *limits
    )
    assert done.code == 0
    assert done.err == ""
    report = json.loads(done.out)
    assert report["settings"] == {
        "min_count": 2,
        "max_final_vocab": 30,
        "architecture": "skip-gram",
        "cbow_mean": True,
        "hierarchical_softmax": False,
        "vector_size": 6,
        "window": 3,
        "shrink_windows": False,
        "negative": 4,
        "ns_exponent": 0.5,
        "sample": 0.0,
        "alpha": 0.05,
        "min_alpha": 0.001,
        "epochs": 2,
        "seed": 7,
        "order": "pair",
        "share_negatives": 1,
        "row_precision": "float32",
        "score_precision": "float32",
        "loss": True,
        "threads": 2,
        "pin_threads": False,
    }
    assert list(report["seconds"]) == ["vocabulary", "encode", "train", "save"]
    assert report["raw_words"] == 2 * TOKENS
    assert 0 < report["trained_words"] < report["raw_words"]
    assert report["pairs"] > report["trained_words"]
    assert report["words_per_second"] == pytest.approx(report["raw_words"] / report["seconds"]["train"])
    assert len(report["loss"]) == 2
    assert report["vocabulary"] == len(full_w2v.load_embeddings(output)) <= 30


@pytest.mark.parametrize(("option", "mean"), [("--cbow-mean", True), ("--no-cbow-mean", False)])
def test_train_takes_cbow(command: Command, corpus: Path, tmp_path: Path, option: str, mean: bool) -> None:
    output = tmp_path / "v.safetensors"
    done = command("train", corpus, "--output", output, "--json", "--cbow", option, *TINY)
    assert done.code == 0
    settings = json.loads(done.out)["settings"]
    assert (settings["architecture"], settings["cbow_mean"]) == ("cbow", mean)
    config = full_w2v.load_model(output).config
    assert (config.architecture, config.cbow_mean) == ("cbow", mean)


def test_train_takes_hierarchical_softmax_alone(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.safetensors"
    done = command("train", corpus, "--output", output, "--json", "--hs", "--negative", "0", *TINY)
    assert done.code == 0
    settings = json.loads(done.out)["settings"]
    assert (settings["hierarchical_softmax"], settings["negative"]) == (True, 0)
    model = full_w2v.load_model(output)
    assert model.inner is not None
    assert model.inner.any()
    assert not model.output.any()


def test_train_without_json_prints_a_summary_and_the_loss(
    command: Command, corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "v.bin"
    done = command("train", corpus, "--output", output, "--loss", *TINY)
    assert done.code == 0
    assert done.err == ""
    first, loss = done.out.splitlines()
    assert re.match(rf"{output}: 40 words x 8, trained [\d,]+ of {TOKENS:,} words in [\d,]+ pairs at ", first)
    assert re.fullmatch(r"epoch 1: loss 0\.\d{6}", loss)


def test_train_gives_what_the_python_call_gives(command: Command, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.safetensors"
    assert command("train", corpus, "--output", output, *TINY).code == 0
    expected = full_w2v.train(corpus, vector_size=8, epochs=1, threads=1).model
    model = full_w2v.load_model(output)
    np.testing.assert_array_equal(model.input, expected.input)
    np.testing.assert_array_equal(model.output, expected.output)
    assert model.config == replace(expected.config, threads=0)  # how it was run is not saved


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_train_writes_every_format(command: Command, corpus: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"v{suffix}"
    assert command("train", corpus, "--output", output, *TINY).code == 0
    loaded = full_w2v.load_embeddings(output)
    expected = full_w2v.train(corpus, vector_size=8, epochs=1, threads=1).embeddings
    assert loaded.words == expected.words
    np.testing.assert_array_equal(loaded.vectors, expected.vectors)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_train_reads_compressed_text(command: Command, corpus: Path, tmp_path: Path, suffix: str) -> None:
    packed = tmp_path / f"corpus.txt{suffix}"
    packed.write_bytes(COMPRESS[suffix](corpus.read_bytes()))
    for source, output in ((corpus, "plain.txt"), (packed, "packed.txt")):
        assert command("train", source, "--output", tmp_path / output, *TINY).code == 0
    assert (tmp_path / "packed.txt").read_text() == (tmp_path / "plain.txt").read_text()


def test_train_reads_several_files(command: Command, corpus: Path, tmp_path: Path) -> None:
    packed = tmp_path / "more.txt.gz"
    packed.write_bytes(gzip.compress(two_groups.text(100).encode()))
    done = command("train", corpus, packed, corpus, "--output", tmp_path / "v.txt", "--json", *TINY)
    assert json.loads(done.out)["raw_words"] == 2 * TOKENS + 100 * two_groups.WORDS_PER_SENTENCE


def test_vocabulary_prints_words_by_count(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("b a b é\nc b a é\n")
    assert command("vocabulary", path, "--min-count", "2").out == "b\t3\na\t2\né\t2\n"
    assert command("vocabulary", path, "--min-count", "1", "--max-final-vocab", "2").out == "b\t3\n"
    as_json = command("vocabulary", path, "--min-count", "1", "--threads", "1", "--json").out
    assert list(json.loads(as_json).items()) == [("b", 3), ("a", 2), ("é", 2), ("c", 1)]


def test_what_was_written_is_said_on_stderr(command: Command, tmp_path: Path) -> None:
    path, output = tmp_path / "corpus.txt", tmp_path / "out.txt"
    path.write_text("new york is new york\nis it\n" * 3)
    done = command("vocabulary", path, "--min-count", "4", "--output", output)
    assert done == Outcome(0, "", f"{output}: 3 words that occur 18 times\n")
    joined = ("phrases", path, "--output", output, "--phrase-min-count", "1", "--phrase-threshold", "1")
    assert command(*joined) == Outcome(0, "", f"{output}: 6 sentences of 12 words, 4 of them different\n")
    assert command(*joined, "--quiet") == Outcome(0, "", "")


def test_neighbours_prints_words_of_the_group(command: Command, embeddings: Path) -> None:
    done = command("neighbours", embeddings, "a3", "--count", "3")
    rows = [line.split() for line in done.out.splitlines()]
    assert len(rows) == 3
    assert all(word.startswith("a") and word != "a3" and float(cosine) > 0 for cosine, word in rows)
    found = json.loads(command("neighbours", embeddings, "a3", "b1", "--count", "3", "--json").out)
    assert [word for word, _ in found["a3"]] == [word for _, word in rows]
    assert all(word.startswith("b") for word, _ in found["b1"])
    both = command("neighbours", embeddings, "a3", "b1", "--count", "3").out.splitlines()
    assert (both[0], both[4]) == ("a3:", "b1:")


def test_evaluate_scores_given_files(command: Command, embeddings: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a1\ta2\t9\na1\tb2\t1\na3\ta4\t8\nb1\ta4\t2\nunknown\ta1\t3\n")
    analogies = tmp_path / "analogies.txt"
    analogies.write_text(": groups\na1 a2 a3 a4\n")
    arguments = ("evaluate", embeddings, "--pairs", pairs, "--analogies", analogies)
    report = json.loads(command(*arguments, "--json").out)
    assert report["pairs"][0]["found"] == 4
    assert report["pairs"][0]["total"] == 5
    assert report["pairs"][0]["spearman"] > 0
    assert report["analogies"][0]["found"] == 1
    table = command(*arguments).out
    assert "4 / 5" in table
    assert "1 / 1" in table


def test_evaluate_takes_the_sets_of_gensim_by_default(command: Command, embeddings: Path) -> None:
    report = json.loads(command("evaluate", embeddings, "--json").out)
    assert [(part["name"], part["found"], part["total"]) for part in report["pairs"]] == [
        ("wordsim353", 0, 353),
        ("simlex999", 0, 999),
    ]
    assert report["analogies"][0]["total"] == 19544


def test_backends_prints_each_one(command: Command) -> None:
    lines = command("backends").out.splitlines()
    report = json.loads(command("backends", "--json").out)
    assert [line.split()[0] for line in lines] == list(report)
    assert report["cpu"]["usable"] is True
    assert "scalar" in report["cpu"]["detail"]


def test_backends_shows_and_checks_the_cap_of_the_instruction_set(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULL_W2V_SIMD", "scalar")
    detail = json.loads(command("backends", "--json").out)["cpu"]["detail"]
    assert detail.startswith("scalar (FULL_W2V_SIMD=scalar); ")
    monkeypatch.setenv("FULL_W2V_SIMD", "mmx")
    assert json.loads(command("backends", "--json").out)["cpu"] == {
        "name": "cpu",
        "usable": False,
        "detail": "FULL_W2V_SIMD must be one of scalar, sse2, neon, avx2, avx512, got mmx",
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_convert_keeps_every_value(command: Command, embeddings: Path, tmp_path: Path, suffix: str) -> None:
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.safetensors"
    assert command("convert", embeddings, there) == Outcome(0, "", f"{there}: 40 words x 8\n")
    assert command("convert", there, back) == Outcome(0, "", f"{back}: 40 words x 8\n")
    expected = full_w2v.load_embeddings(embeddings)
    assert full_w2v.load_embeddings(back).words == expected.words
    np.testing.assert_array_equal(full_w2v.load_embeddings(back).vectors, expected.vectors)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith(f"usage: full-w2v {name} [-h]")
    assert re.search(rf"^    {name}\s", command("--help").out, re.MULTILINE)


def test_version(command: Command) -> None:
    assert command("--version") == Outcome(0, f"full-w2v {full_w2v.__version__}\n", "")
