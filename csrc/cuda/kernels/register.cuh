// Trains a segment per warp with the output row in registers: the paper's FULL-Register.
//
// An output row is loaded once, meets all contexts of the window from registers, and its change is added
// once; context rows stay in global memory. 84 row transfers for 6 contexts and 6 outputs, where `pair` has
// 144. Computes both orders, with any window, number of negatives and dimension up to 1024: every other
// kernel falls back to this one.
//
//   order pair: as in pair.cuh.
//   order window: s = sigmoid(x_c . y_o) for the whole step first;  g = rate * (label - s);
//     x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Order window takes, for each step of a window (strips.cuh), three sweeps over its outputs: (1) all g, and
// each output's change, into scratch memory; (2) the contexts' updates; (3) the outputs' updates. A row that
// occurs twice gets both changes from its old value.
//
//   input, output  float [vocabulary, stride]  changes are added atomically; warps race by design
//
// Launch: one warp a block, any grid (blocks stride over the segments); shared = WalkShape::bytes(), and for
// order window WindowScratch::floats() more, there or as the block's slice of arguments.scratch.
// Synchronisation: inside the warp only.
#pragma once

#include "cuda/kernels/row.cuh"
#include "cuda/kernels/strips.cuh"
#include "cuda/kernels/windows.cuh"

namespace full_w2v {

// What order window holds between its sweeps: g of each pair, then each output's change.
struct WindowScratch {
  int outputs, contexts;
  int64_t stride;

  SGNS_HOST_DEVICE static WindowScratch of(const SgnsParams& params, int64_t stride) {
    return {params.negative + 1, 2 * params.window, stride};
  }
  SGNS_HOST_DEVICE int64_t floats() const { return outputs * (contexts + stride); }
  SGNS_HOST_DEVICE int64_t gradient_at(int output, int context) const {
    return static_cast<int64_t>(output) * contexts + context;
  }
  SGNS_HOST_DEVICE int64_t change_at(int output) const {
    return static_cast<int64_t>(outputs) * contexts + output * stride;
  }
};

// A step of a window: contexts `begin` ... `end` - 1 meet outputs `from` ... `until` - 1. Contexts are
// counted from the window's first one.
struct WindowStep {
  int begin, end, from, until;
};

// Number of a context's word.
__device__ __forceinline__ int context_number(const Window& window, int context) {
  const int number = window.first + context;
  return number < window.centre ? number : number + 1;
}

// Trains one window output by output. All lanes of the warp must call it.
template <int kValues>
__device__ __forceinline__ void train_pairs(const KernelArguments& arguments, const SegmentWalk& walk,
                                            const Window& window, float rate, Tally& tally) {
  const Rows& rows = arguments.rows;
  for (int o = 0; o < walk.outputs(); ++o) {
    if (window.outputs[o].weight == 0) continue;
    float* const y_row = row_of(rows.output, window.outputs[o].word, rows.stride);
    Row<kValues> x, y, change;
    y.load(y_row, rows.stride);
    change.clear();
    for (int c = window.first; c <= window.last; ++c) {
      if (c == window.centre) continue;
      float* const x_row = row_of(rows.input, walk.word(c), rows.stride);
      x.load(x_row, rows.stride);
      const float score = warp_sum(x.dot(y));
      const float g = gradient(score, o == 0, rate);
      y.add_to(x_row, rows.stride, g);
      y.add(x, g);
      change.add(x, g);
      tally_pair(tally, arguments.params.loss, score, o == 0);
    }
    change.add_to(y_row, rows.stride);
  }
}

// Sweep 1 of a step for one output: its g for every context, and its change.
template <int kValues>
__device__ __forceinline__ void score_output(const KernelArguments& arguments, const SegmentWalk& walk,
                                             const Window& window, const WindowStep& step, int o, float rate,
                                             float* scratch, Tally& tally) {
  const Rows& rows = arguments.rows;
  const WindowScratch at = WindowScratch::of(arguments.params, rows.stride);
  Row<kValues> x, y, change;
  y.load(row_of(rows.output, window.outputs[o].word, rows.stride), rows.stride);
  change.clear();
  for (int c = step.begin; c < step.end; ++c) {
    x.load(row_of(rows.input, walk.word(context_number(window, c)), rows.stride), rows.stride);
    const float score = warp_sum(x.dot(y));
    const float g = gradient(score, o == 0, rate);
    if (threadIdx.x == 0) scratch[at.gradient_at(o, c)] = g;
    change.add(x, g);
    tally_pair(tally, arguments.params.loss, score, o == 0);
  }
  change.put(scratch + at.change_at(o), rows.stride);
}

// Sweep 2 of a step for one output: its part of every context's update.
template <int kValues>
__device__ __forceinline__ void update_contexts(const KernelArguments& arguments, const SegmentWalk& walk,
                                                const Window& window, const WindowStep& step, int o,
                                                const float* scratch) {
  const Rows& rows = arguments.rows;
  const WindowScratch at = WindowScratch::of(arguments.params, rows.stride);
  Row<kValues> y;
  y.load(row_of(rows.output, window.outputs[o].word, rows.stride), rows.stride);
  for (int c = step.begin; c < step.end; ++c) {
    const float g = scratch[at.gradient_at(o, c)];
    y.add_to(row_of(rows.input, walk.word(context_number(window, c)), rows.stride), rows.stride, g);
  }
}

// Trains one step by its three sweeps. All lanes of the warp must call it; synchronises the warp.
template <int kValues>
__device__ __forceinline__ void train_step(const KernelArguments& arguments, const SegmentWalk& walk,
                                           const Window& window, const WindowStep& step, float rate,
                                           float* scratch, Tally& tally) {
  const Rows& rows = arguments.rows;
  const WindowScratch at = WindowScratch::of(arguments.params, rows.stride);
  for (int o = step.from; o < step.until; ++o) {
    if (window.outputs[o].weight) {
      score_output<kValues>(arguments, walk, window, step, o, rate, scratch, tally);
    }
  }
  __syncwarp();  // lane 0 wrote the gradients
  for (int o = step.from; o < step.until; ++o) {
    if (window.outputs[o].weight) update_contexts<kValues>(arguments, walk, window, step, o, scratch);
  }
  for (int o = step.from; o < step.until; ++o) {
    if (window.outputs[o].weight == 0) continue;
    Row<kValues> change;
    change.get(scratch + at.change_at(o), rows.stride);
    change.add_to(row_of(rows.output, window.outputs[o].word, rows.stride), rows.stride);
  }
  __syncwarp();  // before the next step's gradients
}

// Trains one window, step by step. All lanes of the warp must call it; synchronises the warp.
template <int kValues>
__device__ __forceinline__ void train_window(const KernelArguments& arguments, const SegmentWalk& walk,
                                             const Window& window, float rate, float* scratch, Tally& tally) {
  const SgnsParams& params = arguments.params;
  const int contexts = window.last - window.first;
  const int lane = static_cast<int>(threadIdx.x);
  const int most = warp_max(most_drawn(window.outputs + 1, params.negative, lane, kWarpSize));
  const int longest = strip_contexts(params, most);
  const int repeats = arguments.strip_repeats;
  const auto word = [&](int c) { return walk.word(context_number(window, c)); };
  for (WindowStep step{}; step.from < walk.outputs(); step.from = step.until) {
    step.until = block_end(params, step.from, 1, walk.outputs());
    for (step.begin = 0; step.begin < contexts; step.begin = step.end) {
      step.end = strip_end(step.begin, contexts, longest, repeats, word);
      train_step<kValues>(arguments, walk, window, step, rate, scratch, tally);
    }
  }
}

template <int kValues>
__global__ void __launch_bounds__(kWarpSize, resident_warps(kValues))
    register_kernel(const KernelArguments arguments) {
  unsigned char* const shared = shared_memory();
  float* const scratch = arguments.scratch
                             ? arguments.scratch + blockIdx.x * arguments.scratch_floats
                             : reinterpret_cast<float*>(shared + WalkShape::of(arguments.params).bytes());
  const auto train_one = [&](const SegmentWalk& walk, const Window& window, float rate, Tally& tally) {
    if (arguments.params.order == Order::pair) {
      train_pairs<kValues>(arguments, walk, window, rate, tally);
    } else {
      train_window<kValues>(arguments, walk, window, rate, scratch, tally);
    }
  };
  train_windows(arguments, shared, train_one);
}

}  // namespace full_w2v
