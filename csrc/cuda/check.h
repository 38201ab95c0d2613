// Every call of the CUDA runtime is checked: an error becomes an exception that names the call and the
// device.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace full_w2v {

class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void throw_cuda_error(cudaError_t error, const char* call);

// Makes this the thread's device, and keeps its name for messages: after a fault it cannot be asked any more.
void use_device(int device);

// Throws CudaError unless the call succeeded; `call` is its name.
inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) throw_cuda_error(error, call);
}

}  // namespace full_w2v
