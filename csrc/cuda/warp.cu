#include "cuda/warp.cuh"

#include "cuda/launch.h"

namespace full_w2v {
namespace {

struct Variant {
  int values, tile;
  void (*kernel)(KernelArguments);
};

template <int kValues, int kTile>
constexpr Variant variant() {
  return {kValues, kTile, &warp_kernel<kValues, kTile>};
}

// A tile and its changes take 2 * values * tile registers: long rows leave room for fewer of them. Measured
// by scripts/benchmark/resources.py.
constexpr Variant kVariants[] = {variant<2, 6>(),  variant<4, 6>(),  variant<8, 6>(),
                                 variant<10, 6>(), variant<16, 3>(), variant<32, 1>()};

const Variant& variant_for(const SgnsParams& params) {
  for (const Variant& candidate : kVariants) {
    if (lane_values(params) <= candidate.values) return candidate;
  }
  throw std::invalid_argument("vector_size must be at most " + std::to_string(kMaxDimension) +
                              " on CUDA, got " + std::to_string(params.dimension));
}

}  // namespace

LaunchShape warp_shape(const SgnsParams& params, int64_t) {
  const Variant& variant = variant_for(params);
  return {kWarpSize, WarpLayout::of(params, row_stride(params.dimension), variant.tile).bytes, 0};
}

void launch_warp(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks,
                 cudaStream_t stream) {
  launch_checked("warp", variant_for(arguments.params).kernel, shape, blocks, stream, arguments);
}

}  // namespace full_w2v
