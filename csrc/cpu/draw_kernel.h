// Draws of many tokens at once: Philox with a block in each lane (sgns/draws.h says what is drawn from what).
#pragma once

#include <cstdint>

#include "cpu/vector.h"
#include "sgns/alias_table.h"
#include "sgns/draws.h"
#include "sgns/params.h"

namespace full_w2v {

// Words of `lanes` blocks: word w of lane l's block is word[w][l].
template <class V>
struct LaneBlocks {
  alignas(64) uint32_t word[4][V::lanes];
};

// The blocks of the counters (low[l], high[l], epoch, block), l = 0 ... lanes - 1.
template <class V>
KERNEL_INLINE void draw_lanes(uint64_t seed, uint32_t epoch, const uint32_t* low, const uint32_t* high,
                              uint32_t block, LaneBlocks<V>& blocks) {
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
  UNROLL for (int w = 0; w < 4; ++w) V::store_words(blocks.word[w], counter[w]);
}

// Keep draws of the tokens at first & ~3 ... end - 1, into words[0], words[1], ... Writes up to 4 * lanes
// words past the last.
template <class V>
void draw_keep_words(uint64_t seed, uint32_t epoch, int64_t first, int64_t end, uint32_t* words) {
  uint32_t low[V::lanes], high[V::lanes];
  LaneBlocks<V> blocks;
  for (int64_t counter = first >> 2; counter * 4 < end; counter += V::lanes) {
    for (int lane = 0; lane < V::lanes; ++lane) {
      const auto bits = static_cast<uint64_t>(counter + lane);
      low[lane] = static_cast<uint32_t>(bits);
      high[lane] = static_cast<uint32_t>(bits >> 32);
    }
    draw_lanes<V>(seed, epoch, low, high, kKeepBlock, blocks);
    for (int lane = 0; lane < V::lanes; ++lane) {
      for (int w = 0; w < 4; ++w) words[lane * 4 + w] = blocks.word[w][lane];
    }
    words += 4 * V::lanes;
  }
}

// Window radius and outputs of `lanes` tokens: output_ids[l * (1 + negative)] is set to the token's own id,
// its negatives follow.
template <class V>
KERNEL_INLINE void draw_windows(const SgnsParams& params, const AliasSlot* noise, uint32_t epoch,
                                const int32_t* ids, const uint32_t* low, const uint32_t* high,
                                int32_t* radius, int32_t* output_ids) {
  const int outputs = 1 + params.negative;
  const auto vocabulary = static_cast<uint32_t>(params.vocabulary);
  LaneBlocks<V> blocks;
  for (int block = 0; block < token_blocks(params.negative); ++block) {
    draw_lanes<V>(params.seed, epoch, low, high, kTokenBlock + static_cast<uint32_t>(block), blocks);
    const int words = outputs - 4 * block < 4 ? outputs - 4 * block : 4;
    for (int lane = 0; lane < V::lanes; ++lane) {
      int32_t* const out = output_ids + lane * outputs + 4 * block;
      for (int w = block == 0; w < words; ++w) {
        out[w] = static_cast<int32_t>(draw_alias(noise, vocabulary, blocks.word[w][lane]));
      }
      if (block > 0) continue;
      out[0] = ids[lane];
      radius[lane] = window_radius(blocks.word[kWindowDraw][lane], params.window, params.shrink_windows);
    }
  }
}

}  // namespace full_w2v
