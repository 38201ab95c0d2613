#include "cpu/simd/levels.h"

#include <algorithm>
#include <stdexcept>

namespace full_w2v {

std::vector<const LevelKernels*> available_levels() {
  std::vector<const LevelKernels*> levels = {&kScalarKernels, &kVector128Kernels};
#if defined(__x86_64__)
  const bool fma = __builtin_cpu_supports("fma");
  if (fma && __builtin_cpu_supports("avx2")) levels.push_back(&kAvx2Kernels);
  if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    levels.push_back(&kAvx512Kernels);
  }
#endif
  return levels;
}

const LevelKernels& choose_level(const std::string& cap) {
  static const std::vector<std::string> ranked = {"scalar", "sse2", "neon", "avx2", "avx512"};
  const auto rank = [](const std::string& name) {
    return std::find(ranked.begin(), ranked.end(), name) - ranked.begin();
  };
  const auto limit = cap.empty() ? static_cast<std::ptrdiff_t>(ranked.size()) - 1 : rank(cap);
  if (limit == static_cast<std::ptrdiff_t>(ranked.size())) {
    throw std::invalid_argument("FULL_W2V_SIMD must be one of scalar, sse2, neon, avx2, avx512, got " + cap);
  }
  const LevelKernels* chosen = &kScalarKernels;
  for (const LevelKernels* level : available_levels()) {
    if (rank(level->name) <= limit) chosen = level;
  }
  return *chosen;
}

}  // namespace full_w2v
