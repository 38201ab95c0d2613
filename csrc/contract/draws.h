// What is random in training, each a function of (seed, epoch, token position) and of nothing else.
//
// Philox key = seed (low word, high word); counter = (low and high word of a position, epoch, draw block).
//   block 0, counter position / 4:  word position % 4 is the token's keep draw
//   block 1 + i / 4, counter position:  word i % 4 is the token's window draw for i = 0 and its i-th
//                                       negative's draw for i = 1 ... N; word N + 1 is what roundings of rows
//                                       of bf16 are mixed from (rounding.h)
#pragma once

#include <cstdint>

#include "contract/philox.h"

namespace full_w2v {

constexpr uint32_t kKeepBlock = 0;
constexpr uint32_t kTokenBlock = 1;  // the first of the blocks that hold a token's own words
constexpr int kWindowDraw = 0;       // index of the window radius among a token's words
constexpr int kFirstNegativeDraw = 1;

SGNS_HOST_DEVICE inline PhiloxBlock draw_block(uint64_t seed, uint32_t epoch, int64_t counter,
                                               uint32_t block) {
  const auto bits = static_cast<uint64_t>(counter);
  return philox({{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32), epoch, block}},
                static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}

// The word that decides whether the token at `position` survives subsampling.
SGNS_HOST_DEVICE inline uint32_t keep_draw(uint64_t seed, uint32_t epoch, int64_t position) {
  return draw_block(seed, epoch, position >> 2, kKeepBlock).word[position & 3];
}

// Word `index` of the token at `position`: kWindowDraw, or kFirstNegativeDraw + n for its n-th negative.
SGNS_HOST_DEVICE inline uint32_t token_draw(uint64_t seed, uint32_t epoch, int64_t position, int index) {
  return draw_block(seed, epoch, position, kTokenBlock + static_cast<uint32_t>(index >> 2)).word[index & 3];
}

// Index of the word that roundings are mixed from.
SGNS_HOST_DEVICE constexpr int rounding_draw(int negative) { return kFirstNegativeDraw + negative; }

// Blocks that hold one token's window draw and its negatives' draws.
SGNS_HOST_DEVICE constexpr int token_blocks(int negative) { return 1 + negative / 4; }

// The threshold that no draw is above.
constexpr uint32_t kAlwaysKept = 0xFFFFFFFFu;

// The first word of those at the end of a vocabulary whose tokens survive any draw; `vocabulary` if there are
// none.
inline int32_t first_always_kept(const uint32_t* keep, int32_t vocabulary) {
  while (vocabulary > 0 && keep[vocabulary - 1] == kAlwaysKept) --vocabulary;
  return vocabulary;
}

// True if a token survives. `threshold` is ceil(p * 2^32) - 1 for keep probability p in (0, 1], so that the
// comparison is exact and p = 1 needs no case of its own.
SGNS_HOST_DEVICE inline bool keeps(uint32_t draw, uint32_t threshold) { return draw <= threshold; }

// Maps a word to 0 ... count - 1 by its high bits.
SGNS_HOST_DEVICE inline uint32_t scale_draw(uint32_t draw, uint32_t count) {
  return static_cast<uint32_t>((static_cast<uint64_t>(draw) * count) >> 32);
}

// Window radius: uniform in 1 ... window, or exactly `window` when windows do not shrink.
SGNS_HOST_DEVICE inline int window_radius(uint32_t draw, int window, bool shrink) {
  return shrink ? 1 + static_cast<int>(scale_draw(draw, static_cast<uint32_t>(window))) : window;
}

}  // namespace full_w2v
