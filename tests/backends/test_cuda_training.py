"""A small corpus end to end on CUDA: the CPU's loss, the planted answers, and the command line."""

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from full_w2v import cli
from full_w2v.backends import Backend
from full_w2v.backends.cuda import DEVICE_VARIABLE
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus
from full_w2v.errors import BackendError
from full_w2v.model import Model
from full_w2v.pipeline import train
from full_w2v.training.run import Run

COUNTRIES = 8


@pytest.fixture(scope="module")
def questions(repository) -> list[list[str]]:
    """The planted analogies a : b = c : d of the first countries and their capitals."""
    text = (repository / "data/planted-analogies.txt").read_text(encoding="utf-8")
    section = next(part for part in text.split(": ") if part.startswith("capital-of"))
    lines = [line.split() for line in section.splitlines()[1:]]
    chosen = set(sorted({question[0] for question in lines})[:COUNTRIES])
    return [question for question in lines if {question[0], question[2]} <= chosen]


@pytest.fixture(scope="module")
def sentences(repository, questions) -> list[str]:
    """The sentences of the planted corpus that name one of these: 9,000 words."""
    named = set(chain.from_iterable(questions))
    lines = (repository / "data/planted.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if named & set(line.split()) and len(line.split()) < 40]


def accuracy(vectors: np.ndarray, ids: dict[str, int], questions: list[list[str]]) -> float:
    """Share of the questions that 3CosAdd answers among all words (Mikolov, Yih and Zweig 2013)."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    a, b, c, d = np.array([[ids[word] for word in question] for question in questions]).T
    scores = (unit[b] - unit[a] + unit[c]) @ unit.T
    rows = np.arange(len(questions))
    for given in (a, b, c):
        scores[rows, given] = -np.inf
    return float(np.mean(scores.argmax(1) == d))


@pytest.mark.slow
def test_training_reaches_the_cpu_backends_loss_and_the_planted_answers(
    device, sentences, questions, monkeypatch
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, device.name)
    device.configure("seed=1")
    settings = {"vector_size": 32, "window": 4, "epochs": 5, "alpha": 0.15, "sample": 3e-3, "loss": True}
    words = [line.split() for line in sentences]
    on_cuda = train(words, min_count=1, backend="cuda", **settings)
    on_cpu = train(words, min_count=1, backend="cpu", threads=1, **settings)
    assert on_cuda.report.trained_words == on_cpu.report.trained_words
    assert on_cuda.report.pairs == on_cpu.report.pairs
    # Four sentences in flight, and the ring: the order of updates differs, not what they sum up to.
    assert on_cuda.report.loss == pytest.approx(on_cpu.report.loss, rel=0.02)
    right = accuracy(on_cuda.model.input, on_cuda.model.vocabulary.ids, questions)
    assert right >= 0.9
    assert right >= accuracy(on_cpu.model.input, on_cpu.model.vocabulary.ids, questions) - 0.1


@pytest.mark.parametrize(("order", "kernel"), [("window", "warp"), ("pair", "block")])
def test_the_command_trains_on_the_device(
    device, sentences, tmp_path: Path, monkeypatch, capsys, order: str, kernel: str
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, device.name)
    corpus, output = tmp_path / "corpus.txt", tmp_path / "model.safetensors"
    corpus.write_text("\n".join(sentences[:60]), encoding="utf-8")
    options = [
        "--vector-size",
        "16",
        "--min-count",
        "1",
        "--epochs",
        "2",
        "--loss",
        "--json",
        "--quiet",
        "--backend",
        "cuda",
    ]
    code = cli.main(["train", str(corpus), "--output", str(output), "--order", order, *options])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert f"kernel {kernel}" in report["backend"]
    assert report["loss"][1] < report["loss"][0]
    assert output.is_file()


def test_backends_says_what_the_cuda_backend_runs_on(device, monkeypatch, capsys) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, device.name)
    assert cli.main(["backends"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("cuda"))
    assert "kernels warp (order window)" in line
    assert line.endswith("by default warp for order window, block for order pair")


def test_backends_says_which_kernel_takes_over_where_the_ring_does_not_fit(
    device, monkeypatch, capsys
) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told its shared memory")
    monkeypatch.setenv(DEVICE_VARIABLE, device.name)
    device.configure("shared_bytes=4096")
    assert cli.main(["backends"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("cuda"))
    assert "by default register for order window (kernel warp needs" in line
    assert "the device has 4096; kernel register is used), register for order pair (kernel block" in line


def test_a_device_that_fails_leaves_the_last_complete_epochs_model(device, sentences) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told to fail")
    words = [line.split() for line in sentences[:40]]
    rates = {"alpha": 0.05, "min_alpha": 0.05}
    complete = train(words, min_count=1, vector_size=8, epochs=2, backend=device.backend(), **rates).model
    with count_corpus(open_corpus(words), min_count=1) as counted, counted.encode() as corpus:
        model = Model.initialize(counted.vocabulary, replace(complete.config, epochs=3))
        device.configure("fail_after_launches=2")
        with pytest.raises(BackendError, match=r"failed on CUDA device 0 .*cudaErrorLaunchFailure"):
            train_all(model, corpus, device.backend())
    np.testing.assert_array_equal(model.input, complete.input)
    np.testing.assert_array_equal(model.output, complete.output)


def train_all(model: Model, corpus: EncodedCorpus, backend: Backend) -> None:
    with Run(model, corpus, backend=backend) as training:
        training.complete()
