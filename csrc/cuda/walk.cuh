// Walks a segment centre word by centre word: subsampling, windows and negatives, all drawn here
// (sgns/draws.h).
//
// Kept words stand in a queue in shared memory. 32 tokens are looked at together: each lane draws for one, a
// ballot says who stays, and the bits below a lane's own give its place. Words are numbered along the
// sentence: the segment's first kept word is number `window`, so that kept words before it, down to `first`,
// have numbers too. A window reaches over the segment's borders, hence up to `window` kept words are looked
// for on both sides, but never over the sentence's.
#pragma once

#include "cuda/device.cuh"

namespace full_w2v {

struct KeptWord {
  int32_t word;
  int32_t offset;  // from the segment's begin; meaningful for the segment's own words
};

// A row that a window's contexts meet. Weight 0: skipped, since the negative equals the target.
struct Output {
  int32_t word;
  int32_t weight;
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

// Sizes of a walk's shared memory. Draws are made for several centres at once, to keep all lanes busy.
struct WalkShape {
  int queue;   // kept words: 2 window + 1, and up to 32 more from looking at 32 tokens together
  int staged;  // centres whose draws are held
  int outputs;

  SGNS_HOST_DEVICE static WalkShape of(const SgnsParams& params) {
    const int together = kWarpSize / token_blocks(params.negative);
    return {2 * params.window + 1 + kWarpSize, together > 0 ? together : 1, params.negative + 1};
  }
  SGNS_HOST_DEVICE int bytes() const {
    const int sum = queue * static_cast<int>(sizeof(KeptWord)) +
                    staged * (outputs * static_cast<int>(sizeof(Output)) + static_cast<int>(sizeof(int32_t)));
    return (sum + 15) / 16 * 16;
  }
};

// Belongs to one warp. All its lanes must call every function, with equal arguments; the state is equal in
// all lanes.
class SegmentWalk {
 public:
  // `shared` has WalkShape::bytes() bytes, aligned to 16.
  __device__ SegmentWalk(const KernelArguments& arguments, unsigned char* shared)
      : params_(arguments.params),
        batch_(arguments.batch),
        tables_(arguments.tables),
        shape_(WalkShape::of(arguments.params)),
        queue_(reinterpret_cast<KeptWord*>(shared)),
        outputs_(reinterpret_cast<Output*>(queue_ + shape_.queue)),
        radius_(reinterpret_cast<int32_t*>(outputs_ + shape_.staged * shape_.outputs)),
        lane_(static_cast<int>(threadIdx.x % kWarpSize)) {}

  // Starts on a segment. Synchronises the warp.
  __device__ void begin(const Segment& segment) {
    segment_ = segment;
    next_ = params_.window;
    staged_end_ = staged_begin_ = params_.window;
    look_back();
    filled_ = params_.window;
    looked_at_ = 0;
    end_ = -1;
  }

  // Steps to the next centre. False after the last one. Synchronises the warp; what the window before pointed
  // to is overwritten.
  __device__ bool next(Window& window) {
    const int centre = next_++;
    look_ahead(centre + params_.window + 1);
    if (end_ >= 0 && centre >= end_) return false;
    if (centre >= staged_end_) stage(centre);
    const int held = centre - staged_begin_, radius = radius_[held];
    window.centre = centre;
    window.known = min(centre + params_.window, filled_ - 1);
    window.first = max(centre - radius, first_);
    window.last = min(centre + radius, filled_ - 1);
    window.outputs = outputs_ + held * shape_.outputs;
    return true;
  }

  // Outputs of a window: the centre and its negatives.
  __device__ int outputs() const { return shape_.outputs; }

  // Number of the first word of the sentence that a window of this segment can reach.
  __device__ int first() const { return first_; }

  // Id of a word between first() and Window::known, at most `window` away from the centre.
  __device__ int word(int number) const { return queue_[number % shape_.queue].word; }

 private:
  // Whether the token `offset` from the segment's begin stays; its word in `word`.
  __device__ bool keep(int32_t offset, int32_t& word) const {
    const int64_t position = segment_.begin + offset;
    word = batch_.ids[position - batch_.first_token];
    return keeps(keep_draw(params_.seed, static_cast<uint32_t>(batch_.epoch), position), tables_.keep[word]);
  }

  // Finds up to `window` kept words before the segment, from near to far.
  __device__ void look_back() {
    __syncwarp();  // other lanes may still read the queue
    int found = 0;
    for (int32_t back = 0; back < segment_.before && found < params_.window; back += kWarpSize) {
      const int32_t distance = back + lane_ + 1;
      int32_t word = 0;
      const bool kept = distance <= segment_.before && keep(-distance, word);
      const unsigned votes = __ballot_sync(kAllLanes, kept);
      const int number = params_.window - 1 - (found + lower_votes(votes));
      if (kept && number >= 0) queue_[number] = {word, -distance};
      found += __popc(votes);
    }
    first_ = params_.window - min(found, params_.window);
    __syncwarp();
  }

  // Fills the queue until it holds word number `until` - 1 or all that the walk can use.
  __device__ void look_ahead(int until) {
    const int32_t tokens = segment_tokens(segment_);
    if (filled_ < until) __syncwarp();  // other lanes may still read what is overwritten
    while (filled_ < until && looked_at_ < segment_.after) {
      const int32_t limit = looked_at_ < tokens ? tokens : segment_.after;
      const int32_t offset = looked_at_ + lane_;
      int32_t word = 0;
      const bool kept = offset < limit && keep(offset, word);
      const unsigned votes = __ballot_sync(kAllLanes, kept);
      if (kept) queue_[(filled_ + lower_votes(votes)) % shape_.queue] = {word, offset};
      filled_ += __popc(votes);
      looked_at_ = min(looked_at_ + kWarpSize, limit);
      if (looked_at_ == tokens) end_ = filled_;
    }
    __syncwarp();
  }

  // Draws windows and outputs for the centre and for as many after it as are known and fit.
  __device__ void stage(int centre) {
    __syncwarp();  // other lanes may still read the outputs
    const int known = end_ >= 0 ? end_ : filled_;
    const int count = min(shape_.staged, known - centre), blocks = token_blocks(params_.negative);
    for (int item = lane_; item < count * blocks; item += kWarpSize) {
      stage_block(centre + item / blocks, item / blocks, item % blocks);
    }
    staged_begin_ = centre;
    staged_end_ = centre + count;
    __syncwarp();
  }

  // Draws one block of four words: the window's radius comes first, then the negatives.
  __device__ void stage_block(int number, int held, int block) {
    const KeptWord centre = queue_[number % shape_.queue];
    const PhiloxBlock draws =
        draw_block(params_.seed, static_cast<uint32_t>(batch_.epoch), segment_.begin + centre.offset,
                   kTokenBlock + static_cast<uint32_t>(block));
    Output* outputs = outputs_ + held * shape_.outputs;
    for (int i = 0; i < 4; ++i) {
      const int index = block * 4 + i;
      if (index == kWindowDraw) {
        radius_[held] = window_radius(draws.word[i], params_.window, params_.shrink_windows);
        outputs[0] = {centre.word, 1};
      } else if (index < shape_.outputs) {
        const auto word = static_cast<int32_t>(
            draw_alias(tables_.noise, static_cast<uint32_t>(params_.vocabulary), draws.word[i]));
        outputs[index] = {word, word == centre.word ? 0 : 1};
      }
    }
  }

  __device__ int lower_votes(unsigned votes) const { return __popc(votes & ((1u << lane_) - 1)); }

  const SgnsParams& params_;
  const Batch& batch_;
  const SamplingTables& tables_;
  const WalkShape shape_;
  KeptWord* const queue_;
  Output* const outputs_;
  int32_t* const radius_;
  const int lane_;
  Segment segment_{};
  int first_ = 0;                          // numbers of words: the first that can be reached,
  int filled_ = 0;                         // one past the last in the queue,
  int end_ = -1;                           // one past the segment's last; -1 until it is known,
  int next_ = 0;                           // the next centre,
  int staged_begin_ = 0, staged_end_ = 0;  // and those whose draws are held
  int32_t looked_at_ = 0;                  // tokens from the segment's begin
};

}  // namespace full_w2v
