#include <iterator>

#include "cuda/kernels/warp_variants.cuh"

namespace full_w2v {
namespace {

// Fewer than of float32 where several tiles are needed: rows of bf16 are for the settings that people use.
constexpr WarpVariant kBf16Variants[] = {fixed<4, 4, Bf16Rows>(),
                                         fixed<4, 3, Bf16Rows>(),
                                         fixed<8, 6, Bf16Rows>(),
                                         general<4, 4, 6, false, Bf16Rows>(),
                                         general<4, 3, 6, false, Bf16Rows>(),
                                         general<8, 6, 6, false, Bf16Rows>(),
                                         general<10, 9, 6, false, Bf16Rows>(),
                                         general<4, 3, 6, true, Bf16Rows>(),
                                         general<4, 0, 6, true, Bf16Rows>(),
                                         general<10, 4, 6, true, Bf16Rows>(),
                                         general<32, 10, 1, true, Bf16Rows>()};

}  // namespace

WarpVariants bf16_variants() { return {std::begin(kBf16Variants), std::end(kBf16Variants)}; }

}  // namespace full_w2v
