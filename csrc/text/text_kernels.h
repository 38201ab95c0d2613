// The loops over text and ids that profit from an instruction set. One table of functions per level; which
// one runs is chosen at run time, and all of them give the same results.
#pragma once

#include <string>
#include <vector>

#include "text/token_batch.h"
#include "text/word_table.h"

namespace full_w2v {

constexpr size_t kBlockBytes = 64;  // text of one word of bits

// Which of kIdsAtOnce ids were kept when they were renamed: bit i tells of the i-th. `before` counts those of
// all groups before.
struct KeptIds {
  uint32_t before, bits;
};
constexpr size_t kIdsAtOnce = 16;

struct TextKernels {
  const char* name;

  // Bit i of spaces[b] is set if text[64 b + i] is ASCII white space (white_space.h), that of line_feeds[b]
  // if it is a line feed. Reads 64 * blocks bytes.
  void (*classify)(const char* text, size_t blocks, uint64_t* spaces, uint64_t* line_feeds);

  // Writes base + 64 b + i for every set bit i of bits[b], in order, and returns one past the last. May write
  // up to 16 places more.
  uint32_t* (*append_positions)(const uint64_t* bits, size_t blocks, uint32_t base, uint32_t* out);

  // Writes for every set bit of line_feeds[b] how many bits are set up to it in ends[0] ... ends[b], plus
  // `tokens`; returns one past the last. May write one place more.
  uint32_t* (*append_line_ends)(const uint64_t* line_feeds, const uint64_t* ends, size_t blocks,
                                uint32_t tokens, uint32_t* out);

  // Gives the batch's `count` tokens their keys and homes in a table, whose slots it fetches ahead. Behind
  // the tokens must follow 7 starts and ends that are as good as theirs. May read kKeyPadding bytes behind a
  // token.
  void (*make_keys)(const char* text, size_t count, WordTable& table, TokenBatch& batch);

  // Counts the batch's tokens from `first` on as long as they are found at home, as nearly all are, and
  // writes their ids; returns the number of the first that is not, or `last`.
  size_t (*count_at_home)(const TokenBatch& batch, size_t first, size_t last, uint32_t* ids);

  // Renames ids and leaves out those that become negative; returns one past the last written. `out` must have
  // room for as many ids as there are, and 16 more; `kept` for count / kIdsAtOnce + 1 groups.
  int32_t* (*rename)(const uint32_t* ids, size_t count, const int32_t* renaming, int32_t* out, KeptIds* kept);

  // For each end, how many ids before it were kept. Ends may not exceed the number of ids.
  void (*move_ends)(const KeptIds* kept, const uint32_t* ends, size_t count, uint32_t* out);
};

// make_keys of one token whose key does not hold it whole.
inline void make_hashed_key(const char* text, size_t token, WordTable& table, TokenBatch& batch) {
  batch.keys[token] = hashed_key(text + batch.starts[token], batch.ends[token] - batch.starts[token]);
  batch.homes[token] = &batch.nowhere;
  table.prefetch(batch.keys[token]);
}

// count_at_home without an instruction set's help.
inline size_t count_one_by_one(const TokenBatch& batch, size_t first, size_t last, uint32_t* ids) {
  for (; first < last; ++first) {
    WordTable::Slot& slot = *batch.homes[first];
    if (!(slot.key == batch.keys[first])) break;
    ++slot.count;
    ids[first] = slot.id;
  }
  return first;
}

extern const TextKernels kPortableTextKernels;
#if defined(__x86_64__)
extern const TextKernels kAvx2TextKernels;
extern const TextKernels kAvx512TextKernels;
#endif

// Levels that this machine can run, slowest first.
std::vector<const TextKernels*> available_text_kernels();

// The fastest level that this machine has, at most the one of that name (cpu/simd/levels.h) where `cap`, as
// FULL_W2V_SIMD may, names one.
const TextKernels& choose_text_kernels(const std::string& cap);

}  // namespace full_w2v
