// The settings of a training as Python gives them, bound once for every module that trains.
#pragma once

#include <pybind11/pybind11.h>

namespace full_w2v {

// Adds class SgnsParams to a module: keywords in, checked settings out.
void bind_params(pybind11::module_& module);

}  // namespace full_w2v
