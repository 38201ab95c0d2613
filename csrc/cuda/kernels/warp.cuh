// Trains a segment per warp, window by window, without a block barrier: any radius, any number of negatives.
//
//   s = sigmoid(x_c . y_o) for the whole window with the rows as it finds them;  g = rate * (label - s);
//   x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Data moves as in block.cuh (Randall, Allen and Ge 2021): context rows live in a ring in shared memory while
// they are within the window, output rows in registers while they meet the contexts: 14 row transfers a word
// for 6 contexts and 6 outputs. Where no radius is drawn the ring may be in registers too: warp_fixed.cuh.
//
// A tile of kTile outputs meets the contexts two at a time: all their scores in one tree (score_tile.cuh),
// the sigmoids in parallel lanes, the gradients to all lanes through shared memory. So a window costs what
// its own radius asks for.
//
// If a window has more outputs than a tile (kSeveral), then the contexts' new values wait in the ring until
// the last tile has met the old ones, and an output that was drawn several times is trained once with that
// weight: so each row is read before it changes. So it is too where rows are rounded, once a window each.
//
// A window that is cut (strips.cuh) is trained step by step, each with a strip of its contexts and a block of
// its outputs, whose rows it reads anew. What an output of bf16 changes by is kept in scratch memory
// meanwhile, as it is rounded once. After each step the copies of words that the ring holds twice are united
// (ring.cuh).
//
//   input, output  [vocabulary, stride], as Storage keeps them  changed atomically; warps race by design
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = WarpLayout::bytes; with rows
// of bf16 a row of scratch for each output. Synchronisation: inside the warp, for words, draws and gradients
// only: rows belong to their lanes.
#pragma once

#include "cuda/kernels/ring.cuh"
#include "cuda/kernels/score_tile.cuh"
#include "cuda/kernels/settle.cuh"
#include "cuda/kernels/strips.cuh"
#include "cuda/kernels/tile_update.cuh"

namespace full_w2v {

// Shared memory: the walk, the tally, gradients, the ring.
struct WarpLayout {
  int64_t tally, gradients, ring, bytes;  // where each begins, and the sum
  int copies;                             // of each row in the ring

  SGNS_HOST_DEVICE static WarpLayout of(const SgnsParams& params, int values, int tile, bool several,
                                        bool rounds) {
    constexpr int64_t kFloat = sizeof(float);
    WarpLayout layout{};
    layout.copies = several ? 3 : 2;
    layout.tally = WalkShape::of(params.window, params.negative, rounds).bytes();
    layout.gradients = layout.tally + kTallyBytes;
    layout.ring = layout.gradients + (2 * tile * kFloat + 15) / 16 * 16;
    layout.bytes = layout.ring + ring_slots(params.window) * layout.copies * values * kWarpSize * kFloat;
    return layout;
  }
};

// A segment's training. All lanes of the warp must call each function.
template <int kValues, int kSure, int kTile, bool kSeveral, class Storage = Float32Rows>
class WarpTrainer {
  using RowPart = Row<kValues, kSure, Storage>;
  using Stored = typename Storage::Stored;

 public:
  __device__ __forceinline__ WarpTrainer(const KernelArguments& arguments, unsigned char* shared)
      : WarpTrainer(arguments, shared,
                    WarpLayout::of(arguments.params, kValues, kTile, kSeveral, Storage::kRounds)) {}

  __device__ __forceinline__ void train(const Segment& segment) {
    rate_ = segment_rate(arguments_, segment);
    walk_.begin(segment);
    int entered = walk_.first(), left = entered;  // words from `left` up to `entered` are in the ring
    ring_.start(entered);
    while (walk_.stage()) {
      settle(arguments_.params, walk_, outputs(), kSeveral || Storage::kRounds, tally_);
      if (walk_.first() == walk_.last()) return;  // alone in its sentence: nothing to train
      for (int centre = walk_.staged_begin(); centre < walk_.staged_end(); ++centre) {
        const Window window = walk_.window(centre);
#pragma unroll 1
        for (; entered <= window.known; ++entered) enter(entered, left);
        if (Storage::kRounds) draw_ = walk_.rounding(centre);
        train_window(window);
#pragma unroll 1
        for (; left <= centre - arguments_.params.window; ++left) leave(left);
      }
    }
#pragma unroll 1
    for (; left < entered; ++left) leave(left);
  }

  // What was trained; lane 0 knows it.
  __device__ __forceinline__ const Tally& tally() const { return *tally_; }

 private:
  __device__ __forceinline__ WarpTrainer(const KernelArguments& arguments, unsigned char* shared,
                                         const WarpLayout& layout)
      : arguments_(arguments),
        stride_(arguments.rows.stride),
        input_(RowPart::lane_base(Storage::input(arguments.rows))),
        output_(RowPart::lane_base(Storage::output(arguments.rows))),
        walk_(arguments, shared,
              WalkShape::of(arguments.params.window, arguments.params.negative, Storage::kRounds)),
        tally_(reinterpret_cast<Tally*>(shared + layout.tally)),
        gradients_(reinterpret_cast<TwoGradients*>(shared + layout.gradients)),
        ring_(reinterpret_cast<float*>(shared + layout.ring), ring_slots(arguments.params.window)) {
    if (threadIdx.x == 0) *tally_ = Tally();
#pragma unroll
    for (int k = 0; k < kTile; ++k) y_[k].clear();
  }

  __device__ __forceinline__ int outputs() const { return kSeveral ? walk_.outputs() : kTile; }
  // The same, found in the arguments: that leaves registers to the loops over them.
  __device__ __forceinline__ int last_output() const {
    return kSeveral ? arguments_.params.negative + 1 : kTile;
  }

  // A step of a window: contexts `begin` ... `end` - 1, numbered on from window.first without the centre,
  // meet outputs `from` ... `until` - 1.
  struct Step {
    int begin, end, from, until;
  };

  // Block by block of the outputs, strip by strip of the contexts: mostly one step.
  __device__ __forceinline__ void train_window(const Window& window) {
    Step step{window.first, window.last, 0, kTile};
#pragma unroll 1
    do {  // a word that is not alone in its sentence has a context
      if (kSeveral) step.until = block_end(arguments_.params, step.from, 1, last_output());
      step.end = end_of_strip(window, step.begin);
      train_step(window, step);
      const bool block_done = step.end == window.last, done = block_done && step.until == last_output();
      if (walk_.repeated(window.first - arguments_.params.window)) unite(window, step, done);
      step.begin = block_done ? window.first : step.end;
      if (block_done) step.from = step.until;
    } while (step.from < last_output());
  }

  __device__ __forceinline__ int end_of_strip(const Window& window, int begin) const {
    const int longest = walk_.strip(window.centre);
    const bool crowded = walk_.crowded(window.first);
    if (!crowded && window.last - window.first <= longest) return window.last;
    const auto word = [&](int c) { return walk_.word(number_of(window, c)); };
    const int repeats = crowded ? arguments_.strip_repeats : kUnlimited;
    return strip_end(begin, window.last, longest, repeats, word);
  }

  // Unites the copies of the words that the step changed; after the last one, those of all the window's
  // words, which are written through.
  __device__ __forceinline__ void unite(const Window& window, const Step& step, bool through) {
    const int held = max(walk_.first(), window.centre - arguments_.params.window);
    const int first = through ? window.first : number_of(window, step.begin);
    const int last = through ? window.last : number_of(window, step.end - 1);
    const auto one = [&](int number) { unite_copies(number, held, through); };
    walk_.each_repeated(first, last, held, one);
  }

  __device__ __forceinline__ void unite_copies(int number, int held, bool through) {
    unite_word<RowPart>(ring_, walk_, input_, stride_, number, held, through, draw_);
  }

  // The tiles of the step's outputs one after another, each against all its contexts.
  __device__ __forceinline__ void train_step(const Window& window, const Step& step) {
    for (int first = step.from; first < (kSeveral ? step.until : 1); first += kTile) {
      load_tile(window, first, step);
      const int own = first + tile_.own_output();
      const float weight = own < step.until ? window.outputs[own].weight : 0.0f;
      int c = step.begin;
      do {
        train_contexts(window, c, step, first, weight, own == 0);
        c += 2;
      } while (c < step.end);
#pragma unroll
      for (int k = 0; k < kTile; ++k) {
        if (exists(k, first, step.until)) add_change(k, window, first + tile_.output_in(k), step);
      }
    }
    if (kSeveral) make_pending_current(window, step);
  }

  // Adds what the output in slot k has changed by to its row: what is rounded, only after the last strip.
  __device__ __forceinline__ void add_change(int k, const Window& window, int output, const Step& step) {
    const uint32_t key = output_key(window, output);
    const bool begun = step.begin > window.first, more = step.end < window.last;
    if (Storage::kRounds && (begun || more)) {
      if (begun) saved().add_to(output, change_[k]);
      if (more) return saved().put(output, change_[k]);
      y_[k].reload(row_[k], stride_);
    }
    change_[k].add_in_lane(row_[k], stride_, y_[k], key);
  }

  // What outputs of bf16 have changed by in the strips before.
  __device__ __forceinline__ LaneRows<kValues> saved() const { return scratch_rows<kValues>(arguments_); }

  // Whether slot k of this lane has an output: in a last tile of several some may be left over.
  __device__ __forceinline__ bool exists(int k, int first, int until) const {
    return !kSeveral || first + tile_.output_in(k) < until;
  }

  __device__ __forceinline__ uint32_t output_key(const Window& window, int output) const {
    if (!Storage::kRounds) return 0;
    return rounding_key(draw_, RowMatrix::output, static_cast<uint32_t>(window.outputs[output].word));
  }

  __device__ __forceinline__ void load_tile(const Window& window, int first, const Step& step) {
#pragma unroll
    for (int k = 0; k < kTile; ++k) {
      change_[k].clear();
      if (kSeveral) y_[k].clear();
      if (!exists(k, first, step.until)) continue;
      const int output = first + tile_.output_in(k);
      row_[k] = RowPart::in_lane(output_, window.outputs[output].word, stride_);
      y_[k].reload(row_[k], stride_);
      if (Storage::kRounds && step.begin > window.first) saved().add_to(output, y_[k]);
    }
  }

  // The step's contexts c and c + 1 against the tile from output `first` on. `weight` and `positive` are of
  // the output whose scores this lane gets.
  __device__ __forceinline__ void train_contexts(const Window& window, int c, const Step& step, int first,
                                                 float weight, bool positive) {
    const bool both = c + 1 < step.end;
    const int slots[2] = {ring_.slot(number_of(window, c)), ring_.slot(number_of(window, both ? c + 1 : c))};
    RowPart x[2];  // a missing second one is the first once more, with gradients of zero
    ring_.get(slots[0], kCurrent, x[0]);
    ring_.get(slots[1], kCurrent, x[1]);
    const float score = this->score(x);
    const bool counts = both || tile_.own_context() == 0;
    share(counts ? weight * gradient(score, positive, rate_) : 0.0f);
    if (arguments_.params.loss) {
      const bool mine = counts && tile_.answers();
      settle_loss(mine ? weight * static_cast<double>(pair_loss(score, positive)) : 0.0, tally_);
    }
    update(x, slots, both, first > step.from);
  }

  // The contexts are numbered on without the centre.
  __device__ __forceinline__ static int number_of(const Window& window, int c) {
    return c < window.centre ? c : c + 1;
  }

  // This lane's score of those that two contexts have with the tile.
  __device__ __forceinline__ float score(const RowPart (&x)[2]) const {
    float first[kTile], second[kTile];
#pragma unroll
    for (int k = 0; k < kTile; ++k) {
      first[k] = x[0].dot(y_[k]);
      second[k] = x[1].dot(y_[k]);
    }
    return tile_.sum(first, second);
  }

  // Hands the lanes' gradients to all. Synchronises the warp.
  __device__ __forceinline__ void share(float gradient) const {
    __syncwarp();  // other lanes may still read those of the contexts before
    if (tile_.answers()) (&gradients_[tile_.own_output()].first)[tile_.own_context()] = gradient;
    __syncwarp();
  }

  // Updates the tile's outputs and two contexts; the second may be missing.
  __device__ __forceinline__ void update(RowPart (&x)[2], const int (&slots)[2], bool both, bool pending) {
    const auto gradients = [&](int k) { return gradients_[tile_.output_in(k)]; };
    const RingCopy to = kSeveral ? kPending : kCurrent;
    update_two(ring_, slots, x, both, kSeveral && pending, to, y_, change_, gradients);
  }

  __device__ __forceinline__ void make_pending_current(const Window& window, const Step& step) {
    for (int c = step.begin; c < step.end; ++c) {
      ring_.template make_pending_current<RowPart>(ring_.slot(number_of(window, c)));
    }
  }

  __device__ __forceinline__ void enter(int number, int held) {
    enter_word<RowPart>(ring_, walk_, input_, stride_, number, held, draw_);
  }

  __device__ __forceinline__ void leave(int number) {
    leave_word<RowPart>(ring_, walk_, input_, stride_, number, draw_);
  }

  const KernelArguments& arguments_;
  const int64_t stride_;
  Stored* const input_;  // this lane's part of the matrices
  Stored* const output_;
  SegmentWalk walk_;
  Tally* const tally_;
  const ScoreTile<kTile> tile_;
  TwoGradients* const gradients_;
  LaneRing<kValues, kSeveral ? 3 : 2> ring_;
  float rate_ = 0.0f;
  uint32_t draw_ = 0;                 // of the centre, for roundings
  RowPart y_[kTile], change_[kTile];  // by slot
  Stored* row_[kTile];                // where they are in global memory
};

// Several tiles of rounded rows leave room for four warps fewer.
constexpr int resident_general_warps(int values, int tile, bool several, bool rounds) {
  return resident_warps(values, tile, several || rounds) - (several && rounds && values <= 4 ? 4 : 0);
}

template <int kValues, int kSure, int kTile, bool kSeveral, class Storage = Float32Rows>
__global__ void __launch_bounds__(kWarpSize,
                                  resident_general_warps(kValues, kTile, kSeveral, Storage::kRounds))
    warp_kernel(const KernelArguments arguments) {
  WarpTrainer<kValues, kSure, kTile, kSeveral, Storage> trainer(arguments, shared_memory());
  train_segments(arguments, trainer);
}

}  // namespace full_w2v
