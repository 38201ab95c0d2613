#include <iterator>

#include "cuda/kernels/warp_variants.cuh"
#include "cuda/launch.h"

namespace full_w2v {
namespace {

// Measured by scripts/benchmark/resources.py and instructions.py.
constexpr WarpVariant kFloat32Variants[] = {fixed<4, 4>(),
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

bool fits(const WarpVariant& variant, const SgnsParams& params) {
  const int64_t stride = row_stride(params.dimension, params.row_precision);
  if (stride > variant.values * kWarpSize || stride < variant.sure * kWarpSize) return false;
  if (variant.fixed) {
    // Windows that would nearly all be cut are left to the general kernel.
    if (params.step_pairs < 2 * kFixedWindow) return false;
    if (params.shrink_windows || params.window != kFixedWindow) return false;
  }
  // Those for a single tile train one block of outputs.
  return variant.several || (params.negative + 1 == variant.tile && params.negative <= params.step_pairs);
}

int slots(const WarpVariant& variant, const SgnsParams& params) {
  return (params.negative + variant.tile) / variant.tile * variant.tile;
}

const WarpVariant& variant_for(const SgnsParams& params) {
  const WarpVariants variants =
      params.row_precision == RowPrecision::bf16 ? bf16_variants() : float32_variants();
  const WarpVariant* best = nullptr;
  for (const WarpVariant& candidate : variants) {
    if (!fits(candidate, params)) continue;
    if (!best || slots(candidate, params) < slots(*best, params)) best = &candidate;
  }
  if (best) return *best;
  throw std::invalid_argument("vector_size must be at most " + std::to_string(kMaxDimension) +
                              " on CUDA, got " + std::to_string(params.dimension));
}

LaunchShape shape(const SgnsParams& params, int64_t) {
  const WarpVariant& variant = variant_for(params);
  const int64_t saved = variant.rounds ? int64_t{params.negative + 1} * variant.values * kWarpSize : 0;
  if (variant.fixed) return {kWarpSize, variant.fixed_bytes, saved};
  return {kWarpSize,
          WarpLayout::of(params, variant.values, variant.tile, variant.several, variant.rounds).bytes, saved};
}

void launch(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks, cudaStream_t stream) {
  launch_checked("warp", variant_for(arguments.params).kernel, shape, blocks, stream, arguments);
}

}  // namespace

WarpVariants float32_variants() { return {std::begin(kFloat32Variants), std::end(kFloat32Variants)}; }

const Kernel kWarpKernel = {"warp", kWindowOrder | kBf16Rows, &shape, &launch};

}  // namespace full_w2v
