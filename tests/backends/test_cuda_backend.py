"""The CUDA backend around the kernels: streams, failures, limits, and arrays on the device."""

import ctypes
import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cuda_devices import KERNEL_ORDERS, train
from cupy_stand_in import StandIn
from small_training import corpus, model

from full_w2v.backends.base import SpanStats
from full_w2v.backends.cuda import CudaBackend
from full_w2v.embeddings import Embeddings
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.errors import BackendError, DivergenceError
from full_w2v.training.run import train_model


@pytest.mark.parametrize(("kernel", "order"), KERNEL_ORDERS)
def test_a_streamed_corpus_trains_the_same_as_a_resident_one(device, kernel: str, order: str) -> None:
    """Launches are cut inside sentences: what windows reach beyond a cut is copied too."""
    device.configure()
    start = model(order=order, epochs=1)
    resident = train(device.backend(kernel), start, corpus())
    device.configure("seed=5")
    streamed = train(
        device.backend(kernel, corpus_bytes=0, launch_tokens=1000, launch_segments=3), start, corpus()
    )
    np.testing.assert_array_equal(streamed.input, resident.input)
    np.testing.assert_array_equal(streamed.output, resident.output)
    assert (streamed.stats.words, streamed.stats.pairs) == (resident.stats.words, resident.stats.pairs)
    # Sums of float64 over launches instead of over one.
    assert streamed.stats.loss == pytest.approx(resident.stats.loss, rel=1e-12)


def test_copies_and_training_overlap_in_any_order(device) -> None:
    """Each seed orders the streams anew: a slot overwritten in use, or not yet filled, would show."""
    if device.emulator is None:
        pytest.skip("a device cannot be told the order of its streams")
    tokens = corpus((30,) * 9)
    start = model(vector_size=8, negative=1)
    resident = train(device.backend(), start, tokens)
    for seed in range(1, 21):
        device.configure(f"seed={seed},check=1")
        backend = device.backend(corpus_bytes=0, launch_tokens=40, launch_segments=1)
        streamed = train(backend, start, tokens)
        assert device.emulator.most_launches_in_flight() >= 2
        np.testing.assert_array_equal(streamed.input, resident.input)
        np.testing.assert_array_equal(streamed.output, resident.output)


def test_several_launches_are_in_flight(device) -> None:
    if device.emulator is None:
        pytest.skip("a device does not tell")
    tokens = corpus((10,) * 20)
    for limit, most in ((100, 1), (1, 4)):
        device.configure()
        train(device.backend(launch_segments=limit), model(vector_size=4), tokens)
        assert device.emulator.most_launches_in_flight() >= most


def test_training_runs_on_a_stream_of_somebody_else(device) -> None:
    if device.emulator is None:
        pytest.skip("needs a library that makes streams")
    device.configure("seed=2")
    expected = train(device.backend(), model(), corpus((50,)))
    stream = device.emulator.create_stream()
    found = train(device.backend(stream=stream), model(), corpus((50,)))
    device.emulator.destroy_stream(stream)  # still theirs
    np.testing.assert_array_equal(found.input, expected.input)


def test_a_device_is_chosen_by_its_number(device, monkeypatch) -> None:
    if device.emulator is None:
        pytest.skip("needs two devices")
    monkeypatch.setattr("full_w2v.backends.cuda._import", lambda *_: device.emulator)
    device.configure("devices=2,fail_after_launches=0")
    backend = CudaBackend("1")
    backend.load(model())
    with pytest.raises(BackendError, match=r"failed on CUDA device 1 \(emulated device\)"):
        backend.train(corpus((50,)), 0, 50, 0)
    with pytest.raises(BackendError, match="cudaErrorLaunchFailure"):
        CudaBackend("1")  # the fault stays with the process
    device.configure("devices=2")
    with pytest.raises(BackendError, match="CUDA device must be below 2, the number of devices, got 2"):
        CudaBackend("2")


@pytest.mark.parametrize("options", [{}, {"corpus_bytes": 0, "launch_tokens": 700}])
def test_any_spans_train_the_same(device, options: dict[str, int]) -> None:
    device.configure()
    tokens = corpus()
    whole = train(device.backend(**options), model(), tokens)
    parts = train(device.backend(**options), model(), tokens, cuts=(1, 41, 42, 500, 1100, 2641, 2642, 4000))
    np.testing.assert_array_equal(parts.input, whole.input)
    np.testing.assert_array_equal(parts.output, whole.output)
    assert (parts.stats.words, parts.stats.pairs) == (whole.stats.words, whole.stats.pairs)


def test_many_blocks_in_flight_train_every_word_once(device) -> None:
    device.configure("resident_blocks=7,seed=3")
    order, flight = (
        train(device.backend(), model(), corpus()),
        train(device.backend(blocks=64), model(), corpus()),
    )
    assert (flight.stats.words, flight.stats.pairs) == (order.stats.words, order.stats.pairs)
    assert device.most_resident() > 1
    # Seven sentences in flight score with rows that are up to seven sentences old.
    assert flight.stats.loss == pytest.approx(order.stats.loss, rel=0.02)


def test_matrices_that_exceed_the_device_are_refused_with_the_sizes(device) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told its memory")
    device.configure("memory_bytes=8000")
    with pytest.raises(
        BackendError, match=r"two matrices of 60 words and 20 values need 1 MiB.*about \d+ words would fit"
    ):
        device.backend().load(model())


def test_a_corpus_that_cannot_be_bound_leaves_none_bound(device) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told its memory")
    device.configure("memory_bytes=200000")
    small, large = corpus((50,)), corpus((100_000,))
    backend = device.backend(corpus_bytes=1 << 40)
    backend.load(model())
    backend.train(small, 0, 50, 0)
    with pytest.raises(BackendError, match="cudaErrorMemoryAllocation"):
        backend.train(large, 0, large.tokens, 0)
    with pytest.raises(ValueError, match="needs a corpus"):
        backend._trainer.train(0, 50, 0)
    found = backend.train(small, 0, 50, 0)
    backend.close()
    again = device.backend()
    again.load(model())
    again.train(small, 0, 50, 0)
    assert found == again.train(small, 0, 50, 0)
    again.close()


def test_a_failure_names_the_call_and_the_device_and_leaves_the_last_epochs_model(device, caplog) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told to fail")
    device.configure("fail_after_launches=1")
    complete = model()
    first = device.backend()
    first.load(complete)
    first.train(corpus(), 0, corpus().tokens, 0)
    first.read(complete)

    device.configure("fail_after_launches=1")
    trained = model()
    backend = device.backend()
    backend.load(trained)
    tokens = corpus()
    backend.train(tokens, 0, tokens.tokens, 0)
    with pytest.raises(
        BackendError,
        match=r"cudaStreamSynchronize failed on CUDA device 0 \(emulated device\): cudaErrorLaunchFailure",
    ):
        backend.train(tokens, 0, tokens.tokens, 1)
    with caplog.at_level(logging.WARNING):
        backend.read(trained)
    assert "the vectors are those before epoch 2" in caplog.text
    np.testing.assert_array_equal(trained.input, complete.input)
    np.testing.assert_array_equal(trained.output, complete.output)
    backend.close()


def test_a_fault_of_a_kernel_becomes_an_error_with_file_and_line(device) -> None:
    if device.emulator is None:
        pytest.skip("a device does not name the line")
    start = model()
    backend = device.backend()
    backend.load(start)
    trainer = backend._trainer
    # Behind the checks of the binding: an id that is no word's makes the kernel leave its tables.
    ids = corpus((30,)).ids.copy()
    trainer.bind(ids, np.array([0, 30], np.int64))
    resident = next(address for name, address, _ in trainer.memory if name == "corpus")
    (ctypes.c_int32 * 30).from_address(resident)[7] = 1 << 28
    with pytest.raises(
        RuntimeError, match=r"cudaErrorIllegalAddress, load of 4 bytes out of bounds at .*walk\.cuh:\d+"
    ):
        trainer.train(0, 30, 0)
    backend.close()


def test_python_threads_run_while_the_device_trains(device) -> None:
    device.configure()
    backend, times, stop = device.backend(), [], threading.Event()
    backend.load(model(vector_size=128))

    def tick() -> None:
        while not stop.wait(0.001):
            times.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.perf_counter()
    backend.train(corpus(), 0, corpus().tokens, 0)
    ended = time.perf_counter()
    stop.set()
    thread.join()
    # Where the GIL is held there is no tick between the first and the last moments of the call.
    assert any(began + 0.2 * (ended - began) < tick < ended - 0.2 * (ended - began) for tick in times)


def test_two_threads_take_turns(device) -> None:
    """Two calls at once are two calls in a row: neither loses updates or counts the other's words."""
    device.configure()
    tokens = corpus((30,) * 100)
    found = []
    for call in (in_two_threads, twice):
        backend, trained = device.backend(launch_segments=1), model(sample=0.0)
        backend.load(trained)
        backend.train(tokens, 0, tokens.tokens, 0)
        stats = call(lambda backend=backend: backend.train(tokens, 0, tokens.tokens, 0))
        backend.read(trained)
        found.append((stats, trained))
        backend.close()
    (at_once, parallel), (in_a_row, serial) = found
    assert at_once == in_a_row
    np.testing.assert_array_equal(parallel.input, serial.input)
    np.testing.assert_array_equal(parallel.output, serial.output)


def in_two_threads(call: Callable[[], SpanStats]) -> list[SpanStats]:
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(call) for _ in range(2)]
    return sorted((result.result() for result in results), key=lambda stats: stats.loss)


def twice(call: Callable[[], SpanStats]) -> list[SpanStats]:
    return sorted((call() for _ in range(2)), key=lambda stats: stats.loss)


def test_closing_waits_for_a_training_in_another_thread(device) -> None:
    if device.emulator is None:
        pytest.skip("a device is done before it is closed")
    device.configure()
    tokens = corpus((100,) * 200)
    backend = device.backend(launch_segments=1)
    backend.load(model(sample=0.0))
    backend.train(tokens, 0, 1, 0)
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(backend._trainer.train, 0, tokens.tokens, 0)
        time.sleep(0.1)  # of a second or so that it takes
        assert not training.done()
        backend.close()
        words, *_ = training.result()
    assert words == tokens.tokens


def test_the_matrices_on_the_device_are_visible_without_a_copy(device) -> None:
    if device.emulator is None:
        pytest.skip("NumPy cannot look into a device's memory")
    start, tokens = model(), corpus((30,))
    backend = device.backend()
    backend.load(start)
    inputs, outputs = (view(matrix.__cuda_array_interface__) for matrix in backend.device_matrices())
    np.testing.assert_array_equal(inputs, start.input)
    backend.train(tokens, 0, 30, 0)
    trained = model()
    backend.read(trained)
    np.testing.assert_array_equal(inputs, trained.input)
    np.testing.assert_array_equal(outputs, trained.output)
    assert np.any(inputs != start.input)


def test_the_matrices_on_the_device_are_visible_through_dlpack(device) -> None:
    if device.emulator is None:
        pytest.skip("NumPy cannot look into a device's memory")
    start, tokens = model(), corpus((30,))
    backend = device.backend()
    backend.load(start)
    matrices = backend.device_matrices()
    inputs, outputs = map(np.from_dlpack, matrices)
    backend.train(tokens, 0, 30, 0)
    trained = model()
    backend.read(trained)
    np.testing.assert_array_equal(inputs, trained.input)
    np.testing.assert_array_equal(outputs, trained.output)
    assert np.any(inputs != start.input)
    with pytest.raises(BufferError, match="shared in place"):
        matrices[0].__dlpack__(copy=True)


def test_trained_vectors_are_asked_for_neighbours_where_they_are(device, monkeypatch) -> None:
    if device.emulator is None:
        pytest.importorskip("cupy", reason="needs cupy: pip install 'full-w2v[cuda]'")
    else:
        monkeypatch.setitem(sys.modules, "cupy", StandIn(room=1000))  # for norms, not for a matrix
    trained, tokens = model(), corpus((30,))
    backend = device.backend()
    backend.load(trained)
    backend.train(tokens, 0, 30, 0)
    backend.read(trained)
    embeddings = Embeddings.from_model(trained)
    placed = embeddings.on_device(backend.device_matrices()[0])
    assert placed.neighbours("w1") == embeddings.neighbours("w1")
    assert placed.analogy("w1", "w2", "w3") == embeddings.analogy("w1", "w2", "w3")
    backend.close()


def view(interface: dict[str, object]) -> np.ndarray:
    """The emulated device's memory, which is the host's, as NumPy reads the interface."""
    assert interface["typestr"] == "<f4"
    assert interface["version"] == 3
    address, _ = interface["data"]
    (rows, columns), strides = interface["shape"], interface["strides"]
    memory = (ctypes.c_float * (rows * strides[0] // 4)).from_address(address)
    return np.ndarray((rows, columns), np.float32, buffer=memory, strides=strides)


def test_an_id_that_is_no_words_is_refused(device) -> None:
    backend = device.backend()
    backend.load(model())
    tokens = EncodedCorpus.from_sentences([[1, 60]])
    with pytest.raises(ValueError, match="word ids must be between 0 and 59, got 60"):
        backend.train(tokens, 0, 2, 0)


def test_a_training_that_diverges_ends_within_the_epoch(device, monkeypatch) -> None:
    device.configure()
    tokens, start = corpus((12_000,)), model()
    start.output[-1, 0] = 1e4
    before = [matrix.copy() for matrix in start.matrices]
    spans: list[tuple[int, int]] = []
    backend = device.backend()
    whole = backend.train

    def one_span(encoded: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        spans.append((begin, end))
        return whole(encoded, begin, end, epoch)

    monkeypatch.setattr(backend, "train", one_span)
    with pytest.raises(DivergenceError, match="training diverged: a vector's norm is "):
        train_model(start, tokens, backend=backend)
    assert spans == [(0, 8192)]
    for matrix, kept in zip(start.matrices, before, strict=True):
        np.testing.assert_array_equal(matrix, kept)


def test_looks_at_rows_take_a_hundredth_of_the_time(device, monkeypatch) -> None:
    device.configure()
    clock = [100.0]
    monkeypatch.setattr("full_w2v.backends.cuda.time.perf_counter", lambda: clock[0])
    backend, start = device.backend(), model()
    start.input[5] = 2.0
    norm = np.linalg.norm(start.input[5])
    backend.load(start)
    read = backend._trainer.read

    class Slow:
        def read(self, *rows: np.ndarray) -> None:
            clock[0] += 2.0
            read(*rows)

        def close(self) -> None:
            pass

    backend._trainer = Slow()
    looks = []
    for _ in range(1000):
        looks.append(backend.largest_norm(0, 3))
        clock[0] += 1.0
    assert [at for at, found in enumerate(looks) if found] == [0, 200, 400, 600, 800]
    assert looks[0] == pytest.approx(norm)
    assert backend.largest_norm(0, len(start.input)) == pytest.approx(norm)
    backend.close()


def test_a_small_corpus_trains_in_order_unless_blocks_say_otherwise(device, caplog) -> None:
    """Quality would suffer if most of it were in flight at once (full_w2v.backends.concurrency)."""
    device.configure("resident_blocks=7,seed=3")
    caplog.set_level("INFO")
    in_order, guarded = train(device.backend(), model(), corpus()), device.backend(blocks=None)
    start = model()
    guarded.load(start)
    assert "in flight" not in guarded.description
    for epoch in range(2):
        guarded.train(corpus(), 0, corpus().tokens, epoch)
    guarded.read(start)
    assert device.emulator is None or device.most_resident() == 1
    said = "limited to 1 concurrent segments to preserve quality"
    assert said in guarded.description
    assert [said in message for message in caplog.messages].count(True) >= 1
    np.testing.assert_array_equal(start.input, in_order.input)
    guarded.close()
    at_once = train(device.backend(blocks=64), model(), corpus())
    assert np.abs(at_once.input - in_order.input).max() > 0
