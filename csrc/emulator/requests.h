// What a warp's request costs by the layout of memory: sectors of global memory, banks of shared memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace emulator {

constexpr uint32_t kSectorBytes = 32;
constexpr uint32_t kWordBytes = 4;
constexpr uint32_t kBanks = 32;
constexpr uint32_t kWavefrontBytes = kBanks * kWordBytes;

// Moves the distinct ones of `count` values to the front, in order; returns how many they are.
template <class T>
size_t distinct(T* values, size_t count) {
  std::sort(values, values + count);
  return static_cast<size_t>(std::unique(values, values + count) - values);
}

// Wavefronts of a request of shared memory for these words, all distinct: as many as fall into one bank.
template <class T>
uint64_t wavefronts(const T* words, size_t count) {
  uint64_t in_bank[kBanks] = {}, most = 0;
  for (size_t i = 0; i < count; ++i) most = std::max(most, ++in_bank[words[i] % kBanks]);
  return most;
}

}  // namespace emulator
