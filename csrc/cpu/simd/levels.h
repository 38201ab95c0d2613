// Which instruction sets this machine has, and the one to train with.
#pragma once

#include <string>
#include <vector>

#include "cpu/simd/level_kernels.h"

namespace full_w2v {

// Levels this machine can run, slowest first: scalar, sse2 or neon, avx2, avx512.
std::vector<const LevelKernels*> available_levels();

// The level named `cap`, or the fastest one below it that this machine has; the fastest of all for "".
// Throws std::invalid_argument for a name that no machine knows.
const LevelKernels& choose_level(const std::string& cap);

}  // namespace full_w2v
