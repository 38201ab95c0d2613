// Names of the instruction-set levels, which the CPU engine and the text kernels share.
#pragma once

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace full_w2v {

// Every level that some machine has, slowest first.
inline constexpr const char* kSimdLevels[] = {"scalar", "sse2", "neon", "avx2", "avx512"};

// Place of a level among them. Throws std::invalid_argument for a name that is not one of them.
inline int simd_rank(const std::string& name) {
  const auto* const found = std::find(std::begin(kSimdLevels), std::end(kSimdLevels), name);
  if (found != std::end(kSimdLevels)) return static_cast<int>(found - std::begin(kSimdLevels));
  std::string names;
  for (const char* level : kSimdLevels) names += std::string(names.empty() ? "" : ", ") + level;
  throw std::invalid_argument("FULL_W2V_SIMD must be one of " + names + ", got " + name);
}

// Whether a cap, which may be empty, allows a level.
inline bool simd_allows(const std::string& cap, const std::string& level) {
  return cap.empty() || simd_rank(level) <= simd_rank(cap);
}

}  // namespace full_w2v
