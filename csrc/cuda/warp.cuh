// Trains a segment per warp, window by window, without a block barrier: ours, the default.
//
//   s = sigmoid(x_c . y_o) for the whole window with the rows as it finds them;  g = rate * (label - s);
//   x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Data moves as in block.cuh (Randall, Allen and Ge 2021): context rows live in a ring in shared memory while
// they are within the window, output rows in registers while they meet the contexts: 14 row transfers a word
// for 6 contexts and 6 outputs.
//
// Outputs are taken kTile at a time. A context's scores with all of a tile are summed over the warp in one
// tree, each sigmoid is computed in lanes of its own, and the factors are handed back by shuffles. If a
// window has more outputs than a tile, then the contexts' new values wait in the ring until the last tile has
// met the old ones, and an output that was drawn several times is trained once with that weight: so each row
// is read before it changes.
//
//   input, output  float [vocabulary, stride]  changes are added atomically; warps race by design
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = WarpLayout::bytes.
// Synchronisation: inside the warp, for words and draws only: lane l alone touches values l, l + 32, ... of a
// row.
#pragma once

#include "cuda/ring.cuh"
#include "cuda/row.cuh"
#include "cuda/walk.cuh"

namespace full_w2v {

// Shared memory: the walk, the ring.
struct WarpLayout {
  int64_t ring, bytes;  // where it begins, and the sum
  int copies;           // of each row in the ring

  SGNS_HOST_DEVICE static WarpLayout of(const SgnsParams& params, int64_t stride, int tile) {
    WarpLayout layout{};
    layout.copies = params.negative + 1 > tile ? 3 : 2;
    layout.ring = WalkShape::of(params).bytes();
    layout.bytes =
        layout.ring + ring_floats(params, stride, layout.copies) * static_cast<int64_t>(sizeof(float));
    return layout;
  }
};

// Sums kTile terms over the warp in one tree. Lane l gets the sum of term l / score_lanes(kTile), and each
// step halves the terms that a lane still carries. All lanes must call it; no memory is synchronised.
template <int kTile>
struct ScoreTree {
  static constexpr int padded() {
    int power = 1;
    while (power < kTile) power *= 2;
    return power;
  }
  static constexpr int kTerms = padded();
  static constexpr int kLanes = kWarpSize / kTerms;  // that share one sum

  __device__ __forceinline__ static float sum(const float (&terms)[kTile]) {
    float carried[kTerms];
    for (int i = 0; i < kTerms; ++i) carried[i] = i < kTile ? terms[i] : 0.0f;
    int lanes = kWarpSize / 2;
    for (int half = kTerms / 2; half > 0; half /= 2, lanes /= 2) {
      const bool upper = (threadIdx.x & static_cast<unsigned>(lanes)) != 0;
      for (int i = 0; i < half; ++i) {
        const float kept = upper ? carried[i + half] : carried[i];
        const float given = upper ? carried[i] : carried[i + half];
        carried[i] = kept + __shfl_xor_sync(kAllLanes, given, lanes);
      }
    }
    float score = carried[0];
    for (; lanes > 0; lanes /= 2) score += __shfl_xor_sync(kAllLanes, score, lanes);
    return score;
  }

  // The value that the lanes of sum `index` hold. All lanes must call it.
  __device__ __forceinline__ static float of(float value, int index) {
    return __shfl_sync(kAllLanes, value, index * kLanes);
  }
};

// Outputs of one tile, one row after another in registers.
template <int kValues, int kTile>
struct OutputTile {
  Row<kValues> row[kTile], change[kTile];
  int first;  // the tile's first output

  // Outputs past the last one, or skipped, are zero rows: they change nothing.
  __device__ __forceinline__ void load(const Rows& rows, const Output* outputs, int count) {
    for (int t = 0; t < kTile; ++t) {
      change[t].clear();
      row[t].clear();
      if (first + t < count && outputs[first + t].weight) {
        row[t].load(row_of(rows.output, outputs[first + t].word, rows.stride), rows.stride);
      }
    }
  }

  __device__ __forceinline__ void add_changes(const Rows& rows, const Output* outputs, int count) const {
    for (int t = 0; t < kTile; ++t) {
      if (first + t < count && outputs[first + t].weight) {
        change[t].add_to(row_of(rows.output, outputs[first + t].word, rows.stride), rows.stride);
      }
    }
  }
};

// A segment's training. All lanes of the warp must call each function.
template <int kValues, int kTile>
class WarpTrainer {
 public:
  __device__ WarpTrainer(const KernelArguments& arguments, unsigned char* shared)
      : arguments_(arguments),
        rows_(arguments.rows),
        walk_(arguments, shared),
        outputs_(arguments.params.negative + 1),
        lane_(static_cast<int>(threadIdx.x)) {
    const WarpLayout layout = WarpLayout::of(arguments.params, rows_.stride, kTile);
    ring_ = {reinterpret_cast<float*>(shared + layout.ring), rows_.stride,
             ring_slots(arguments.params.window), layout.copies};
  }

  __device__ void train(const Segment& segment, Tally& tally) {
    rate_ = segment_rate(arguments_, segment);
    walk_.begin(segment);
    int entered = walk_.first(), left = entered;  // words from `left` up to `entered` are in the ring
    for (Window window; walk_.next(window);) {
      if (lane_ == 0) ++tally.words;
      if (alone(window)) continue;
      for (; entered <= window.known; ++entered) enter(entered);
      train_window(window, tally);
      for (; left <= window.centre - arguments_.params.window; ++left) leave(left);
    }
    for (; left < entered; ++left) leave(left);
  }

 private:
  __device__ void train_window(const Window& window, Tally& tally) {
    const bool several = outputs_ > kTile;
    if (several) merge_repeated(window.outputs);
    for (int first = 0; first < outputs_; first += kTile) {
      OutputTile<kValues, kTile> tile;
      tile.first = first;
      tile.load(rows_, window.outputs, outputs_);
      const int own = first + lane_ / ScoreTree<kTile>::kLanes;  // the output whose scores this lane gets
      const bool scores = own < outputs_ && own < first + kTile;
      const int weight = scores ? window.outputs[own].weight : 0;
      for (int c = window.first; c <= window.last; ++c) {
        if (c != window.centre) train_context(c, tile, several, own == 0, weight, tally);
      }
      tile.add_changes(rows_, window.outputs, outputs_);
    }
    if (several) make_pending_current(window);
  }

  // One context against a tile of outputs. `positive` and `weight` are of the output whose score this lane
  // gets.
  __device__ __forceinline__ void train_context(int c, OutputTile<kValues, kTile>& tile, bool several,
                                                bool positive, int weight, Tally& tally) {
    Row<kValues> x, moved;
    x.get(ring_.row(c, kCurrent), rows_.stride);
    float terms[kTile];
    for (int t = 0; t < kTile; ++t) terms[t] = x.dot(tile.row[t]);
    const float score = ScoreTree<kTile>::sum(terms);
    const float own = static_cast<float>(weight) * gradient(score, positive, rate_);
    moved = x;
    if (several && tile.first > 0) moved.get(ring_.row(c, kPending), rows_.stride);
    for (int t = 0; t < kTile; ++t) {
      const float g = ScoreTree<kTile>::of(own, t);
      moved.add(tile.row[t], g);
      tile.change[t].add(x, g);
    }
    moved.put(ring_.row(c, several ? kPending : kCurrent), rows_.stride);
    if (lane_ % ScoreTree<kTile>::kLanes == 0 && weight) {
      tally.pairs += weight;
      if (arguments_.params.loss) tally.loss += weight * static_cast<double>(pair_loss(score, positive));
    }
  }

  // Gives the first of equal outputs the weight of all, the others none. Synchronises the warp.
  __device__ void merge_repeated(Output* outputs) {
    for (int begin = 0; begin < outputs_; begin += kWarpSize) {
      const int own = begin + lane_;
      int weight = 0;
      if (own < outputs_ && outputs[own].weight) {
        for (int o = 0; o < outputs_; ++o) {
          if (outputs[o].weight == 0 || outputs[o].word != outputs[own].word) continue;
          weight = o < own ? 0 : weight + 1;
          if (o < own) break;
        }
      }
      __syncwarp();  // every lane has read the weights
      if (own < outputs_) outputs[own].weight = weight;
      __syncwarp();
    }
  }

  __device__ void make_pending_current(const Window& window) {
    for (int c = window.first; c <= window.last; ++c) {
      if (c == window.centre) continue;
      Row<kValues> x;
      x.get(ring_.row(c, kPending), rows_.stride);
      x.put(ring_.row(c, kCurrent), rows_.stride);
    }
  }

  __device__ void enter(int number) {
    Row<kValues> x;
    x.load(row_of(rows_.input, walk_.word(number), rows_.stride), rows_.stride);
    x.put(ring_.row(number, kCurrent), rows_.stride);
    x.put(ring_.row(number, kLoaded), rows_.stride);
  }

  __device__ void leave(int number) {
    Row<kValues> x, loaded;
    x.get(ring_.row(number, kCurrent), rows_.stride);
    loaded.get(ring_.row(number, kLoaded), rows_.stride);
    x.add(loaded, -1.0f);
    x.add_to(row_of(rows_.input, walk_.word(number), rows_.stride), rows_.stride);
  }

  const KernelArguments& arguments_;
  const Rows& rows_;
  SegmentWalk walk_;
  ContextRing ring_{};
  const int outputs_;
  const int lane_;
  float rate_ = 0.0f;
};

template <int kValues, int kTile>
__global__ void __launch_bounds__(kWarpSize, resident_warps(kValues))
    warp_kernel(const KernelArguments arguments) {
  WarpTrainer<kValues, kTile> trainer(arguments, shared_memory());
  Tally tally;
  for (int64_t s = blockIdx.x; s < arguments.batch.count; s += gridDim.x) {
    trainer.train(arguments.batch.segments[s], tally);
  }
  tally.pairs = warp_sum(tally.pairs);
  tally.loss = warp_sum(tally.loss);
  if (threadIdx.x == 0) add_tally(arguments.totals, tally);
}

}  // namespace full_w2v
