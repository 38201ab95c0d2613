#include <pybind11/pybind11.h>

#include "bindings/cuda.h"
#include "cuda/check.h"
#include "emulator/control.h"
#include "emulator/ptx/warp.h"

namespace py = pybind11;

namespace {

py::dict traffic(const emulator::Traffic& one) {
  py::dict result;
  result["instructions"] = one.instructions;
  result["bytes"] = one.bytes;
  result["sectors"] = one.sectors;
  return result;
}

py::dict space_traffic(const emulator::SpaceTraffic& one) {
  py::dict result;
  result["load"] = traffic(one.load);
  result["store"] = traffic(one.store);
  result["atomic"] = traffic(one.atomic);
  return result;
}

py::dict kernel_counters(const emulator::KernelCounters& one) {
  py::dict result, global;
  for (const auto& entry : one.global) global[py::int_(entry.first)] = space_traffic(entry.second);
  result["launches"] = one.launches;
  result["block_barriers"] = one.block_barriers;
  result["warp_barriers"] = one.warp_barriers;
  result["shuffles"] = one.shuffles;
  result["ballots"] = one.ballots;
  result["bank_conflicts"] = one.bank_conflicts;
  result["shared"] = space_traffic(one.shared);
  result["global"] = global;
  return result;
}

py::dict counters() {
  py::dict result;
  for (const auto& entry : emulator::counters()) result[py::str(entry.first)] = kernel_counters(entry.second);
  return result;
}

py::dict ptx_kernel_counters(const emulator::ptx::Counters& one) {
  py::dict result, instructions, lanes, global;
  for (int kind = 0; kind < emulator::ptx::kClasses; ++kind) {
    const char* name = emulator::ptx::name(static_cast<emulator::ptx::Class>(kind));
    instructions[name] = one.instructions[kind];
    lanes[name] = one.lanes[kind];
  }
  for (const auto& entry : one.global) global[py::int_(entry.first)] = space_traffic(entry.second);
  result["launches"] = one.launches;
  result["instructions"] = instructions;
  result["lanes"] = lanes;
  result["bank_conflicts"] = one.bank_conflicts;
  result["shared"] = space_traffic(one.shared);
  result["global"] = global;
  return result;
}

py::dict ptx_counters() {
  py::dict result;
  for (const auto& entry : emulator::ptx::counters()) {
    result[py::str(entry.first)] = ptx_kernel_counters(entry.second);
  }
  return result;
}

}  // namespace

PYBIND11_MODULE(_cuda_emulated, module) {
  module.doc() = "CUDA engine of full_w2v on an emulated device: the same kernels, run on the CPU.";
  full_w2v::bind_cuda(module);
  module.def(
      "configure", [](const std::string& text) { emulator::configure(emulator::Settings::parse(text)); },
      py::arg("settings") = "",
      "Sets up the device by name=value,... ; a device lost to a fault is usable again.");
  module.def("counters", &counters, "What each kernel moved and met since the last reset_counters().");
  module.def("reset_counters", &emulator::reset_counters);
  module.def("load_ptx", &emulator::ptx::load, py::arg("text"),
             "Takes the kernels of a PTX text: their launches run from it, until unload_ptx().");
  module.def("unload_ptx", &emulator::ptx::unload);
  module.def("ptx_counters", &ptx_counters,
             "What each kernel did that ran from PTX since reset_ptx_counters().");
  module.def("reset_ptx_counters", &emulator::ptx::reset_counters);
  module.def("most_launches_in_flight", &emulator::most_launches_in_flight,
             "The most launches that were enqueued and not yet done at a time, since configure().");
  module.def("most_blocks_resident", &emulator::most_blocks_resident,
             "The most blocks of a launch that ran at a time, since configure().");
  module.def(
      "create_stream",
      [] {
        cudaStream_t stream = nullptr;
        full_w2v::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
                        "cudaStreamCreateWithFlags");
        return reinterpret_cast<uintptr_t>(stream);
      },
      "A stream as another library would hand it over.");
  module.def("destroy_stream", [](uintptr_t stream) {
    full_w2v::check(cudaStreamDestroy(reinterpret_cast<cudaStream_t>(stream)), "cudaStreamDestroy");
  });
}
