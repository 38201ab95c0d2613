// What the level above AVX2 takes over from it.
#pragma once

#include "text/text_kernels.h"

namespace full_w2v {
namespace avx2 {

uint32_t* append_line_ends(const uint64_t* line_feeds, const uint64_t* ends, size_t blocks, uint32_t tokens,
                           uint32_t* out);
void move_ends(const KeptIds* kept, const uint32_t* ends, size_t count, uint32_t* out);

}  // namespace avx2
}  // namespace full_w2v
