#include "cpu/simd/levels.h"

#include "contract/simd_levels.h"

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
  const LevelKernels* chosen = &kScalarKernels;
  for (const LevelKernels* level : available_levels()) {
    if (simd_allows(cap, level->name)) chosen = level;
  }
  return *chosen;
}

}  // namespace full_w2v
