"""What the compilers report of the kernels: no spill, registers within limits, for every architecture."""

import pytest

from scripts.benchmark import resources
from scripts.extensions import cuda, nvrtc


def test_nvcc_reports_no_spill_and_no_growth_on_any_architecture() -> None:
    found = resources.from_nvcc()
    if not found:
        pytest.skip("needs full_w2v._cuda to have been built with nvcc in this tree")
    built = {one.architecture for one in found}
    assert {one.kernel for one in found} == set(resources.REGISTER_LIMITS)
    assert len(found) == len(built) * len(resources.REGISTER_LIMITS)
    assert [fault for one in found for fault in resources.exceeded(one)] == []


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
def test_nvrtc_compiles_every_kernel_for_older_architectures(architecture: str) -> None:
    if not nvrtc.available():
        pytest.skip("needs NVRTC 12.9: pip install nvidia-cuda-nvrtc-cu12==12.9.86 'cuda-bindings==12.9.*'")
    logs = [nvrtc.compile_kernel(cuda.ROOT / source, architecture) for source in cuda.KERNELS]
    found = [one for log in logs for one in resources.parse(log)]
    assert {(one.kernel, one.architecture) for one in found} == {
        (kernel, int(architecture)) for kernel in resources.REGISTER_LIMITS
    }
    assert [fault for one in found for fault in resources.exceeded(one)] == []


def test_a_spill_and_growth_are_faults() -> None:
    name = "_ZN8full_w2v11warp_kernelILi4ELi4ELi6ELb0EEEvNS_15KernelArgumentsE"
    log = f"""ptxas info    : Compiling entry function '{name}' for 'sm_80'
    48 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 200 registers, used 0 barriers, 512 bytes cmem[0]"""
    (one,) = resources.parse(log)
    assert one == resources.Resources("warp<4,4,6,0>", 80, registers=200, stack=48, spills=16, shared=0)
    assert resources.exceeded(one) == [
        "warp<4,4,6,0> on sm_80 spills 16 bytes",
        "warp<4,4,6,0> on sm_80 takes 200 registers, at most 128 are allowed",
        "warp<4,4,6,0> on sm_80 has 48 bytes of stack, not 32",
    ]
