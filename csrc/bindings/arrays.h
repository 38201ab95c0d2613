// Checks on NumPy arguments that every binding shares.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>

namespace full_w2v {

// A C-contiguous array of T. Bind such arguments with .noconvert(), so that nothing is copied in silence.
template <class T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

inline std::string shape_text(const pybind11::array& array) {
  std::string text = "(";
  for (pybind11::ssize_t axis = 0; axis < array.ndim(); ++axis) {
    text += (axis ? ", " : "") + std::to_string(array.shape(axis));
  }
  return text + ")";
}

// Throws std::invalid_argument (ValueError in Python) unless `array` has exactly this shape; -1 takes any
// size.
inline void require_shape(const char* name, const pybind11::array& array,
                          std::initializer_list<pybind11::ssize_t> shape) {
  bool equal = array.ndim() == static_cast<pybind11::ssize_t>(shape.size());
  std::string expected;
  pybind11::ssize_t axis = 0;
  for (const auto size : shape) {
    expected += (axis ? ", " : "") + (size < 0 ? std::string("any") : std::to_string(size));
    equal = equal && (size < 0 || array.shape(axis) == size);
    ++axis;
  }
  if (!equal) {
    throw std::invalid_argument(std::string(name) + " must have shape (" + expected + "), got " +
                                shape_text(array));
  }
}

}  // namespace full_w2v
