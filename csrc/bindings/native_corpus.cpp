#include "bindings/native.h"

namespace full_w2v {

void bind_corpus(pybind11::module_&) {}

}  // namespace full_w2v
