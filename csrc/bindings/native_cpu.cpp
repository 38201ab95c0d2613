#include "bindings/native.h"

namespace full_w2v {

void bind_cpu(pybind11::module_&) {}

}  // namespace full_w2v
