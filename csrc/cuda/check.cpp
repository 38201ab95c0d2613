#include "cuda/check.h"

#include <map>
#include <mutex>

namespace full_w2v {
namespace {

std::mutex names_mutex;
std::map<int, std::string> names;  // of the devices in use

}  // namespace

void use_device(int device) {
  check(cudaSetDevice(device), "cudaSetDevice");
  const std::lock_guard<std::mutex> lock(names_mutex);
  if (names.count(device)) return;
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  names[device] = properties.name;
}

void throw_cuda_error(cudaError_t error, const char* call) {
  const std::string kind = cudaGetErrorName(error), text = cudaGetErrorString(error);
  cudaGetLastError();  // an error that the device survives must not show up again in a later call
  int device = -1;
  cudaGetDevice(&device);
  const std::lock_guard<std::mutex> lock(names_mutex);
  const auto known = names.find(device);
  throw CudaError(std::string(call) + " failed on CUDA device " + std::to_string(device) +
                  (known == names.end() ? "" : " (" + known->second + ")") + ": " + kind +
                  (text == kind ? "" : ", " + text));
}

}  // namespace full_w2v
