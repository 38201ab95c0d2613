// What both CUDA modules share: full_w2v._cuda and full_w2v._cuda_emulated.
#pragma once

#include <pybind11/pybind11.h>

namespace full_w2v {

void bind_cuda(pybind11::module_& module);

}  // namespace full_w2v
