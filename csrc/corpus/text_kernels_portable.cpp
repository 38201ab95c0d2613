// What every machine runs, and the meaning of the other levels.
#include "corpus/separators.h"
#include "corpus/text_kernels.h"

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

void make_keys(const char* text, size_t count, const WordTable& table, TokenBatch& batch) {
  const WordTable::Slot* const slots = table.slots();
  const int shift = table.shift();
  for (size_t i = 0; i < count; ++i) {
    const TokenKey key = token_key(text + batch.starts[i], batch.ends[i] - batch.starts[i]);
    const uint64_t home = hash_key(key) >> shift;
    __builtin_prefetch(slots + home, 1);
    batch.keys[i] = key;
    batch.homes[i] = static_cast<uint32_t>(home);
  }
}

int32_t* rename(const uint32_t* first, const uint32_t* last, const int32_t* renaming, int32_t* out) {
  for (; first < last; ++first) {  // without branches: a dropped id is overwritten by the next one
    const int32_t id = renaming[*first];
    *out = id;
    out += id >= 0;
  }
  return out;
}

}  // namespace

constexpr TextKernels kKernels = {"portable", &classify, &append_positions, &make_keys, &rename};

}  // namespace portable

const TextKernels kPortableTextKernels = portable::kKernels;

}  // namespace full_w2v
