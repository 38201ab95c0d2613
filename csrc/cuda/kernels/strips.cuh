// How the contexts and outputs of a tile are cut into steps: "Steps" in contract/README.md.
#pragma once

#include "contract/steps.h"
#include "cuda/kernels/walk.cuh"

namespace full_w2v {

constexpr int kUnlimited = 1 << 30;

// How often the most frequent of `count` outputs is among them, of those that this thread looks at: number
// `first`, and each `step`-th one from there on.
template <class AnyOutput>
__device__ inline int most_drawn(const AnyOutput* outputs, int count, int first, int step) {
  int most = 1;
#pragma unroll 1
  for (int o = first; o < count; o += step) {
    int times = 1;
#pragma unroll 1
    for (int other = o + 1; other < count; ++other) times += outputs[other].word == outputs[o].word ? 1 : 0;
    most = max(most, times);
  }
  return most;
}

// Where the block that begins with output `begin` ends, of `outputs` in all; the first `targets`
// are targets.
__device__ __forceinline__ int block_end(const SgnsParams& params, int begin, int targets, int outputs) {
  return min(max(begin, targets) + params.step_pairs, outputs);
}

// Where the strip ends that begins with context `begin` of `contexts`, whose words are word_of(context): it
// has at most `longest` contexts and no word more than `repeats` times. All lanes of the warp must call it;
// no memory is synchronised.
template <class WordOf>
__device__ __forceinline__ int strip_end(int begin, int contexts, int longest, int repeats,
                                         const WordOf& word_of) {
  const int most = min(contexts - begin, longest), lane = static_cast<int>(threadIdx.x % kWarpSize);
  if (repeats >= most) return begin + most;
  int end = begin + 1;
#pragma unroll 1
  for (; end < begin + most; ++end) {
    const int32_t next = word_of(end);
    int same = 0;
#pragma unroll 1
    for (int base = begin; base < end; base += kWarpSize) {
      const int c = base + lane;
      same += __popc(__ballot_sync(kAllLanes, c < end && word_of(c) == next));
    }
    if (same >= repeats) break;
  }
  return end;
}

}  // namespace full_w2v
