#include <pybind11/pybind11.h>

#include "bindings/cuda.h"
#include "cuda/check.h"
#include "emulator/control.h"

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
  module.def("most_launches_in_flight", &emulator::most_launches_in_flight,
             "The most launches that were enqueued and not yet done at a time, since configure().");
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
