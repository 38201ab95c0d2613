"""Lets the shared helpers of the backends' tests explain their failures like the tests themselves."""

import pytest

pytest.register_assert_rewrite("contract_cases", "transcription", "cuda_devices", "ring_oracle")


@pytest.fixture(params=["emulated", pytest.param("0", marks=pytest.mark.gpu)])
def device(request):
    """The emulated CUDA device, with its checks on, and the real one; skips where it cannot be used."""
    from cuda_devices import Device

    one = Device(request.param)
    one.configure("check=1")
    yield one
    one.configure()
