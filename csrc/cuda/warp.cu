#include "cuda/warp.cuh"

#include "cuda/launch.h"
#include "cuda/warp_fixed.cuh"

namespace full_w2v {
namespace {

constexpr int kFixedWindow = 3;  // the paper's, for a largest radius of 5

// One instance of a kernel: for rows of at most `values` values a lane, and at least `sure`.
struct Variant {
  int values, sure, tile;
  int64_t fixed_bytes;  // of shared memory; general kernels take what WarpLayout says
  bool fixed, several;
  void (*kernel)(KernelArguments);
};

template <int kValues, int kSure>
constexpr Variant fixed() {
  return {kValues,
          kSure,
          kFixedOutputs,
          FixedLayout<kValues, kFixedWindow>::kBytes,
          true,
          false,
          &warp_fixed_kernel<kValues, kSure, kFixedWindow>};
}

template <int kValues, int kSure, int kTile, bool kSeveral>
constexpr Variant general() {
  return {kValues, kSure, kTile, 0, false, kSeveral, &warp_kernel<kValues, kSure, kTile, kSeveral>};
}

// Of those that fit, the first with the fewest slots for outputs is taken. A tile and its changes take
// 2 * values * tile registers: long rows leave room for fewer outputs. Measured by
// scripts/benchmark/resources.py and instructions.py.
constexpr Variant kVariants[] = {fixed<4, 4>(),
                                 fixed<4, 3>(),
                                 fixed<8, 6>(),
                                 fixed<10, 9>(),
                                 general<4, 4, 6, false>(),
                                 general<4, 3, 6, false>(),
                                 general<8, 6, 6, false>(),
                                 general<10, 9, 6, false>(),
                                 general<4, 3, 6, true>(),
                                 general<4, 3, 8, true>(),
                                 general<4, 0, 8, true>(),
                                 general<8, 4, 6, true>(),
                                 general<10, 8, 6, true>(),
                                 general<16, 10, 4, true>(),
                                 general<32, 16, 1, true>()};

bool fits(const Variant& variant, const SgnsParams& params) {
  const int64_t stride = row_stride(params.dimension);
  if (stride > variant.values * kWarpSize || stride < variant.sure * kWarpSize) return false;
  if (variant.fixed && (params.shrink_windows || params.window != kFixedWindow)) return false;
  return variant.several || params.negative + 1 == variant.tile;
}

int slots(const Variant& variant, const SgnsParams& params) {
  return (params.negative + variant.tile) / variant.tile * variant.tile;
}

const Variant& variant_for(const SgnsParams& params) {
  const Variant* best = nullptr;
  for (const Variant& candidate : kVariants) {
    if (!fits(candidate, params)) continue;
    if (!best || slots(candidate, params) < slots(*best, params)) best = &candidate;
  }
  if (best) return *best;
  throw std::invalid_argument("vector_size must be at most " + std::to_string(kMaxDimension) +
                              " on CUDA, got " + std::to_string(params.dimension));
}

}  // namespace

LaunchShape warp_shape(const SgnsParams& params, int64_t) {
  const Variant& variant = variant_for(params);
  if (variant.fixed) return {kWarpSize, variant.fixed_bytes, 0};
  return {kWarpSize, WarpLayout::of(params, variant.values, variant.tile, variant.several).bytes, 0};
}

void launch_warp(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks,
                 cudaStream_t stream) {
  launch_checked("warp", variant_for(arguments.params).kernel, shape, blocks, stream, arguments);
}

}  // namespace full_w2v
