// Trains a segment per warp where every window has the same radius: the context ring is kept in registers.
//
//   s = sigmoid(x_c . y_o) for the whole window with the rows as it finds them;  g = rate * (label - s);
//   x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Data moves as in warp.cuh, but the rows of the 2 W + 1 words around the centre never leave the registers
// while they are in the ring: to move on by a word renames them, which the compiler folds into the update's
// destination. Shared memory holds the copies as loaded, for the difference when a row leaves.
//
// Before a window words that the ring holds twice are written through: what their copies changed by is added
// to the row, which all of them read anew. A window that is cut (strips.cuh), which is seldom here, is
// trained strip by strip with rows in memory. What an output of bf16 changes by is kept in scratch memory
// meanwhile, as it is rounded once.
//
// The window's contexts are taken as W pairs, at equal distances to both sides; all trees of a window run
// side by side (score_tile.cuh). The next window's outputs are not loaded ahead: that took 36 more
// instructions a word, and 16 warps a multiprocessor hide the way of a load.
//
// A single class despite its length: registers that several functions share cannot be passed between classes
// without the compiler's consent.
//
//   input, output  [vocabulary, stride], as Storage keeps them  changed atomically; warps race by design
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = FixedLayout::kBytes;
// negative = kFixedOutputs - 1 <= step_pairs, windows that do not shrink; with rows of bf16 a row of scratch
// for each output. Synchronisation: inside the warp, for words, draws and gradients.
#pragma once

#include "cuda/kernels/score_tile.cuh"
#include "cuda/kernels/settle.cuh"
#include "cuda/kernels/strips.cuh"

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
// addresses take registers that all lanes could share, and roundings take some: then there are 12. So there
// are from 10.0 on for whole rows; the compiler would spill some of them.
constexpr int resident_fixed_warps(int values, [[maybe_unused]] bool whole, bool rounds) {
  if (rounds) return values <= 4 ? 12 : 8;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
  return values <= 4 ? 12 : 8;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
  return values <= 4 ? (whole ? 12 : 16) : 8;
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
      settle(arguments_.params, walk_, kFixedOutputs, Storage::kRounds, tally_);  // a row is rounded once
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
#pragma unroll 1
    for (int r = 1; r < Layout::kRing; ++r) link(walk_.staged_begin() - kWindow - 1 + r);
    slot_ = Layout::kRing - 1;
  }

  // Loads the row of word `number` into ring row r, and keeps a copy in `slot`. Outside of the sentence the
  // ring row stays as it is, some word's row: its gradients are zero.
  __device__ __forceinline__ void enter(int r, int number, int slot) {
    if (number < walk_.first() || number > walk_.last()) return;
    x_[r].reload(RowPart::in_lane(input_, walk_.word(number), stride_), stride_);
    loaded_.put(slot, x_[r]);
  }

  // Links the newest word of the ring with its copies there.
  __device__ __forceinline__ void link(int number) {
    if (number < walk_.first() || number > walk_.last()) return;
    walk_.link(number, max(walk_.first(), number - 2 * kWindow));
  }

  // Adds what ring row r, of word `number`, changed by: to the copy that a later occurrence has, or to its
  // row.
  __device__ __forceinline__ void leave(int r, int number, int slot) {
    if (number < walk_.first() || number > walk_.last()) return;
    RowPart change = x_[r], loaded;
    loaded_.get(slot, loaded);
    change.add(loaded, -1.0f);
    if (const int later = walk_.later(number); later != kNone) {
      const int later_slot = slot + later - number;
      return add_to_change(later_slot < Layout::kRing ? later_slot : later_slot - Layout::kRing, change);
    }
    const int32_t word = walk_.word(number);
    change.add_in_lane(RowPart::in_lane(input_, word, stride_), stride_, loaded, input_key(word));
  }

  // Slot of the copy as loaded of ring row r.
  __device__ __forceinline__ int slot_of(int r) const {
    return slot_ + r < Layout::kRing ? slot_ + r : slot_ + r - Layout::kRing;
  }

  // Moves the copy as loaded away from the row, which has changed by more.
  __device__ __forceinline__ void add_to_change(int slot, const RowPart& change) const {
    RowPart loaded;
    loaded_.get(slot, loaded);
    loaded.add(change, -1.0f);
    loaded_.put(slot, loaded);
  }

  // After the last window the rows from kWindow - 1 words before the last centre on are still in the ring.
  __device__ __forceinline__ void leave_last() {
    const int end = walk_.staged_end();  // row r is of word end - 1 - kWindow + r
#pragma unroll
    for (int r = 1; r < Layout::kRing; ++r) {
      leave(r, end - 1 - kWindow + r, slot_of(r));
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

  // What outputs of bf16 have changed by in the strips before; by slot, since each lane keeps its values.
  __device__ __forceinline__ LaneRows<kValues> saved() const { return scratch_rows<kValues>(arguments_); }

  __device__ __forceinline__ void train_window(int centre) {
    shift();
    enter(Layout::kRing - 1, centre + kWindow, slot_);
    link(centre + kWindow);
    slot_ = slot_ + 1 == Layout::kRing ? 0 : slot_ + 1;
    const bool cut = (walk_.strip(centre) < 2 * kWindow) | walk_.crowded(centre - kWindow);
    if (cut || walk_.repeated(centre - kWindow - 1)) write_through(centre, cut);
    if (Storage::kRounds) draw_ = walk_.rounding(centre);
    if (cut) {
      train_cut_window(walk_.window(centre));
    } else {
      load_outputs(centre);
      score(centre);
      __syncwarp();  // the gradients are there
      update_outputs();
      update_contexts();
    }
    leave(0, centre - kWindow, slot_);
    __syncwarp();  // all lanes have read the gradients
  }

  // Strip by strip, with the contexts' rows in `loaded_` and in global memory, where they are equal.
  __device__ __forceinline__ void train_cut_window(const Window& window) {
    const auto word = [&](int c) { return walk_.word(number_of(window, c)); };
    for (int begin = window.first, end; begin < window.last; begin = end) {
      end = strip_end(begin, window.last, walk_.strip(window.centre), arguments_.strip_repeats, word);
      train_strip(window, begin, end);
      reload_ring(window);
    }
#pragma unroll
    for (int r = 0; r < Layout::kRing; ++r) {
      if (in_ring(window.centre, window.centre - kWindow + r)) loaded_.get(slot_of(r), x_[r]);
    }
  }

  // Contexts are numbered on from window.first without the centre.
  __device__ __forceinline__ static int number_of(const Window& window, int c) {
    return c < window.centre ? c : c + 1;
  }
  __device__ __forceinline__ bool in_ring(int centre, int number) const {
    return number >= max(walk_.first(), centre - kWindow) && number <= min(walk_.last(), centre + kWindow);
  }
  __device__ __forceinline__ int slot_of_word(int centre, int number) const {
    return slot_of(number - centre + kWindow);
  }

  // One step: contexts `begin` ... `end` - 1, one after another, against all outputs.
  __device__ __forceinline__ void train_strip(const Window& window, int begin, int end) {
    const bool begun = begin > window.first, more = end < window.last;
    const int own = tile_.own_output();
    const float weight = walk_.output(first_output(window.centre) | own).weight;
    RowPart change[kFixedOutputs];
    load_outputs(window.centre);
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) {
      change[k].clear();
      if (Storage::kRounds && begun) saved().add_to(k, y_[k]);
    }
#pragma unroll 1
    for (int c = begin; c < end; ++c) train_context(window, number_of(window, c), weight, change);
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) {
      if (Storage::kRounds && begun) saved().add_to(k, change[k]);
      if (Storage::kRounds && more) {
        saved().put(k, change[k]);
        continue;
      }
      if (Storage::kRounds && begun) y_[k].reload(RowPart::in_lane(output_, word_[k], stride_), stride_);
      change[k].add_in_lane(RowPart::in_lane(output_, word_[k], stride_), stride_, y_[k], output_key(k));
    }
  }

  // Updates of a context go to global memory at once; this warp rereads them only after the strip.
  __device__ __forceinline__ void train_context(const Window& window, int number, float weight,
                                                RowPart (&change)[kFixedOutputs]) {
    const bool positive = tile_.own_output() == 0;
    RowPart x, moved;
    x.clear();
    moved.clear();
    loaded_.get(slot_of_word(window.centre, number), x);
    float terms[kFixedOutputs];
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) terms[k] = x.dot(y_[k]);
    const float score = tile_.sum(terms, terms);
    __syncwarp();  // other lanes may still read the gradients of the context before
    if (tile_.answers()) {
      gradients_[tile_.own_output() * Layout::kContexts + tile_.own_context()] =
          weight * gradient(score, positive, rate_);
    }
    __syncwarp();
    if (arguments_.params.loss) {
      const bool mine = tile_.answers() && tile_.own_context() == 0;
      settle_loss(mine ? weight * static_cast<double>(pair_loss(score, positive)) : 0.0, tally_);
    }
#pragma unroll
    for (int k = 0; k < kFixedOutputs; ++k) {
      const float g = gradients_[tile_.index_in(k, 0) * Layout::kContexts];
      change[k].add(x, g);
      moved.add(y_[k], g);
    }
    const int32_t word = walk_.word(number);
    moved.add_in_lane(RowPart::in_lane(input_, word, stride_), stride_, x, input_key(word));
  }

  // Reads all rows of the ring anew.
  __device__ __forceinline__ void reload_ring(const Window& window) const {
    const int last = min(walk_.last(), window.centre + kWindow);
#pragma unroll 1
    for (int number = max(walk_.first(), window.centre - kWindow); number <= last; ++number) {
      RowPart x;
      x.clear();
      x.reload(RowPart::in_lane(input_, walk_.word(number), stride_), stride_);
      loaded_.put(slot_of_word(window.centre, number), x);
    }
  }

  // Whether the ring holds word `number` twice, or did until the word before its first one left.
  __device__ __forceinline__ bool is_repeated(int number, int first) const {
    return walk_.earlier(number) >= first - 1 || walk_.later(number) != kNone;
  }

  // Lets the copies of each word that the ring holds twice be its row with what all of them changed by;
  // `all`: of each word.
  __device__ __forceinline__ void write_through(int centre, bool all) {
    const int first = max(walk_.first(), centre - kWindow), last = min(walk_.last(), centre + kWindow);
    // What they changed by takes the place of the copies as loaded.
#pragma unroll
    for (int r = 0; r < Layout::kRing; ++r) {
      const int number = centre - kWindow + r;
      if (number < first || number > last || !(all || is_repeated(number, first))) continue;
      RowPart change = x_[r], loaded;
      loaded_.get(slot_of(r), loaded);
      change.add(loaded, -1.0f);
      loaded_.put(slot_of(r), change);
    }
#pragma unroll 1
    for (int number = first; number <= last; ++number) {
      const bool newest = walk_.later(number) == kNone;
      if (newest && (all || is_repeated(number, first))) write_copies_through(number, first, centre);
    }
#pragma unroll
    for (int r = 0; r < Layout::kRing; ++r) {
      const int number = centre - kWindow + r;
      if (number < first || number > last || !(all || is_repeated(number, first))) continue;
      loaded_.get(slot_of(r), x_[r]);
    }
  }

  // The same of a word whose newest copy is `newest`, in shared memory: changes become rows.
  __device__ __forceinline__ void write_copies_through(int newest, int first, int centre) const {
    const int32_t word = walk_.word(newest);
    Stored* const row = RowPart::in_lane(input_, word, stride_);
    RowPart sum, x;
    sum.clear();
#pragma unroll 1
    for (int copy = newest; copy >= first; copy = walk_.earlier(copy)) {
      loaded_.get(slot_of_word(centre, copy), x);
      sum.add(x, 1.0f);
    }
    x.clear();
    if (Storage::kRounds) x.reload(row, stride_);
    sum.add_in_lane(row, stride_, x, input_key(word));
    x.reload(row, stride_);
#pragma unroll 1
    for (int copy = newest; copy >= first; copy = walk_.earlier(copy)) {
      loaded_.put(slot_of_word(centre, copy), x);
    }
  }

  __device__ __forceinline__ uint32_t input_key(int32_t word) const {
    return rounding_key(draw_, RowMatrix::input, static_cast<uint32_t>(word));
  }
  __device__ __forceinline__ uint32_t output_key(int k) const {
    return rounding_key(draw_, RowMatrix::output, static_cast<uint32_t>(word_[k]));
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
    // Past the sentence's ends there is no context, whatever the row holds.
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
      change.add_in_lane(RowPart::in_lane(output_, word_[k], stride_), stride_, y_[k], output_key(k));
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
__global__ void __launch_bounds__(kWarpSize,
                                  resident_fixed_warps(kValues, kSure == kValues, Storage::kRounds))
    warp_fixed_kernel(const KernelArguments arguments) {
  FixedWindowTrainer<kValues, kSure, kWindow, Storage> trainer(arguments, shared_memory());
  train_segments(arguments, trainer);
}

}  // namespace full_w2v
