#include "text/text_kernels.h"

#include <algorithm>

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
  const std::vector<const TextKernels*> levels = available_text_kernels();
  if (cap.empty() || cap == "avx512") return *levels.back();
  const auto named =
      std::find_if(levels.begin(), levels.end(), [&](auto* level) { return level->name == cap; });
  return named == levels.end() ? kPortableTextKernels : **named;
}

}  // namespace full_w2v
