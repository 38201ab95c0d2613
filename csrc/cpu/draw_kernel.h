// Draws of many tokens at once: Philox with a block in each lane (contract/draws.h says what is drawn from
// what).
#pragma once

#include <cstdint>

#include "contract/alias_table.h"
#include "contract/draws.h"
#include "contract/params.h"
#include "cpu/simd/vector.h"

namespace full_w2v {

// Words of `lanes` blocks: word w of lane l's block is lane l of word[w].
template <class V>
struct LaneBlocks {
  typename V::Word word[4];
};

// The blocks of the counters (low[l], high[l], epoch, block), l = 0 ... lanes - 1.
template <class V>
KERNEL_INLINE LaneBlocks<V> draw_lanes(uint64_t seed, uint32_t epoch, const uint32_t* low,
                                       const uint32_t* high, uint32_t block) {
  using Word = typename V::Word;
  Word counter[4] = {V::load_words(low), V::load_words(high), V::broadcast_word(epoch),
                     V::broadcast_word(block)};
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  UNROLL for (int round = 0; round < kPhiloxRounds; ++round) {
    Word high0, low0, high1, low1;
    V::multiply_wide(counter[0], kPhiloxMultiplier0, high0, low0);
    V::multiply_wide(counter[2], kPhiloxMultiplier1, high1, low1);
    counter[0] = V::exclusive_or(high1, counter[1], V::broadcast_word(key0));
    counter[1] = low1;
    counter[2] = V::exclusive_or(high0, counter[3], V::broadcast_word(key1));
    counter[3] = low0;
    key0 += kPhiloxKeyStep0;
    key1 += kPhiloxKeyStep1;
  }
  return {{counter[0], counter[1], counter[2], counter[3]}};
}

// Keep draws of the tokens at first & ~3 ... end - 1, into words[0], words[1], ... Writes up to 4 * lanes +
// kTransposed words past the last.
template <class V>
void draw_keep_words(uint64_t seed, uint32_t epoch, int64_t first, int64_t end, uint32_t* words) {
  uint32_t low[V::lanes], high[V::lanes], columns[kTransposed * V::lanes] = {};
  for (int64_t counter = first >> 2; counter * 4 < end; counter += V::lanes) {
    for (int lane = 0; lane < V::lanes; ++lane) {
      const auto bits = static_cast<uint64_t>(counter + lane);
      low[lane] = static_cast<uint32_t>(bits);
      high[lane] = static_cast<uint32_t>(bits >> 32);
    }
    const LaneBlocks<V> blocks = draw_lanes<V>(seed, epoch, low, high, kKeepBlock);
    UNROLL for (int w = 0; w < 4; ++w) V::store_words(columns + w * V::lanes, blocks.word[w]);
    V::store_rows(words, 4, columns);
    words += 4 * V::lanes;
  }
}

// window_radius (contract/draws.h) of `lanes` tokens.
template <class V>
KERNEL_INLINE void find_radii(const SgnsParams& params, typename V::Word draws, uint32_t* radius) {
  V::store_words(radius, draws);
  for (int lane = 0; lane < V::lanes; ++lane) {
    const int drawn = window_radius(radius[lane], params.drawn_window, params.shrink_windows);
    radius[lane] = static_cast<uint32_t>(drawn < params.window ? drawn : params.window);
  }
}

template <class V>
KERNEL_INLINE void draw_radii(const SgnsParams& params, uint32_t epoch, const uint32_t* low,
                              const uint32_t* high, uint32_t* radius) {
  find_radii<V>(params, draw_lanes<V>(params.seed, epoch, low, high, kTokenBlock).word[kWindowDraw], radius);
}

// Draws of the negatives of `lanes` tokens, a vector for each negative; and the radii of their windows unless
// `radius` is null.
template <class V>
KERNEL_INLINE void draw_negatives(const SgnsParams& params, uint32_t epoch, const uint32_t* low,
                                  const uint32_t* high, uint32_t* radius, uint32_t* draws) {
  for (int block = 0; block < token_blocks(params.negative); ++block) {
    const LaneBlocks<V> blocks =
        draw_lanes<V>(params.seed, epoch, low, high, kTokenBlock + static_cast<uint32_t>(block));
    if (block == 0 && radius) find_radii<V>(params, blocks.word[kWindowDraw], radius);
    for (int w = block == 0; w < 4 && 4 * block + w <= params.negative; ++w) {
      V::store_words(draws + (4 * block + w - kFirstNegativeDraw) * V::lanes, blocks.word[w]);
    }
  }
}

// Draws become negatives, in place, behind vectors of `targets` ids. Returns a vector that is not 0 in lanes
// where any of these ids repeats.
template <class V>
KERNEL_INLINE typename V::Word pick_negatives(const SgnsParams& params, const AliasSlot* noise, int targets,
                                              uint32_t* output_ids) {
  using Word = typename V::Word;
  const auto vocabulary = static_cast<uint32_t>(params.vocabulary);
  const Word mark = V::broadcast_word(1);
  Word repeats = V::broadcast_word(0);
  for (int output = 1; output < targets + params.negative; ++output) {
    Word id = V::load_words(output_ids + output * V::lanes);
    if (output >= targets) {
      id = V::draw_from_alias(noise, vocabulary, id);
      V::store_words(output_ids + output * V::lanes, id);
    }
    for (int o = 0; o < output; ++o) {
      repeats = V::mark_equal(repeats, id, V::load_words(output_ids + o * V::lanes), mark);
    }
  }
  return repeats;
}

}  // namespace full_w2v
