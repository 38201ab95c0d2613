// Hierarchical softmax: the outputs of a word are the inner nodes on its path from the root of the Huffman
// tree.
#pragma once

#include <cstdint>

#include "cpu/simd/level_kernels.h"
#include "cpu/simd/vector.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Nodes on a word's path.
KERNEL_INLINE int path_length(const TrainJob& job, uint32_t word) {
  return static_cast<int>(job.paths.offsets[word + 1] - job.paths.offsets[word]);
}

// Calls use(number, output row, label) for every node on a word's path, numbered from the root; the label is
// 1 - code.
template <class Use>
KERNEL_INLINE void for_each_step(const TrainJob& job, uint32_t word, const Use& use) {
  const auto first_inner = static_cast<uint32_t>(job.params.vocabulary);
  const uint32_t* const steps = job.paths.steps + job.paths.offsets[word];
  const int count = path_length(job, word);
  for (int i = 0; i < count; ++i) {
    use(i, first_inner + steps[i] / 2, steps[i] % 2 == 0 ? Label::positive : Label::negative);
  }
}

// The rows that a tile fetches for a window to come: `words` output rows of it, then the deepest nodes on its
// target's path, which are the least likely to be in the cache; tile.outputs rows in all.
KERNEL_INLINE void fetch_outputs(const TrainJob& job, const uint32_t* ids, int words, const Tile& tile) {
  const auto row = [&job](int64_t id) { return reinterpret_cast<const char*>(job.output + id * job.stride); };
  int fetched = 0;
  for (int o = 0; o < words && fetched < tile.outputs; ++o) tile.ahead[fetched++] = row(ids[o]);
  const int64_t first = job.paths.offsets[ids[0]];
  for (int64_t at = job.paths.offsets[ids[0] + 1]; at > first && fetched < tile.outputs;) {
    tile.ahead[fetched++] = row(int64_t{job.params.vocabulary} + job.paths.steps[--at] / 2);
  }
  while (fetched < tile.outputs) tile.ahead[fetched++] = row(ids[0]);
}

}  // namespace full_w2v
