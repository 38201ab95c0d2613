// What every machine runs, and the meaning of the other levels.
#include <algorithm>

#include "text/separators.h"
#include "text/text_kernels.h"

namespace full_w2v {
namespace portable {
namespace {

void classify(const char* text, size_t blocks, uint64_t* spaces, uint64_t* line_feeds) {
  for (size_t block = 0; block < blocks; ++block) {
    spaces[block] = separator_bits(text + kBlockBytes * block);
    line_feeds[block] = line_feed_bits(text + kBlockBytes * block);
  }
}

uint32_t* append_positions(const uint64_t* bits, size_t blocks, uint32_t base, uint32_t* out) {
  for (size_t block = 0; block < blocks; ++block) {
    out = append_bits(bits[block], base + static_cast<uint32_t>(kBlockBytes * block), out);
  }
  return out;
}

uint32_t* append_line_ends(const uint64_t* line_feeds, const uint64_t* ends, size_t blocks, uint32_t tokens,
                           uint32_t* out) {
  for (size_t block = 0; block < blocks; ++block) {
    for (uint64_t lines = line_feeds[block]; lines != 0; lines &= lines - 1) {
      const uint64_t up_to_line_feed = lines ^ (lines - 1);
      *out++ = tokens + static_cast<uint32_t>(count_bits(ends[block] & up_to_line_feed));
    }
    tokens += static_cast<uint32_t>(count_bits(ends[block]));
  }
  return out;
}

void make_keys(const char* text, size_t count, WordTable& table, TokenBatch& batch) {
  for (size_t i = 0; i < count; ++i) {
    const TokenKey key = token_key(text + batch.starts[i], batch.ends[i] - batch.starts[i]);
    WordTable::Slot* const home = table.home(key);
    __builtin_prefetch(home, 1);
    batch.keys[i] = key;
    batch.homes[i] = key.is_hashed() ? &batch.nowhere : home;
  }
}

size_t count_at_home(const TokenBatch& batch, size_t first, size_t last, uint32_t* ids) {
  return count_one_by_one(batch, first, last, ids);
}

int32_t* rename(const uint32_t* ids, size_t count, const int32_t* renaming, int32_t* out, KeptIds* kept) {
  int32_t* next = out;
  for (size_t first = 0; first <= count; first += kIdsAtOnce) {
    KeptIds group{static_cast<uint32_t>(next - out), 0};
    const size_t last = std::min(first + kIdsAtOnce, count);
    for (size_t i = first; i < last; ++i) {  // without branches: a dropped id is overwritten by the next one
      const int32_t id = renaming[ids[i]];
      *next = id;
      next += id >= 0;
      group.bits |= static_cast<uint32_t>(id >= 0) << (i - first);
    }
    *kept++ = group;
  }
  return next;
}

void move_ends(const KeptIds* kept, const uint32_t* ends, size_t count, uint32_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const KeptIds group = kept[ends[i] / kIdsAtOnce];
    const uint32_t before_end = (1u << ends[i] % kIdsAtOnce) - 1;
    out[i] = group.before + static_cast<uint32_t>(count_bits(group.bits & before_end));
  }
}

}  // namespace

constexpr TextKernels kKernels = {"portable", &classify,      &append_positions, &append_line_ends,
                                  &make_keys, &count_at_home, &rename,           &move_ends};

}  // namespace portable

const TextKernels kPortableTextKernels = portable::kKernels;

}  // namespace full_w2v
