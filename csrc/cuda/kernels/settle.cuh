// What the warp kernels do once for all centres that a walk has staged, a lane for each: counting, the length
// of strips, and merging outputs. Their tallies are in shared memory: registers are for the rows.
#pragma once

#include "cuda/kernels/strips.cuh"

namespace full_w2v {

// Gives the first of equal outputs `begin` ... `end` - 1 the weight of all, the others none.
__device__ __forceinline__ void merge_repeated(Output* outputs, int begin, int end) {
  for (int o = begin + 1; o < end; ++o) {
    for (int earlier = begin; earlier < o && outputs[o].weight != 0.0f; ++earlier) {
      if (outputs[earlier].word != outputs[o].word || outputs[earlier].weight == 0.0f) continue;
      outputs[earlier].weight += outputs[o].weight;
      outputs[o].weight = 0.0f;
    }
  }
}

// Finds the strips of the staged centres' windows: a lane for each centre, or all lanes for one where there
// are many draws. Not unrolled, to take few registers.
__device__ __forceinline__ void settle_strips(const SgnsParams& params, const SegmentWalk& walk, int drawn) {
  const int lane = static_cast<int>(threadIdx.x);
  const bool together = drawn > kWarpSize;
#pragma unroll 1
  for (int centre = walk.staged_begin() + (together ? 0 : lane); centre < walk.staged_end();
       centre += together ? 1 : kWarpSize) {
    const Output* const negatives = walk.window(centre).outputs + 1;
    int most = most_drawn(negatives, drawn, together ? lane : 0, together ? kWarpSize : 1);
    if (together) most = warp_max(most);
    if (!together || lane == 0) walk.set_strip(centre, strip_contexts(params, most));
  }
}

// Adds the staged centres' words and pairs to the warp's tally and finds their strips; `outputs` of a window;
// `merge` says whether those of a block are merged. All lanes of the warp must call it. Synchronises the
// warp.
__device__ __forceinline__ void settle(const SgnsParams& params, const SegmentWalk& walk, int outputs,
                                       bool merge, Tally* tally) {
  int pairs = 0;
  settle_strips(params, walk, outputs - 1);
  for (int centre = walk.staged_begin() + static_cast<int>(threadIdx.x); centre < walk.staged_end();
       centre += kWarpSize) {
    const Window window = walk.window(centre);
    int met = 0;
    for (int o = 0; o < outputs; ++o) met += window.outputs[o].weight != 0.0f ? 1 : 0;
    pairs += met * (window.last - window.first);
    if (!merge) continue;
    for (int begin = 0, end; begin < outputs; begin = end) {
      end = block_end(params, begin, 1, outputs);
      merge_repeated(window.outputs, begin, end);
    }
  }
  pairs = warp_sum(pairs);
  if (threadIdx.x == 0) {
    tally->words += walk.staged_end() - walk.staged_begin();
    tally->pairs += pairs;
  }
  __syncwarp();  // before any lane reads the merged weights
}

// Adds the lanes' losses to the warp's tally. All lanes of the warp must call it; no memory is synchronised.
__device__ __forceinline__ void settle_loss(double loss, Tally* tally) {
  loss = warp_sum(loss);
  if (threadIdx.x == 0) tally->loss += loss;
}

}  // namespace full_w2v
