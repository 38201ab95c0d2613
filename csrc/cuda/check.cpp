#include "cuda/check.h"

namespace full_w2v {

void throw_cuda_error(cudaError_t error, const char* call) {
  const std::string name = cudaGetErrorName(error), text = cudaGetErrorString(error);
  cudaGetLastError();  // an error that the device survives must not show up again in a later call
  int device = -1;
  cudaDeviceProp properties{};
  const bool known = cudaGetDevice(&device) == cudaSuccess &&
                     cudaGetDeviceProperties(&properties, device) == cudaSuccess;
  throw CudaError(std::string(call) + " failed on CUDA device " + std::to_string(device) +
                  (known ? std::string(" (") + properties.name + ")" : "") + ": " + name +
                  (text == name ? "" : ", " + text));
}

}  // namespace full_w2v
