// Trains a segment per warp where every window has the same radius: the context ring stands in registers.
//
//   s = sigmoid(x_c . y_o) for the whole window with the rows as it finds them;  g = rate * (label - s);
//   x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Data moves as in warp.cuh, but the rows of the 2 W + 1 words around the centre never leave the registers
// while they are in the ring: to move on by a word renames them, which the compiler folds into the update's
// destination. Shared memory holds the copies as loaded, for the difference when a row leaves.
//
// The window's contexts are taken as W pairs, at equal distances to both sides; all trees of a window run
// side by side (score_tile.cuh). The next window's outputs are not loaded ahead: that took 36 more
// instructions a word, and 16 warps a multiprocessor hide the way of a load.
//
//   input, output  [vocabulary, stride], as Storage keeps them  changed atomically; warps race by design
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = FixedLayout::kBytes;
// negative = kFixedOutputs - 1, windows that do not shrink.
// Synchronisation: inside the warp, for words, draws and gradients.
#pragma once

#include "cuda/score_tile.cuh"
#include "cuda/settle.cuh"

namespace full_w2v {

constexpr int kFixedOutputs = 6;

// Shared memory: the walk, gradients by output, rows as loaded.
template <int kValues, int kWindow, bool kRounds>
struct FixedLayout {
  static constexpr int kRing = 2 * kWindow + 1;
  static constexpr int kContexts = (2 * kWindow + 3) / 4 * 4;  // gradients of an output, in 16-byte pieces

  SGNS_HOST_DEVICE static constexpr WalkShape walk() {
    return WalkShape::of(kWindow, kFixedOutputs - 1, kRounds);
  }
  static constexpr int64_t kFloat = sizeof(float);
  static constexpr int64_t kTally = walk().bytes(), kGradients = kTally + kTallyBytes;
  static constexpr int64_t kLoaded = kGradients + kFixedOutputs * kContexts * kFloat;
  static constexpr int64_t kBytes = kLoaded + kRing * kValues * kWarpSize * kFloat;
};

// Warps that a multiprocessor should hold: 16, with 128 registers a lane. Before compute capability 7.5
// addresses take registers that all lanes could share: with masks for rows that end within a lane's values
// there are 12.
constexpr int resident_fixed_warps(int values, [[maybe_unused]] bool whole) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
  return values <= 4 ? (whole ? 16 : 12) : 8;
#else
  return resident_warps(values);
#endif
}

// A segment's training. All lanes of the warp must call each function.
template <int kValues, int kSure, int kWindow, class Storage = Float32Rows>
class FixedWindowTrainer {
  using Layout = FixedLayout<kValues, kWindow, Storage::kRounds>;
  using RowPart = Row<kValues, kSure, Storage>;
  using Stored = typename Storage::Stored;

 public:
  __device__ __forceinline__ FixedWindowTrainer(const KernelArguments& arguments, unsigned char* shared)
      : arguments_(arguments),
        stride_(arguments.rows.stride),
        input_(RowPart::lane_base(Storage::input(arguments.rows))),
        output_(RowPart::lane_base(Storage::output(arguments.rows))),
        walk_(arguments, shared, Layout::walk()),
        tally_(reinterpret_cast<Tally*>(shared + Layout::kTally)),
        gradients_(reinterpret_cast<float*>(shared + Layout::kGradients)),
        loaded_{reinterpret_cast<float*>(shared + Layout::kLoaded)} {
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) y_[k].clear();
#pragma unroll
    for (int r = 0; r < Layout::kRing; ++r) x_[r].clear();
    if (threadIdx.x == 0) *tally_ = Tally();
  }

  __device__ __forceinline__ void train(const Segment& segment) {
    rate_ = segment_rate(arguments_, segment);
    walk_.begin(segment);
    bool begun = false;
    while (walk_.stage()) {
      settle(walk_, Storage::kRounds, tally_);    // a row is rounded once
      if (walk_.first() == walk_.last()) return;  // alone in its sentence: nothing to train
      if (!begun) enter_first();
      begun = true;
      for (int centre = walk_.staged_begin(); centre < walk_.staged_end(); ++centre) {
        train_window(centre);
      }
    }
    if (begun) leave_last();
  }

  // What was trained; lane 0 knows it.
  __device__ __forceinline__ const Tally& tally() const { return *tally_; }

 private:
  // Rows of the words up to kWindow - 1 after the first centre.
  __device__ __forceinline__ void enter_first() {
#pragma unroll
    for (int r = 1; r < Layout::kRing; ++r) enter(r, walk_.staged_begin() - kWindow - 1 + r, r - 1);
    slot_ = Layout::kRing - 1;
  }

  // Loads the row of word `number` into ring row r, and keeps a copy in `slot`. Outside of the sentence the
  // ring row stays as it is, some word's row: its gradients are zero.
  __device__ __forceinline__ void enter(int r, int number, int slot) {
    if (number < walk_.first() || number > walk_.last()) return;
    x_[r].reload(RowPart::in_lane(input_, walk_.word(number), stride_), stride_);
    loaded_.put(slot, x_[r]);
  }

  // Adds what ring row r, of word `number`, changed by.
  __device__ __forceinline__ void leave(int r, int number, int slot) {
    if (number < walk_.first() || number > walk_.last()) return;
    RowPart change = x_[r], loaded;
    loaded_.get(slot, loaded);
    change.add(loaded, -1.0f);
    const int32_t word = walk_.word(number);
    change.add_in_lane(RowPart::in_lane(input_, word, stride_), stride_, loaded,
                       rounding_key(draw_, RowMatrix::input, static_cast<uint32_t>(word)));
  }

  // After the last window the rows from kWindow - 1 words before the last centre on are still in the ring.
  __device__ __forceinline__ void leave_last() {
    const int end = walk_.staged_end();  // row r is of word end - 1 - kWindow + r
#pragma unroll
    for (int r = 1; r < Layout::kRing; ++r) {
      leave(r, end - 1 - kWindow + r, slot_ + r < Layout::kRing ? slot_ + r : slot_ + r - Layout::kRing);
    }
  }

  // Index of a centre's first output.
  __device__ __forceinline__ int first_output(int centre) const {
    return (centre - walk_.staged_begin()) * output_places(kFixedOutputs);
  }

  // Loads slot k of this lane with the output that belongs there.
  __device__ __forceinline__ void load_output(int k, int first) {
    word_[k] = walk_.output(tile_.index_in(k, first)).word;
    y_[k].reload(RowPart::in_lane(output_, word_[k], stride_), stride_);
  }

  __device__ __forceinline__ void load_outputs(int centre) {
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) load_output(k, first_output(centre));
  }

  __device__ __forceinline__ void train_window(int centre) {
    if (Storage::kRounds) draw_ = walk_.rounding(centre);
    shift();
    enter(Layout::kRing - 1, centre + kWindow, slot_);
    slot_ = slot_ + 1 == Layout::kRing ? 0 : slot_ + 1;
    load_outputs(centre);
    score(centre);
    __syncwarp();  // the gradients are there
    update_outputs();
    update_contexts();
    leave(0, centre - kWindow, slot_);
    __syncwarp();  // all lanes have read the gradients
  }

  __device__ __forceinline__ void shift() {
#pragma unroll
    for (int r = 0; r + 1 < Layout::kRing; ++r) x_[r] = x_[r + 1];
  }

  // Ring rows of the contexts at distance 1 + pair to both sides.
  __device__ static constexpr int before(int pair) { return kWindow - 1 - pair; }
  __device__ static constexpr int after(int pair) { return kWindow + 1 + pair; }

  // All scores of the window; each lane writes the gradient of those it gets.
  __device__ __forceinline__ void score(int centre) {
    const int own = tile_.own_output();
    const float weight = walk_.output(first_output(centre) | own).weight, step = rate_ * weight;
    const float labelled = own == 0 ? step : 0.0f;
    // Past the sentence's ends there is no context, whatever row stands there.
    const int reach = tile_.own_context() ? walk_.last() - centre : centre - walk_.first();
    float scores[kWindow];
#pragma unroll
    for (int pair = 0; pair < kWindow; ++pair) {
      float first[kFixedOutputs], second[kFixedOutputs];
#pragma unroll
      for (int k = 0; k < kFixedOutputs; ++k) {
        first[k] = x_[before(pair)].dot(y_[k]);
        second[k] = x_[after(pair)].dot(y_[k]);
      }
      scores[pair] = tile_.sum(first, second);
      const float gradient = pair < reach ? labelled - step * sigmoid(scores[pair]) : 0.0f;
      if (tile_.answers()) gradients_[own * Layout::kContexts + pair * 2 + tile_.own_context()] = gradient;
    }
    if (arguments_.params.loss) {
      add_losses(scores, tile_.answers() ? min(reach, kWindow) : 0, weight, own == 0);
    }
  }

  // Adds the losses of the first `count` of the lane's scores; not unrolled, since it is seldom asked for.
  __device__ __forceinline__ void add_losses(const float (&scores)[kWindow], int count, float weight,
                                             bool positive) const {
    double loss = 0.0;
#pragma unroll 1
    for (int pair = 0; pair < count; ++pair) {
      float score = scores[0];
#pragma unroll
      for (int p = 1; p < kWindow; ++p) score = pair == p ? scores[p] : score;
      loss += weight * static_cast<double>(pair_loss(score, positive));
    }
    settle_loss(loss, tally_);
  }

  struct alignas(16) Gradients {
    float of[Layout::kContexts];  // by pair, before and after
  };
  __device__ __forceinline__ Gradients gradients(int k) const {
    return reinterpret_cast<const Gradients*>(gradients_)[tile_.index_in(k, 0)];
  }

  __device__ __forceinline__ void update_outputs() {
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) {
      const Gradients g = gradients(k);
      RowPart change;
      change.clear();
#pragma unroll
      for (int pair = 0; pair < kWindow; ++pair) {
        change.add(x_[before(pair)], g.of[2 * pair]);
        change.add(x_[after(pair)], g.of[2 * pair + 1]);
      }
      change.add_in_lane(RowPart::in_lane(output_, word_[k], stride_), stride_, y_[k],
                         rounding_key(draw_, RowMatrix::output, static_cast<uint32_t>(word_[k])));
    }
  }

  __device__ __forceinline__ void update_contexts() {
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) {
      const Gradients g = gradients(k);
#pragma unroll
      for (int pair = 0; pair < kWindow; ++pair) {
        x_[before(pair)].add(y_[k], g.of[2 * pair]);
        x_[after(pair)].add(y_[k], g.of[2 * pair + 1]);
      }
    }
  }

  const KernelArguments& arguments_;
  const int64_t stride_;
  Stored* const input_;  // this lane's part of the matrices
  Stored* const output_;
  SegmentWalk walk_;
  const ScoreTile<kFixedOutputs> tile_;
  Tally* const tally_;
  float* const gradients_;
  const LaneRows<kValues> loaded_;
  float rate_ = 0.0f;
  uint32_t draw_ = 0;            // of the centre, for roundings
  RowPart x_[Layout::kRing];     // the ring: row kWindow is the centre's
  RowPart y_[kFixedOutputs];     // by slot
  int32_t word_[kFixedOutputs];  // whose they are
  int slot_ = 0;                 // of the next word to enter, among the loaded copies
};

template <int kValues, int kSure, int kWindow, class Storage = Float32Rows>
__global__ void __launch_bounds__(kWarpSize, resident_fixed_warps(kValues, kSure == kValues))
    warp_fixed_kernel(const KernelArguments arguments) {
  FixedWindowTrainer<kValues, kSure, kWindow, Storage> trainer(arguments, shared_memory());
  for (int64_t s = blockIdx.x; s < arguments.batch.count; s += gridDim.x) {
    trainer.train(arguments.batch.segments[s]);
  }
  if (threadIdx.x == 0) add_tally(arguments.totals, trainer.tally());
}

}  // namespace full_w2v
