#include "text/text_kernels.h"

#include "contract/simd_levels.h"

namespace full_w2v {

std::vector<const TextKernels*> available_text_kernels() {
  std::vector<const TextKernels*> levels = {&kPortableTextKernels};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
      __builtin_cpu_supports("popcnt")) {
    levels.push_back(&kAvx2TextKernels);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2")) {
    levels.push_back(&kAvx512TextKernels);
  }
#endif
  return levels;
}

const TextKernels& choose_text_kernels(const std::string& cap) {
  const TextKernels* chosen = &kPortableTextKernels;
  for (const TextKernels* level : available_text_kernels()) {
    if (level != &kPortableTextKernels && simd_allows(cap, level->name)) chosen = level;
  }
  return *chosen;
}

}  // namespace full_w2v
