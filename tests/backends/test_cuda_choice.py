"""Which kernel and which backend train: the choice, what makes way for what, and what is refused."""

import logging

import numpy as np
import pytest
from cuda_devices import train
from small_training import corpus, model

from full_w2v.backends import backend_status, open_backend
from full_w2v.backends.cuda import DEVICE_VARIABLE, MAX_VECTOR_SIZE, CudaBackend
from full_w2v.backends.parameters import native_parameters
from full_w2v.config import TrainConfig
from full_w2v.errors import BackendError


def test_auto_takes_the_warp_kernel_or_the_block_kernel(device) -> None:
    for order, kernel in (("window", "warp"), ("pair", "block")):
        backend = device.backend()
        backend.load(model(order=order))
        assert (backend.kernel, backend.note) == (kernel, "")


@pytest.mark.parametrize(
    ("kernel", "order", "taken", "why"),
    [
        ("warp", "pair", "block", "kernel warp does not compute order pair"),
        ("block", "window", "warp", "kernel block does not compute order window"),
        ("pair", "window", "warp", "kernel pair does not compute order window"),
    ],
)
def test_an_order_that_a_kernel_lacks_goes_to_one_that_has_it(
    device, caplog, kernel: str, order: str, taken: str, why: str
) -> None:
    backend = device.backend(kernel)
    with caplog.at_level(logging.WARNING):
        backend.load(model(order=order))
    assert backend.kernel == taken
    assert f"{why}; kernel {taken} is used" in caplog.text
    assert why in backend.description


@pytest.mark.parametrize("order", ["window", "pair"])
def test_a_ring_that_does_not_fit_goes_to_the_register_kernel(device, order: str) -> None:
    if device.emulator is None:
        pytest.skip("a device cannot be told its shared memory")
    start, tokens = model(order=order, window=20), corpus((50,))
    roomy = train(device.backend("register"), start, tokens)
    device.configure("shared_bytes=4096,check=1")
    tight = train(device.backend(), start, tokens)
    assert tight.kernel == "register"
    assert "bytes of shared memory a block and the device has 4096; kernel register is used" in tight.note
    np.testing.assert_array_equal(tight.input, roomy.input)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "cbow"}, "cuda trains skip-gram only, got architecture='cbow'; use backend='cpu'"),
        ({"hierarchical_softmax": True}, "negative sampling only, got hierarchical_softmax=True"),
        ({"vector_size": 1025}, "vector_size must be at most 1024 on the cuda backend .*, got 1025"),
        (
            {"vector_size": 321, "score_precision": "tf32"},
            "at most 320 .*'tf32', got 321",
        ),
        ({"row_precision": "bf16", "share_negatives": 2}, "bf16 only with share_negatives=1"),
        ({"row_precision": "bf16", "score_precision": "tf32"}, "bf16 only with .*score_precision='float32'"),
    ],
)
def test_what_no_kernel_computes_is_refused(device, settings: dict[str, int], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        device.backend().load(model(**settings))


@pytest.mark.parametrize("name", ["blocks", "launch_segments", "launch_tokens"])
def test_a_launch_of_nothing_is_refused(device, name: str) -> None:
    with pytest.raises(BackendError, match=rf"{name} must be .*1.*, got 0"):
        device.backend(**{name: 0}).load(model())


def test_the_default_choice_depends_on_whether_windows_shrink(device) -> None:
    """Of all settings those of the launch: a ring in registers needs less shared memory."""
    if device.emulator is None:
        pytest.skip("a device cannot be told its shared memory")
    device.configure("shared_bytes=7000")
    names = []
    for shrink in (False, True):
        config = TrainConfig(vector_size=128, window=3, shrink_windows=shrink)
        params = device.emulator.SgnsParams(**native_parameters(config, vocabulary=1))
        names.append(device.emulator.kernel_choice(params=params)[0])
    assert names == ["warp", "register"]


def test_an_unknown_kernel_is_refused(device) -> None:
    with pytest.raises(
        BackendError, match="kernel must be one of auto, warp, group, block, register, pair, got 'fast'"
    ):
        device.backend("fast").load(model())


def test_without_a_device_auto_takes_the_cpu_and_says_why_not_cuda(monkeypatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    status = next(status for status in backend_status() if status.name == "cuda")
    if status.usable:
        pytest.skip("needs a machine without a CUDA device")
    assert status.detail in {
        "no NVIDIA driver found, or one that is too old",
        "no CUDA device found",
        "this installation was built without CUDA",
    }
    assert open_backend("auto").name == "cpu"


def test_auto_takes_the_cpu_for_what_no_kernel_computes(monkeypatch) -> None:
    monkeypatch.setattr(CudaBackend, "hardware", staticmethod(lambda: "a device"))
    assert open_backend("auto", TrainConfig(architecture="cbow")).name == "cpu"
    assert open_backend("auto", TrainConfig(vector_size=MAX_VECTOR_SIZE + 1)).name == "cpu"
    monkeypatch.setattr(CudaBackend, "__init__", lambda _: None)
    assert open_backend("auto", TrainConfig()).name == "cuda"
    assert open_backend("auto", TrainConfig(vector_size=MAX_VECTOR_SIZE)).name == "cuda"


def test_a_device_that_is_not_there_is_refused(device) -> None:
    if device.emulator is None:
        pytest.skip("counts the emulated device")
    device.configure("devices=0")
    with pytest.raises(BackendError, match="no CUDA device found"):
        CudaBackend(device.name)


def test_a_device_name_that_is_none_is_refused() -> None:
    with pytest.raises(BackendError, match="must be a device's number or 'emulated', got 'first'"):
        CudaBackend("first")
