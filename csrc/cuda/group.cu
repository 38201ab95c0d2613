#include "cuda/kernels/group.cuh"

#include <algorithm>
#include <stdexcept>

#include "cuda/launch.h"

namespace full_w2v {
namespace {

// One instance of the kernel: for rows of at most `values` values a lane, and at least `sure`.
struct Variant {
  int values, sure, tile;
  bool several, tensor;
  int64_t (*bytes)(const SgnsParams&);
  void (*kernel)(KernelArguments);
};

template <int kValues, int kSure, int kTile, bool kSeveral, bool kTensor>
constexpr Variant variant() {
  using Scores = typename GroupScores<kValues, kTile, kTensor>::Type;
  return {kValues,
          kSure,
          kTile,
          kSeveral,
          kTensor,
          [](const SgnsParams& params) { return GroupLayout::of<Scores, kSeveral>(params).bytes; },
          &group_kernel<kValues, kSure, kTile, kSeveral, kTensor>};
}

// The first that fits is taken: those for a single tile, which need no pending rows, come first.
constexpr Variant kVariants[] = {variant<4, 3, 8, false, false>(),  variant<4, 0, 8, true, false>(),
                                 variant<8, 4, 8, true, false>(),   variant<10, 8, 6, true, false>(),
                                 variant<32, 10, 1, true, false>(), variant<4, 3, 6, false, true>(),
                                 variant<4, 3, 8, false, true>(),   variant<4, 0, 8, true, true>(),
                                 variant<8, 4, 8, true, true>(),    variant<10, 8, 6, true, true>()};

bool fits(const Variant& variant, const SgnsParams& params) {
  if (variant.tensor != (params.score_precision == ScorePrecision::tf32)) return false;
  const int64_t stride = row_stride(params.dimension);
  if (stride > variant.values * kWarpSize || stride < variant.sure * kWarpSize) return false;
  // Those for a single tile train one block of outputs.
  return variant.several ||
         (params.share_negatives + params.negative <= variant.tile && params.negative <= params.step_pairs);
}

int most_values(const SgnsParams& params) {
  int most = 0;
  for (const Variant& one : kVariants) {
    if (one.tensor == (params.score_precision == ScorePrecision::tf32)) most = std::max(most, one.values);
  }
  return most * kWarpSize;
}

const Variant& variant_for(const SgnsParams& params) {
  if (params.share_negatives > kMostCentres) {
    throw std::invalid_argument("share_negatives must be at most " + std::to_string(kMostCentres) +
                                " on CUDA, got " + std::to_string(params.share_negatives));
  }
  for (const Variant& candidate : kVariants) {
    if (fits(candidate, params)) return candidate;
  }
  throw std::invalid_argument("vector_size must be at most " + std::to_string(most_values(params)) +
                              " on CUDA with these scores, got " + std::to_string(params.dimension));
}

LaunchShape shape(const SgnsParams& params, int64_t) {
  return {kWarpSize, variant_for(params).bytes(params), 0};
}

void launch(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks, cudaStream_t stream) {
  launch_checked("group", variant_for(arguments.params).kernel, shape, blocks, stream, arguments);
}

}  // namespace

const Kernel kGroupKernel = {"group", kWindowOrder | kSharedNegatives | kTf32Scores, &shape, &launch};

}  // namespace full_w2v
