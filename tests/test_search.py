"""Neighbours and analogies on a CUDA device through cupy: a stand-in here, the real one with -m gpu."""

import subprocess
import sys

import numpy as np
import pytest
from cupy_stand_in import StandIn

from full_w2v import cli
from full_w2v.embeddings import Embeddings
from full_w2v.errors import BackendError
from full_w2v.evaluation import evaluate, evaluate_analogies


@pytest.fixture(params=["stand-in", pytest.param("cupy", marks=pytest.mark.gpu)])
def arrays(request, monkeypatch):
    """The module that full_w2v imports as cupy."""
    if request.param == "stand-in":
        module = StandIn()
        monkeypatch.setitem(sys.modules, "cupy", module)
        monkeypatch.setattr("full_w2v.evaluation.find_spec", lambda _name: "found")
        return module
    cupy = pytest.importorskip("cupy", reason="needs cupy: pip install 'full-w2v[cuda]'")
    if not cupy.is_available():
        pytest.skip("needs a CUDA device that cupy finds")
    return cupy


@pytest.fixture(scope="module")
def embeddings() -> Embeddings:
    """Random vectors, one of them zero and one twice."""
    vectors = np.random.default_rng(3).normal(size=(500, 20)).astype(np.float32)
    vectors[7], vectors[9] = 0, vectors[8]
    return Embeddings([f"w{i}" for i in range(500)], vectors)


@pytest.fixture
def questions(tmp_path, embeddings):
    """A file of analogies: half of the answers are what the host answers, half are not."""
    lines = [": random"]
    for i in range(0, 400, 4):
        a, b, c = (f"w{word}" for word in (i, i + 1, i + 2))
        right = embeddings.analogy(a, b, c, 1)[0][0]
        lines.append(f"{a} {b} {c} {right if i % 8 else f'w{i + 3}'}")
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.usefixtures("arrays")
def test_neighbours_and_analogies_on_the_device_are_the_hosts(embeddings) -> None:
    placed = embeddings.on_device()
    for word in ("w0", "w7", "w8", "w499"):
        # Candidates are sought there, with their rounding, and compared in float64 here: the same bits.
        assert placed.neighbours(word) == embeddings.neighbours(word)
    assert placed.analogy("w1", "w2", "w3", 20) == embeddings.analogy("w1", "w2", "w3", 20)


@pytest.mark.usefixtures("arrays")
def test_analogies_are_evaluated_on_the_device(embeddings, questions, monkeypatch) -> None:
    monkeypatch.setattr("full_w2v.search.WORD_BLOCK", 64)
    on_host = evaluate_analogies(embeddings, questions)
    assert on_host.correct >= 50
    assert evaluate_analogies(embeddings.on_device(), questions) == on_host


@pytest.mark.usefixtures("arrays")
def test_evaluate_takes_the_device_where_cupy_finds_one(embeddings, questions, monkeypatch) -> None:
    placed = []
    on_device = Embeddings.on_device
    monkeypatch.setattr(Embeddings, "on_device", lambda self: placed.append(on_device(self)) or placed[0])
    found = evaluate(embeddings, analogies=[questions])
    assert found.analogies == (evaluate_analogies(embeddings, questions),)
    assert len(placed) == 1


def test_the_command_evaluates_where_no_device_has_room(embeddings, tmp_path, questions, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", StandIn(room=1000))
    monkeypatch.setattr("full_w2v.evaluation.find_spec", lambda _name: "found")
    with pytest.raises(BackendError, match="do not fit on the CUDA device: Out of memory"):
        embeddings.on_device()
    embeddings.save(tmp_path / "vectors.bin")
    assert cli.main(["evaluate", str(tmp_path / "vectors.bin"), "--analogies", str(questions)]) == 0
    assert "questions" in capsys.readouterr().out


def test_without_cupy_or_a_device_on_device_says_why(embeddings, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    with pytest.raises(BackendError, match=r"cupy cannot be imported .*pip install 'full-w2v\[cuda\]'"):
        embeddings.on_device()
    monkeypatch.setitem(sys.modules, "cupy", StandIn(usable=False))
    with pytest.raises(BackendError, match="cupy finds no CUDA device"):
        embeddings.on_device()


@pytest.mark.usefixtures("arrays")
def test_a_matrix_of_another_shape_is_refused(embeddings) -> None:
    with pytest.raises(ValueError, match=r"shape \(500, 20\) on the device, got float32 of shape \(3, 20\)"):
        embeddings.on_device(np.zeros((3, 20), np.float32))


def test_the_host_searches_without_cupy() -> None:
    code = (
        "import sys, numpy, full_w2v.embeddings as e;"
        "print(e.Embeddings(['a', 'b'], numpy.eye(2)).neighbours('a')); print('cupy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[('b', 0.0)]", "False"]
