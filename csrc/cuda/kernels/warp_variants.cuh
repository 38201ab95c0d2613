// Instances of the warp kernels, a table for each way to keep rows: each is a file of its own, so that they
// are compiled side by side.
#pragma once

#include "cuda/kernels/warp.cuh"
#include "cuda/kernels/warp_fixed.cuh"

namespace full_w2v {

constexpr int kFixedWindow = 3;  // the paper's, for a largest radius of 5

// For rows of at most `values` values a lane, and at least `sure`.
struct WarpVariant {
  int values, sure, tile;
  int64_t fixed_bytes;  // of shared memory; general kernels take what WarpLayout says
  bool fixed, several, rounds;
  void (*kernel)(KernelArguments);
};

// Of those that fit, the first with the fewest slots for outputs is taken. A tile and its changes take
// 2 * values * tile registers: long rows leave room for fewer outputs.
struct WarpVariants {
  const WarpVariant *first, *last;

  const WarpVariant* begin() const { return first; }
  const WarpVariant* end() const { return last; }
};
WarpVariants float32_variants();
WarpVariants bf16_variants();

template <int kValues, int kSure, class Storage = Float32Rows>
constexpr WarpVariant fixed() {
  return {kValues, kSure, kFixedOutputs,    FixedLayout<kValues, kFixedWindow, Storage::kRounds>::kBytes,
          true,    false, Storage::kRounds, &warp_fixed_kernel<kValues, kSure, kFixedWindow, Storage>};
}

template <int kValues, int kSure, int kTile, bool kSeveral, class Storage = Float32Rows>
constexpr WarpVariant general() {
  return {kValues,
          kSure,
          kTile,
          0,
          false,
          kSeveral,
          Storage::kRounds,
          &warp_kernel<kValues, kSure, kTile, kSeveral, Storage>};
}

}  // namespace full_w2v
