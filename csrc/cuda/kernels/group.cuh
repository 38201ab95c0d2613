// Trains a segment per warp, group by group: K consecutive centres that share their negatives are one tile.
//
//   s = sigmoid(x_c . y_o) for the whole tile with the rows as it finds them;  for a context c and an output
//   o that meet `positives` times with label 1 and `negatives` times with label 0:
//   g = rate * (positives - (positives + negatives) * s);
//   x_c += sum_o g * y_o;  y_o += sum_c g * x_c, both with the old rows          Mikolov 2013, eq. 4
//
// Data moves as in warp.cuh, but for a group: its K targets and N negatives are loaded once, so that a word
// takes 2 + 2 (K + N) / K row transfers, 9 with K = 2 and 5 negatives where it takes 14 alone. Words within
// a window of the group are in the ring, each place of the sentence in one copy, which is trained once for
// all windows of the group that hold it: their pairs count together, through bit masks of centres
// (group_walk.cuh).
//
// First all scores of a tile of outputs with all places, as Scores does it (group_scores.cuh,
// tensor_scores.cuh), whose gradients wait in shared memory; then both updates, two places at a time. If a
// group has more outputs than a tile (kSeveral), the places' new values wait in the ring until the last tile
// has met the old ones.
//
//   input, output  float [vocabulary, stride]  changes are added atomically; warps race by design
//
// A group that is cut (strips.cuh) is trained step by step: the masks hold the pairs of one strip, a part of
// the group's contexts window by window, and outputs that meet none of them are passed by. After each step
// the copies of words that the ring holds twice are united (ring.cuh).
//
// Launch: one warp a block, any grid (blocks stride over the segments), shared = GroupLayout::bytes.
// Synchronisation: inside the warp, for words, draws, masks and gradients; rows belong to their lanes unless
// Scores reads them.
#pragma once

#include "cuda/kernels/group_scores.cuh"
#include "cuda/kernels/group_walk.cuh"
#include "cuda/kernels/ring.cuh"
#include "cuda/kernels/settle.cuh"
#include "cuda/kernels/tensor_scores.cuh"
#include "cuda/kernels/tile_update.cuh"

namespace full_w2v {

// Shared memory: the walk, the tally, which windows hold each place, gradients, what Scores keeps, the ring.
struct GroupLayout {
  int64_t tally, meets, gradients, scores, ring, bytes;  // where each begins, and the sum
  int stride;                                            // between two outputs' gradients
  int slots;                                             // of the ring

  template <class Scores, bool kSeveral>
  SGNS_HOST_DEVICE static GroupLayout of(const SgnsParams& params) {
    constexpr int64_t kFloat = sizeof(float), kMask = sizeof(uint64_t);
    GroupLayout layout{};
    layout.slots = 2 * params.window + params.share_negatives;
    const int places = padded_places<Scores>(layout.slots);
    layout.stride = places + 2;  // not a multiple of the banks: lanes want several outputs' at a time
    layout.tally = GroupShape::of(params).bytes();
    layout.meets = layout.tally + kTallyBytes;
    layout.gradients = layout.meets + places * kMask;
    layout.scores = (layout.gradients + Scores::kTile * layout.stride * kFloat + 15) / 16 * 16;
    layout.ring = layout.scores + Scores::kBytes;
    layout.bytes = layout.ring + layout.slots * Ring<Scores, kSeveral>::kSlotFloats * kFloat;
    return layout;
  }

  template <class Scores, bool kSeveral>
  using Ring = LaneRing<Scores::kValues, kSeveral ? 3 : 2, Scores::template ring_padding<kSeveral ? 3 : 2>()>;

  template <class Scores>
  SGNS_HOST_DEVICE static constexpr int padded_places(int places) {
    return (places + Scores::kTogether - 1) / Scores::kTogether * Scores::kTogether;
  }
};

// A segment's training. All lanes of the warp must call each function.
template <class Scores, int kSure, bool kSeveral>
class GroupTrainer {
  static constexpr int kTile = Scores::kTile;
  static constexpr uint32_t kNoRounding = 0;  // a draw that rows of float32 have no use for
  using RowPart = Row<Scores::kValues, kSure>;

 public:
  __device__ __forceinline__ GroupTrainer(const KernelArguments& arguments, unsigned char* shared)
      : GroupTrainer(arguments, shared, GroupLayout::of<Scores, kSeveral>(arguments.params)) {}

  __device__ __forceinline__ void train(const Segment& segment) {
    rate_ = segment_rate(arguments_, segment);
    walk_.begin(segment);
    int entered = walk_.first(), left = entered;  // words from `left` up to `entered` are in the ring
    ring_.start(entered);
    while (walk_.stage(tally_)) {
      if (walk_.first() == walk_.last()) return;  // alone in its sentence: nothing to train
      for (int begin = walk_.staged_begin(); begin < walk_.staged_end();) {
        const Group group = walk_.group(begin);
#pragma unroll 1
        for (; entered <= group.known; ++entered) enter(entered, left);
        if (group.contexts > 0) train_group(group, left);
#pragma unroll 1
        for (; left < group.end - arguments_.params.window; ++left) leave(left);
        begin = group.end;
      }
    }
#pragma unroll 1
    for (; left < entered; ++left) leave(left);
  }

  // What was trained; lane 0 knows it.
  __device__ __forceinline__ const Tally& tally() const { return *tally_; }

 private:
  __device__ __forceinline__ GroupTrainer(const KernelArguments& arguments, unsigned char* shared,
                                          const GroupLayout& layout)
      : arguments_(arguments),
        stride_(arguments.rows.stride),
        input_(RowPart::lane_base(arguments.rows.input)),
        output_(RowPart::lane_base(arguments.rows.output)),
        walk_(arguments, shared),
        tally_(reinterpret_cast<Tally*>(shared + layout.tally)),
        meets_(reinterpret_cast<uint64_t*>(shared + layout.meets)),
        gradients_(reinterpret_cast<float*>(shared + layout.gradients)),
        gradient_stride_(layout.stride),
        scores_(shared + layout.scores),
        ring_(reinterpret_cast<float*>(shared + layout.ring), layout.slots) {
    if (threadIdx.x == 0) *tally_ = Tally();
#pragma unroll
    for (int k = 0; k < kTile; ++k) y_[k].clear();
  }

  // A step of a group: the contexts from that in the window of `centre` with number `number` on, up to the
  // strip's end, meet outputs `from` ... `until` - 1. `group`: with the words of these contexts alone.
  struct Step {
    int centre, number;
    int from, until;
  };

  // Block by block of the outputs, strip by strip of the contexts: mostly one step. Words from `held` on are
  // in the ring.
  __device__ __forceinline__ void train_group(const Group& group, int held) {
    const int centres = group.end - group.begin;
    // Without repeated words a strip holds a word at most once a centre.
    const bool crowded = arguments_.strip_repeats < (walk_.repeated(group.first) ? group.contexts : centres);
    const bool cut = crowded || group.contexts > group.strip;
    Step step = first_step(group, 0);
#pragma unroll 1
    do {
      if (kSeveral) step.until = block_end(arguments_.params, step.from, centres, group.outputs);
      Group part = group;
      if (cut) {
        find_strip(part, step, crowded);
      } else {
        find_meetings(group);
        step.centre = group.end;
      }
      train_step(part, step, cut);
      const bool block_done = step.centre == group.end, done = block_done && step.until == group.outputs;
      if (walk_.repeated(held)) unite(done ? group : part, held, done);
      if (!block_done) continue;
      step = first_step(group, step.until);
    } while (step.from < group.outputs);
  }

  // Unites the copies of all words of a part of a group; `through`: they are written through.
  __device__ __forceinline__ void unite(const Group& part, int held, bool through) const {
    const auto one = [&](int number) { unite_copies(number, held, through); };
    walk_.each_repeated(part.first, part.last, held, one);
  }

  __device__ __forceinline__ void unite_copies(int number, int held, bool through) const {
    unite_word<RowPart>(ring_, walk_, input_, stride_, number, held, through, kNoRounding);
  }

  // The tiles of the step's outputs one after another, each against all places of `group`.
  __device__ __forceinline__ void train_step(const Group& group, const Step& step, bool cut) {
    const bool several = kSeveral && step.until - step.from > kTile;
    bool pending = false;
    for (int first = step.from; first < (kSeveral ? step.until : 1); first += kTile) {
      if (kSeveral && cut && !meets_any(group, first, step.until)) continue;
      load_tile(group, first, step.until);
      score_tile(group, first, step);
      __syncwarp();  // the gradients are there
      update_tile(group, several, pending);
      pending = true;
#pragma unroll
      for (int k = 0; k < kTile; ++k) {
        if (exists(k, first, step.until)) {
          change_[k].add_in_lane(RowPart::in_lane(output_, word_[k], stride_), stride_);
        }
      }
      __syncwarp();  // all lanes have read the gradients
    }
    if (several && pending) make_pending_current(group);
  }

  // Whether a context of the step may meet an output of the tile from `first` on: by the windows of the step,
  // which `part` has as its centres.
  __device__ __forceinline__ bool meets_any(const Group& part, int first, int until) const {
    for (int o = first; o < min(first + kTile, until); ++o) {
      if (part.output[o].drawn != 0.0f || (part.output[o].targets & part.windows) != 0) return true;
    }
    return false;
  }

  // Finds the next strip: which windows hold each place in it, and its end, which becomes the step's. Reduces
  // `part` to its places. `crowded`: words have to be counted. Synchronises the warp.
  __device__ __forceinline__ void find_strip(Group& part, Step& step, bool crowded) const {
    const int lane = static_cast<int>(threadIdx.x), first = lowest(part, step);
    const int repeats = arguments_.strip_repeats;
    for (int place = lane; place < gradient_stride_ - 2; place += kWarpSize) meets_[place] = 0;
    __syncwarp();
    part.windows = 0;
    int last = first;
    for (int contexts = 0; step.centre < part.end && contexts < part.strip; ++contexts) {
      if (crowded && times_met(first, last, step.number) >= repeats) break;
      const uint64_t window = uint64_t{1} << (step.centre - part.begin);
      if (crowded) __syncwarp();  // other lanes may still count
      if (lane == 0) meets_[step.number - first] |= window;
      if (crowded) __syncwarp();
      part.windows |= window;
      last = max(last, step.number);
      step.number += step.number + 1 == step.centre ? 2 : 1;
      skip_to_context(part, step);
    }
    part.first = first;
    part.last = last;
    __syncwarp();
  }

  // The first word that the windows from the step's on hold; of its own window only what is left.
  __device__ __forceinline__ int lowest(const Group& group, const Step& step) const {
    int first = step.number;
    for (int centre = step.centre + 1; centre < group.end; ++centre) {
      first = min(first, walk_.window_first(centre));
    }
    return first;
  }

  // From past a window's last word to the next one's first, which is not its centre.
  __device__ __forceinline__ void skip_to_context(const Group& group, Step& step) const {
    while (step.centre < group.end && step.number > walk_.window_last(step.centre)) {
      if (++step.centre < group.end) step = first_of(step.centre, step);
    }
  }
  __device__ __forceinline__ Step first_of(int centre, const Step& step) const {
    const int first = walk_.window_first(centre);
    return {centre, first == centre ? first + 1 : first, step.from, step.until};
  }
  __device__ __forceinline__ Step first_step(const Group& group, int from) const {
    Step step = first_of(group.begin, {0, 0, from, group.outputs});
    skip_to_context(group, step);
    return step;
  }

  // How often the strip so far, with words first ... last, holds the word of `number`. All lanes call it.
  __device__ __forceinline__ int times_met(int first, int last, int number) const {
    const int32_t word = walk_.word(number);
    int times = 0;
    for (int other = first + static_cast<int>(threadIdx.x); other <= last; other += kWarpSize) {
      if (walk_.word(other) == word) times += __popcll(meets_[other - first]);
    }
    return warp_sum(times);
  }

  // Which windows hold each place; past the group's places none.
  __device__ __forceinline__ void find_meetings(const Group& group) const {
    const int padded = GroupLayout::padded_places<Scores>(group.places());
    for (int place = static_cast<int>(threadIdx.x); place < padded; place += kWarpSize) {
      meets_[place] = place < group.places() ? walk_.windows_with(group, group.first + place) : 0;
    }
    __syncwarp();
  }

  // Whether slot k of this lane has an output: in a last tile some may be left over.
  __device__ __forceinline__ bool exists(int k, int first, int until) const {
    return first + scores_.output_in(k) < until;
  }

  __device__ __forceinline__ void load_tile(const Group& group, int first, int until) {
#pragma unroll
    for (int k = 0; k < kTile; ++k) {
      if (!exists(k, first, until)) continue;  // some row: its gradients are zero
      word_[k] = group.output[first + scores_.output_in(k)].word;
      y_[k].reload(RowPart::in_lane(output_, word_[k], stride_), stride_);
    }
  }

  // Gradients of the tile from output `first` on, with all places.
  __device__ __forceinline__ void score_tile(const Group& group, int first, const Step& step) const {
    const auto slot_of = [&](int place) { return ring_.slot(min(group.first + place, group.last)); };
    const auto take = [&](bool mine, int output, int place, float score) {
      const GroupOutput& one = group.output[first + output];
      const uint64_t meets = meets_[place], targets = one.targets;
      const bool exists = !kSeveral || first + output < step.until, first_block = !kSeveral || step.from == 0;
      const auto positives = exists && first_block ? static_cast<float>(__popcll(meets & targets)) : 0.0f;
      const float negatives = exists ? one.drawn * static_cast<float>(__popcll(meets & ~targets)) : 0.0f;
      const float gradient = rate_ * (positives - (positives + negatives) * sigmoid(score));
      if (mine) gradients_[output * gradient_stride_ + place] = gradient;
      if (!arguments_.params.loss) return;
      const double loss = static_cast<double>(positives * pair_loss(score, true)) +
                          static_cast<double>(negatives * pair_loss(score, false));
      settle_loss(mine ? loss : 0.0, tally_);
    };
    scores_.each(y_, ring_, group.places(), slot_of, take);
  }

  // Updates the tile's outputs and all places. `several`: the places' new values become pending, `pending`:
  // they already are.
  __device__ __forceinline__ void update_tile(const Group& group, bool several, bool pending) {
#pragma unroll
    for (int k = 0; k < kTile; ++k) change_[k].clear();
    for (int place = 0; place < group.places(); place += 2) {
      const bool both = place + 1 < group.places();
      const int slot = ring_.slot(group.first + place);
      update_places(place, slot, both ? ring_.slot(group.first + place + 1) : slot, both, several, pending);
    }
  }

  // Two places; a missing second one is the first once more, with gradients of zero.
  __device__ __forceinline__ void update_places(int place, int slot, int second_slot, bool both, bool several,
                                                bool pending) {
    const int slots[2] = {slot, second_slot};
    RowPart x[2];
    ring_.get(slot, kCurrent, x[0]);
    ring_.get(second_slot, kCurrent, x[1]);
    const auto gradients = [&](int k) {
      return *reinterpret_cast<const TwoGradients*>(gradients_ + scores_.output_in(k) * gradient_stride_ +
                                                    place);
    };
    const RingCopy to = kSeveral && several ? kPending : kCurrent;
    update_two(ring_, slots, x, both, kSeveral && pending, to, y_, change_, gradients);
  }

  __device__ __forceinline__ void make_pending_current(const Group& group) const {
    for (int number = group.first; number <= group.last; ++number) {
      ring_.template make_pending_current<RowPart>(ring_.slot(number));
    }
  }

  __device__ __forceinline__ void enter(int number, int held) {
    enter_word<RowPart>(ring_, walk_, input_, stride_, number, held, kNoRounding);
  }

  __device__ __forceinline__ void leave(int number) const {
    leave_word<RowPart>(ring_, walk_, input_, stride_, number, kNoRounding);
  }

  const KernelArguments& arguments_;
  const int64_t stride_;
  float* const input_;  // this lane's part of the matrices
  float* const output_;
  GroupWalk walk_;
  Tally* const tally_;
  uint64_t* const meets_;   // by place: the group's centres whose windows hold it, a bit each
  float* const gradients_;  // [tile][gradient_stride_], by output and place
  const int gradient_stride_;
  const Scores scores_;
  GroupLayout::Ring<Scores, kSeveral> ring_;
  float rate_ = 0.0f;
  RowPart y_[kTile], change_[kTile];  // by slot
  int32_t word_[kTile] = {};          // whose they are
};

// How an instance of the kernel scores: in float32, or on tensor cores.
template <int kValues, int kTile, bool kTensor>
struct GroupScores {
  using Type = TreeScores<kValues, kTile>;
};
template <int kValues, int kTile>
struct GroupScores<kValues, kTile, true> {
  using Type = TensorScores<kValues, kTile>;
};

template <int kValues, int kSure, int kTile, bool kSeveral, bool kTensor>
__global__ void __launch_bounds__(kWarpSize, resident_warps(kValues, kTile, kTensor))
    group_kernel(const KernelArguments arguments) {
  using Scores = typename GroupScores<kValues, kTile, kTensor>::Type;
  if constexpr (Scores::kExists) {
    GroupTrainer<Scores, kSure, kSeveral> trainer(arguments, shared_memory());
    train_segments(arguments, trainer);
  }
}

}  // namespace full_w2v
