// Walks a segment centre word by centre word: subsampling, windows and negatives, all drawn here
// (contract/draws.h).
//
// Kept words are queued in shared memory. 32 tokens are looked at together: each lane draws for one, a
// ballot says who stays, and the bits below a lane's own give its place. Words are numbered along the
// sentence: the segment's first kept word is number `window`, so that kept words before it, down to `first`,
// have numbers too. A window reaches over the segment's borders, hence up to `window` kept words are looked
// for on both sides, but never over the sentence's.
#pragma once

#include "cuda/kernels/device.cuh"

namespace full_w2v {

constexpr int32_t kNone = -(1 << 30);  // before every word

struct alignas(16) KeptWord {
  int32_t word;
  int32_t offset;  // from the segment's begin; meaningful for the segment's own words
  // Numbers of the same word's nearest copies: the one before it that was in the ring when it entered, and
  // the one that found it there.
  int32_t earlier, later;
};

// A row that a window's contexts meet. Weight 0: skipped, since the negative equals the target.
struct alignas(8) Output {
  int32_t word;
  float weight;
};

// One centre word, by numbers of kept words: its contexts are first ... last without the centre itself.
struct Window {
  int32_t centre;
  int32_t first, last;
  int32_t known;  // the last word of the sentence within `window` of the centre: it is in the ring by now
  Output* outputs;
};

// Whether a centre has no contexts. It is then the only kept word of its sentence, since a window reaches one
// word at least: no row needs to be moved for it.
__device__ __forceinline__ bool alone(const Window& window) { return window.first == window.last; }

// A staged centre's radius, and how many contexts a strip of its window may have: L of contract/README.md.
struct alignas(8) Extent {
  int32_t radius, strip;
};

// Outputs that a centre has room for: a multiple of 8, so that indices may be XORed (score_tile.cuh).
SGNS_HOST_DEVICE constexpr int output_places(int outputs) { return (outputs + 7) / 8 * 8; }

// State that is needed only to find further words, or rarely. It is in shared memory: registers
// are for the rows.
struct alignas(16) WalkProgress {
  Segment segment;
  int32_t looked_at;  // tokens from the segment's begin
  int32_t end;        // number one past the segment's last word; -1 until it is known
  // Of all copies that link() has found the last, and the last that was one of R or more.
  int32_t repeated, crowded;
};

// Sizes of a queue of kept words, in shared memory.
struct QueueShape {
  int places;  // 2 window + centres, up to 32 more from looking at 32 tokens together, and up to a power of
               // two: a number's place is its low bits
  int window;

  // `centres`: those whose windows are needed together.
  SGNS_HOST_DEVICE static constexpr QueueShape of(int window, int centres) {
    int places = kWarpSize;
    while (places < 2 * window + centres + kWarpSize) places *= 2;
    return {places, window};
  }
  SGNS_HOST_DEVICE constexpr int bytes() const {
    return static_cast<int>(sizeof(WalkProgress)) + places * static_cast<int>(sizeof(KeptWord));
  }
};

// Sizes of a walk's shared memory. Draws are made for several centres at once, to keep all lanes busy.
struct WalkShape {
  QueueShape queue;
  int staged;  // centres whose draws are held
  int outputs;
  int places;   // output_places()
  bool rounds;  // whether centres have a rounding draw, behind their negatives'

  SGNS_HOST_DEVICE static constexpr WalkShape of(int window, int negative, bool rounds = false) {
    const int together = kWarpSize / token_blocks(negative + (rounds ? 1 : 0));
    return {QueueShape::of(window, 1), together > 0 ? together : 1, negative + 1, output_places(negative + 1),
            rounds};
  }
  SGNS_HOST_DEVICE static WalkShape of(const SgnsParams& params) {
    return of(params.window, params.negative);
  }
  SGNS_HOST_DEVICE constexpr int bytes() const {
    const int sum = queue.bytes() +
                    staged * (places * static_cast<int>(sizeof(Output)) + static_cast<int>(sizeof(Extent)) +
                              (rounds ? static_cast<int>(sizeof(uint32_t)) : 0));
    return (sum + 15) / 16 * 16;
  }
};

// Finds a segment's kept words, and those that windows reach around it. Belongs to one warp. All its lanes
// must call every function, with equal arguments; the state is equal in all lanes.
class WordQueue {
 public:
  // `shared` has QueueShape::bytes() bytes, aligned to 16.
  __device__ WordQueue(const KernelArguments& arguments, unsigned char* shared, const QueueShape& shape)
      : params_(arguments.params),
        batch_(arguments.batch),
        strip_repeats_(arguments.strip_repeats),
        tables_(arguments.tables),
        queue_shape_(shape),
        progress_(reinterpret_cast<WalkProgress*>(shared)),
        queue_(reinterpret_cast<KeptWord*>(progress_ + 1)),
        lane_(static_cast<int>(threadIdx.x % kWarpSize)) {}

  // Starts on a segment. Synchronises the warp.
  __device__ void begin(const Segment& segment) {
    staged_end_ = staged_begin_ = filled_ = queue_shape_.window;
    look_back(segment);
    remember({segment, 0, -1, kNone, kNone});
  }

  // Centres whose draws are held.
  __device__ int staged_begin() const { return staged_begin_; }
  __device__ int staged_end() const { return staged_end_; }

  // Number of the first word of the sentence that a window of this segment can reach.
  __device__ int first() const { return first_; }

  // Number of the last word that is known: the sentence's last one, or more than `window` after every staged
  // centre.
  __device__ int last() const { return filled_ - 1; }

  // Id of a word between first() and Window::known that the window of a staged centre can reach.
  __device__ int word(int number) const { return queue_[place(number)].word; }

  // Says that word `number` enters the ring, where those from `first` up to it are, and links it with the
  // nearest copy of the same word there. Returns whether there is one. Synchronises the warp if so.
  __device__ __forceinline__ bool link(int number, int first) {
    const int32_t own = word(number);
    int32_t nearest = kNone, copies = 0;
#pragma unroll 1
    for (int end = number; end > first; end -= kWarpSize) {
      const int other = end - 1 - lane_;
      const unsigned votes = __ballot_sync(kAllLanes, other >= first && word(other) == own);
      if (votes == 0) continue;
      if (copies == 0) nearest = end - 1 - __popc(~votes & (votes - 1));
      copies += __popc(votes);
    }
    if (copies == 0) return false;
    __syncwarp();  // other lanes may still read older links
    if (lane_ == 0) {
      queue_[place(number)].earlier = nearest;
      queue_[place(nearest)].later = number;
      const bool crowded = copies >= strip_repeats_;
      progress_->repeated = max(progress_->repeated, nearest);
      if (crowded) progress_->crowded = max(progress_->crowded, nearest);
    }
    __syncwarp();
    return true;
  }

  // Whether, of the words from `first` on that have entered, two are the same.
  __device__ bool repeated(int first) const { return progress_->repeated >= first; }

  // Whether, of these, more than R may be the same.
  __device__ bool crowded(int first) const { return progress_->crowded >= first; }

  // The nearest copies of word `number` that link() found, or kNone. The earlier one may have left the ring.
  __device__ int earlier(int number) const { return queue_[place(number)].earlier; }
  __device__ int later(int number) const { return queue_[place(number)].later; }

  // Calls take(newest) for each word that has a copy among `first` ... `last`, whatever others the ring
  // holds: for its last copy there. In the ring are the words from `held` on. All lanes call take() together.
  template <class Take>
  __device__ __forceinline__ void each_repeated(int first, int last, int held, const Take& take) const {
#pragma unroll 1
    for (int base = first; base <= last; base += kWarpSize) {
      const int number = base + lane_;
      bool taken = false;
      if (number <= last) {
        const KeptWord& one = queue_[place(number)];
        taken = (one.earlier >= held || one.later != kNone) && (one.later == kNone || one.later > last);
      }
#pragma unroll 1
      for (unsigned votes = __ballot_sync(kAllLanes, taken); votes != 0; votes &= votes - 1) {
        take(base + __popc(~votes & (votes - 1)));
      }
    }
  }

 protected:
  __device__ int place(int number) const { return number & (queue_shape_.places - 1); }

  // Finds the words that the windows of the next `centres` centres reach, or all that are left. Returns one
  // past the last centre whose window is known. Synchronises the warp.
  __device__ int find_centres(int centres) {
    WalkProgress progress = *progress_;
    look_ahead(progress, staged_end_ + queue_shape_.window + centres);
    remember(progress);
    const int known = progress.looked_at == progress.segment.after ? filled_ : filled_ - queue_shape_.window;
    return progress.end >= 0 ? min(known, progress.end) : known;
  }

  // For the next find_centres(). Synchronises the warp.
  __device__ void remember(const WalkProgress& progress) {
    __syncwarp();  // other lanes may still read what was there
    if (lane_ == 0) *progress_ = progress;
    __syncwarp();
  }

  // Whether the token `offset` from the segment's begin stays; its word in `word`.
  __device__ bool keep(int64_t begin, int32_t offset, int32_t& word) const {
    const int64_t position = begin + offset;
    word = batch_.ids[position - batch_.first_token];
    return keeps(keep_draw(params_.seed, static_cast<uint32_t>(batch_.epoch), position), tables_.keep[word]);
  }

  // Finds up to `window` kept words before the segment, from near to far.
  __device__ void look_back(const Segment& segment) {
    __syncwarp();  // other lanes may still read the queue
    int found = 0;
    for (int32_t back = 0; back < segment.before && found < queue_shape_.window; back += kWarpSize) {
      const int32_t distance = back + lane_ + 1;
      int32_t word = 0;
      const bool kept = distance <= segment.before && keep(segment.begin, -distance, word);
      const unsigned votes = __ballot_sync(kAllLanes, kept);
      const int number = queue_shape_.window - 1 - (found + lower_votes(votes));
      if (kept && number >= 0) queue_[number] = {word, -distance, kNone, kNone};
      found += __popc(votes);
    }
    first_ = queue_shape_.window - min(found, queue_shape_.window);
  }

  // Fills the queue until it holds word number `until` - 1 or all that the walk can use. remember() must
  // follow: it synchronises.
  __device__ void look_ahead(WalkProgress& progress, int until) {
    const int32_t tokens = segment_tokens(progress.segment);
    if (filled_ < until) __syncwarp();  // other lanes may still read what is overwritten
    while (filled_ < until && progress.looked_at < progress.segment.after) {
      const int32_t limit = progress.looked_at < tokens ? tokens : progress.segment.after;
      const int32_t offset = progress.looked_at + lane_;
      int32_t word = 0;
      const bool kept = offset < limit && keep(progress.segment.begin, offset, word);
      const unsigned votes = __ballot_sync(kAllLanes, kept);
      if (kept) queue_[place(filled_ + lower_votes(votes))] = {word, offset, kNone, kNone};
      filled_ += __popc(votes);
      progress.looked_at = min(progress.looked_at + kWarpSize, limit);
      if (progress.looked_at == tokens) progress.end = filled_;
    }
  }

  // Block `block` of a kept word's own draws.
  __device__ PhiloxBlock draws_of(const KeptWord& word, int64_t segment_begin, int block) const {
    return draw_block(params_.seed, static_cast<uint32_t>(batch_.epoch), segment_begin + word.offset,
                      kTokenBlock + static_cast<uint32_t>(block));
  }
  __device__ int32_t negative_of(uint32_t draw) const {
    return static_cast<int32_t>(draw_alias(tables_.noise, static_cast<uint32_t>(params_.vocabulary), draw));
  }

  __device__ int lower_votes(unsigned votes) const { return __popc(votes & ((1u << lane_) - 1)); }

  const SgnsParams& params_;
  const Batch& batch_;
  const int32_t& strip_repeats_;
  const SamplingTables& tables_;
  const QueueShape queue_shape_;
  WalkProgress* const progress_;
  KeptWord* const queue_;
  const int lane_;
  int first_ = 0;                          // numbers of words: the first that can be reached,
  int filled_ = 0;                         // one past the last in the queue,
  int staged_begin_ = 0, staged_end_ = 0;  // and the centres whose draws are held
};

// Draws the windows of a segment's centres, each with its negatives. As WordQueue to be called.
class SegmentWalk : public WordQueue {
 public:
  // `shared` has WalkShape::bytes() bytes, aligned to 16.
  __device__ SegmentWalk(const KernelArguments& arguments, unsigned char* shared)
      : SegmentWalk(arguments, shared, WalkShape::of(arguments.params)) {}

  // The same where the compiler knows the shape, which then takes no registers.
  __device__ SegmentWalk(const KernelArguments& arguments, unsigned char* shared, const WalkShape& shape)
      : WordQueue(arguments, shared, shape.queue),
        shape_(shape),
        outputs_(reinterpret_cast<Output*>(queue_ + shape_.queue.places)),
        extents_(reinterpret_cast<Extent*>(outputs_ + shape_.staged * shape_.places)) {}

  // Starts on a segment. Synchronises the warp.
  __device__ void begin(const Segment& segment) {
    WordQueue::begin(segment);
    next_ = staged_begin_;
  }

  // Draws for as many of the next centres as are known and fit: staged_begin() ... staged_end() - 1. False
  // after the segment's last one. Synchronises the warp; what the windows before pointed to is overwritten.
  __device__ bool stage() {
    const int known = find_centres(1);
    if (staged_end_ >= known) return false;
    draw_windows(progress_->segment.begin, staged_end_, min(known - staged_end_, shape_.staged));
    return true;
  }

  // The window of a staged centre.
  __device__ Window window(int centre) const {
    const int held = centre - staged_begin_, radius = extents_[held].radius;
    return {centre, max(centre - radius, first_), min(centre + radius, filled_ - 1),
            min(centre + queue_shape_.window, filled_ - 1), outputs_ + held * shape_.places};
  }

  // Contexts that a strip of a staged centre's window may have, once settle() has said so.
  __device__ int strip(int centre) const { return extents_[centre - staged_begin_].strip; }
  __device__ void set_strip(int centre, int contexts) const {
    extents_[centre - staged_begin_].strip = contexts;
  }

  // What roundings after a staged centre's window are drawn from, if the shape says that there are any.
  __device__ uint32_t rounding(int centre) const { return roundings()[centre - staged_begin_]; }

  // Steps to the next centre, staging when it must. False after the last one.
  __device__ bool next(Window& next_window) {
    if (next_ == staged_end_ && !stage()) return false;
    next_window = window(next_++);
    return true;
  }

  // Output o of staged centre c by the index (c - staged_begin()) * output_places() + o.
  __device__ const Output& output(int index) const { return outputs_[index]; }

  // Outputs of a window: the centre and its negatives.
  __device__ int outputs() const { return shape_.outputs; }

 private:
  // Draws windows and outputs of `count` centres. Synchronises the warp.
  __device__ void draw_windows(int64_t segment_begin, int centre, int count) {
    const int blocks = token_blocks(shape_.outputs - (shape_.rounds ? 0 : 1));
    for (int item = lane_; item < count * blocks; item += kWarpSize) {
      stage_block(segment_begin, centre + item / blocks, item / blocks, item % blocks);
    }
    staged_begin_ = centre;
    staged_end_ = centre + count;
    __syncwarp();
  }

  // Draws one block of four words: the window's radius comes first, then the negatives.
  __device__ void stage_block(int64_t segment_begin, int number, int held, int block) {
    const KeptWord centre = queue_[place(number)];
    const PhiloxBlock draws = draws_of(centre, segment_begin, block);
    Output* outputs = outputs_ + held * shape_.places;
    for (int i = 0; i < 4; ++i) {
      const int index = block * 4 + i;
      if (index == kWindowDraw) {
        extents_[held].radius = window_radius(draws.word[i], queue_shape_.window, params_.shrink_windows);
        outputs[0] = {centre.word, 1.0f};
      } else if (index < shape_.outputs) {
        const int32_t word = negative_of(draws.word[i]);
        outputs[index] = {word, word == centre.word ? 0.0f : 1.0f};
      } else if (shape_.rounds && index == rounding_draw(shape_.outputs - 1)) {
        roundings()[held] = draws.word[i];
      }
    }
  }

  __device__ uint32_t* roundings() const { return reinterpret_cast<uint32_t*>(extents_ + shape_.staged); }

  const WalkShape shape_;
  Output* const outputs_;
  Extent* const extents_;  // of the staged centres; behind them their rounding draws
  int next_ = 0;           // the next centre
};

}  // namespace full_w2v
