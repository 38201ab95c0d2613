#include "corpus/text_kernels.h"

namespace full_w2v {

std::vector<const TextKernels*> available_text_kernels() {
  std::vector<const TextKernels*> levels = {&kPortableTextKernels};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2")) {
    levels.push_back(&kAvx512TextKernels);
  }
#endif
  return levels;
}

const TextKernels& choose_text_kernels(const std::string& cap) {
  return cap.empty() || cap == "avx512" ? *available_text_kernels().back() : kPortableTextKernels;
}

}  // namespace full_w2v
