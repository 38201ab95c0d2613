#include "bindings/cuda.h"

PYBIND11_MODULE(_cuda, module) {
  module.doc() = "CUDA engine of full_w2v.";
  full_w2v::bind_cuda(module);
}
