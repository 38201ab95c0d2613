// The rooms of full_w2v._native: each binds its own names into the one module.
#pragma once

#include <pybind11/pybind11.h>

namespace full_w2v {

void bind_contract(pybind11::module_& module);
void bind_corpus(pybind11::module_& module);
void bind_cpu(pybind11::module_& module);
void bind_phrases(pybind11::module_& module);

}  // namespace full_w2v
