// What the warp kernels do once for all centres that a walk has staged, a lane for each: counting, and
// merging outputs. Their tallies stand in shared memory: registers are for the rows.
#pragma once

#include "cuda/walk.cuh"

namespace full_w2v {

// Gives the first of equal outputs the weight of all, the others none.
__device__ __forceinline__ void merge_repeated(Output* outputs, int count) {
  for (int o = 1; o < count; ++o) {
    for (int earlier = 0; earlier < o && outputs[o].weight != 0.0f; ++earlier) {
      if (outputs[earlier].word != outputs[o].word || outputs[earlier].weight == 0.0f) continue;
      outputs[earlier].weight += outputs[o].weight;
      outputs[o].weight = 0.0f;
    }
  }
}

// Adds the staged centres' words and pairs to the warp's tally; `merge` says whether outputs are merged. All
// lanes of the warp must call it. Synchronises the warp.
__device__ __forceinline__ void settle(const SegmentWalk& walk, bool merge, Tally* tally) {
  int pairs = 0;
  for (int centre = walk.staged_begin() + static_cast<int>(threadIdx.x); centre < walk.staged_end();
       centre += kWarpSize) {
    const Window window = walk.window(centre);
    int outputs = 0;
    for (int o = 0; o < walk.outputs(); ++o) outputs += window.outputs[o].weight != 0.0f ? 1 : 0;
    pairs += outputs * (window.last - window.first);
    if (merge) merge_repeated(window.outputs, walk.outputs());
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
