// How fast a device reads rows of a matrix and adds to them: the rates that bound training (row_rate.cuh).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace full_w2v {

// A way to use rows that this device has: "load", "load 16 bytes", "add", and from compute capability 9.0 on
// "add 16 bytes".
std::vector<std::string> row_uses(int device);

struct RowRate {
  double seconds;  // of one pass over the list, the fastest of several
  double values;   // that were read or added in one pass, as the memory itself shows
};

// Measures `passes` passes over a list of `count` rows of a matrix [vocabulary, stride] of ones. All ids must
// be valid, `stride` a multiple of 8. Throws std::invalid_argument for a use that the device does not have,
// CudaError if the device fails or has too little memory.
RowRate measure_row_rate(int device, const std::string& use, int64_t vocabulary, int64_t stride,
                         const int32_t* rows, int64_t count, int passes);

}  // namespace full_w2v
