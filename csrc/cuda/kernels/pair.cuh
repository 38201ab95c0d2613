// Trains a segment per warp, pair by pair, with every row in global memory: the baseline of the comparison.
//
//   order pair: for each output o, for each context c:
//     s = sigmoid(x_c . y_o);  g = rate * (label - s);  x_c += g * y_o;  y_o += g * x_c (old)
//                                                                                 Mikolov 2013, eq. 4
//   input, output  float [vocabulary, stride]  changes are added atomically; warps race by design
//
// Each pair loads both rows and adds to both: 4 row transfers, 144 for a window of 6 contexts and 6 outputs.
// Lane l holds values l, l + 32, ... of a row, at most kValues, so that loads and atomics are dense.
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = WalkShape::bytes().
// Synchronisation: inside the warp only.
#pragma once

#include "cuda/kernels/row.cuh"
#include "cuda/kernels/windows.cuh"

namespace full_w2v {

// Trains one window, pair by pair. All lanes of the warp must call it.
template <int kValues>
__device__ __forceinline__ void train_pairs_in_memory(const KernelArguments& arguments,
                                                      const SegmentWalk& walk, const Window& window,
                                                      float rate, Tally& tally) {
  const Rows& rows = arguments.rows;
  for (int o = 0; o < walk.outputs(); ++o) {
    const Output output = window.outputs[o];
    if (output.weight == 0) continue;
    float* const y_row = row_of(rows.output, output.word, rows.stride);
    for (int c = window.first; c <= window.last; ++c) {
      if (c == window.centre) continue;
      float* const x_row = row_of(rows.input, walk.word(c), rows.stride);
      Row<kValues> x, y;
      x.load(x_row, rows.stride);
      y.load(y_row, rows.stride);
      const float score = warp_sum(x.dot(y));
      const float g = gradient(score, o == 0, rate);
      y.add_to(x_row, rows.stride, g);
      x.add_to(y_row, rows.stride, g);
      tally_pair(tally, arguments.params.loss, score, o == 0);
    }
  }
}

template <int kValues>
__global__ void __launch_bounds__(kWarpSize, resident_warps(kValues))
    pair_kernel(const KernelArguments arguments) {
  const auto train_window = [&](const SegmentWalk& walk, const Window& window, float rate, Tally& tally) {
    train_pairs_in_memory<kValues>(arguments, walk, window, rate, tally);
  };
  train_windows(arguments, shared_memory(), train_window);
}

}  // namespace full_w2v
