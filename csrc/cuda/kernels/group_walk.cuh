// Walks a segment group by group: up to share_negatives consecutive centres, whose windows are one tile with
// the negatives of the first of them.
//
// The outputs of a block (contract/README.md, "Steps"; mostly the only one) are distinct rows, so that each
// is loaded, trained and added once: a target that comes again, a negative that was drawn again or is a
// target counts in the first one's entry. Places in a group are counted from its first context; one context
// is met once for each window that it is in.
#pragma once

#include "cuda/kernels/strips.cuh"

namespace full_w2v {

constexpr int kMostCentres = 64;  // of a group: a bit each

// An output row of a group. `drawn`: times that it is one of the negatives. `targets`: the group's centres
// whose target it is, a bit each; only in the first block they meet it as such. Neither: the row counts in
// another entry.
struct alignas(16) GroupOutput {
  int32_t word;
  float drawn;
  uint64_t targets;
};

// Consecutive centres and the words that their windows hold, by numbers of kept words.
struct Group {
  int32_t begin, end;   // its centres, without `end`
  int32_t first, last;  // words of the windows; a group of one alone does not meet its own centre
  int32_t known;        // the last word of the sentence within `window` of the last centre
  int contexts;         // of all windows
  int strip;            // L of contract/README.md
  int outputs;          // the targets, then the negatives
  const GroupOutput* output;
  uint64_t windows = ~uint64_t{0};  // of its centres those that are trained, a bit each

  __device__ __forceinline__ int places() const { return last - first + 1; }
};

// Sizes of the walk's shared memory.
struct GroupShape {
  static constexpr int kSlack = 8;  // outputs that a last tile may reach past the group's

  QueueShape queue;
  int centres;  // of a group
  int negative;
  int staged;  // groups whose draws are held
  int places;  // outputs that a group has room for

  SGNS_HOST_DEVICE static GroupShape of(const SgnsParams& params) {
    const int draws = token_blocks(params.negative) + params.share_negatives - 1;
    const int together = draws < kWarpSize ? kWarpSize / draws : 1;
    return {QueueShape::of(params.window, params.share_negatives), params.share_negatives, params.negative,
            together, params.share_negatives + params.negative + kSlack};
  }
  SGNS_HOST_DEVICE int outputs_at() const { return (queue.bytes() + 15) / 16 * 16; }
  SGNS_HOST_DEVICE int reaches_at() const {
    return outputs_at() + staged * places * static_cast<int>(sizeof(GroupOutput));
  }
  SGNS_HOST_DEVICE int bytes() const {
    const int radii = staged * centres * static_cast<int>(sizeof(int32_t));
    return (reaches_at() + staged * static_cast<int>(4 * sizeof(int32_t)) + radii + 15) / 16 * 16;
  }
};

// As WordQueue to be called.
class GroupWalk : public WordQueue {
 public:
  // `shared` has GroupShape::bytes() bytes, aligned to 16.
  __device__ GroupWalk(const KernelArguments& arguments, unsigned char* shared)
      : GroupWalk(arguments, shared, GroupShape::of(arguments.params)) {}

  // Draws for as many of the next groups as are known and fit, and counts their words and pairs in `tally`.
  // False after the segment's last one. Synchronises the warp; what the groups before pointed to is
  // overwritten.
  __device__ bool stage(Tally* tally) {
    const int known = find_centres(shape_.centres);
    int count = min(known - staged_end_, shape_.staged * shape_.centres);
    if (known != progress_->end) count -= count % shape_.centres;  // the last group alone may be smaller
    if (count <= 0) return false;
    staged_begin_ = staged_end_;
    staged_end_ += count;
    draw(progress_->segment.begin);
    settle(tally);
    return true;
  }

  // The group that begins at a staged centre.
  __device__ Group group(int begin) const {
    const int held = (begin - staged_begin_) / shape_.centres, end = end_of(begin);
    const Reach reach = reaches_[held];
    return {begin,
            end,
            reach.first,
            reach.last,
            min(end - 1 + queue_shape_.window, filled_ - 1),
            reach.contexts,
            reach.strip,
            end - begin + shape_.negative,
            outputs_ + held * shape_.places};
  }

  // First and last word of a staged centre's window, which holds the centre too.
  __device__ int window_first(int centre) const {
    return max(centre - radii_[centre - staged_begin_], first_);
  }
  __device__ int window_last(int centre) const {
    return min(centre + radii_[centre - staged_begin_], filled_ - 1);
  }

  // Centres of the group whose windows hold word `number`, a bit each.
  __device__ uint64_t windows_with(const Group& group, int number) const {
    uint64_t found = 0;
    for (int centre = group.begin; centre < group.end; ++centre) {
      const int distance = number < centre ? centre - number : number - centre;
      const bool within = distance != 0 && distance <= radii_[centre - staged_begin_];
      found |= static_cast<uint64_t>(within) << (centre - group.begin);
    }
    return found;
  }

 private:
  struct Reach {
    int32_t first, last, contexts, strip;
  };

  __device__ GroupWalk(const KernelArguments& arguments, unsigned char* shared, const GroupShape& shape)
      : WordQueue(arguments, shared, shape.queue),
        shape_(shape),
        outputs_(reinterpret_cast<GroupOutput*>(shared + shape.outputs_at())),
        reaches_(reinterpret_cast<Reach*>(shared + shape.reaches_at())),
        radii_(reinterpret_cast<int32_t*>(reaches_ + shape.staged)) {}

  __device__ int end_of(int begin) const { return min(begin + shape_.centres, staged_end_); }

  // Draws the staged groups. Of a group's centres the first one needs all its blocks of draws, the others
  // theirs with the radius. Synchronises the warp.
  __device__ void draw(int64_t segment_begin) {
    const int blocks = token_blocks(shape_.negative), items = blocks + shape_.centres - 1;
    const int groups = (staged_end_ - staged_begin_ + shape_.centres - 1) / shape_.centres;
    for (int item = lane_; item < groups * items; item += kWarpSize) {
      const int group = item / items, within = item % items;
      const int begin = staged_begin_ + group * shape_.centres;
      const int centre = begin + max(within - blocks + 1, 0);
      if (centre < staged_end_) draw_block_of(segment_begin, begin, centre, min(within, blocks) % blocks);
    }
    __syncwarp();
  }

  // Draws one block of four words: the window's radius comes first, then the negatives.
  __device__ void draw_block_of(int64_t segment_begin, int begin, int centre, int block) {
    const KeptWord kept = queue_[place(centre)];
    const PhiloxBlock draws = draws_of(kept, segment_begin, block);
    GroupOutput* const outputs = outputs_ + (begin - staged_begin_) / shape_.centres * shape_.places;
    if (block == 0) {
      radii_[centre - staged_begin_] =
          window_radius(draws.word[kWindowDraw], queue_shape_.window, params_.shrink_windows);
      outputs[centre - begin] = {kept.word, 0.0f, uint64_t{1} << (centre - begin)};
    }
    if (centre != begin) return;
    for (int i = 0; i < 4; ++i) {
      const int negative = block * 4 + i - kFirstNegativeDraw;
      if (negative < 0 || negative >= shape_.negative) continue;
      const int32_t word = negative_of(draws.word[i]);
      outputs[end_of(begin) - begin + negative] = {word, 1.0f, 0};
    }
  }

  // What is known once all draws of a group are there, a lane for each group. Synchronises the warp.
  __device__ void settle(Tally* tally) {
    int pairs = 0;
    for (int begin = staged_begin_ + lane_ * shape_.centres; begin < staged_end_;
         begin += kWarpSize * shape_.centres) {
      const int held = (begin - staged_begin_) / shape_.centres, count = end_of(begin) - begin;
      GroupOutput* const outputs = outputs_ + held * shape_.places;
      Reach reach{begin, begin, 0,
                  strip_contexts(params_, most_drawn(outputs + count, shape_.negative, 0, 1))};
      merge(outputs, count, count + shape_.negative);
      for (int o = count + shape_.negative; o < shape_.places; ++o) outputs[o] = {0, 0.0f, 0};
      for (int centre = begin; centre < begin + count; ++centre) {
        const int first = window_first(centre), last = window_last(centre);
        reach = {min(reach.first, first), max(reach.last, last), reach.contexts + last - first, reach.strip};
        pairs += (last - first) * met_by(centre - begin, outputs, count + shape_.negative);
      }
      reaches_[held] = reach;
    }
    pairs = warp_sum(pairs);
    if (lane_ == 0) {
      tally->words += staged_end_ - staged_begin_;
      tally->pairs += pairs;
    }
    __syncwarp();
  }

  // Merges the outputs of a group block by block; the first `targets` are targets.
  __device__ void merge(GroupOutput* outputs, int targets, int count) const {
    for (int begin = 0, end; begin < count; begin = end) {
      end = block_end(params_, begin, targets, count);
      if (begin > 0) find_targets(outputs, targets, begin, end);
      merge_block(outputs + begin, end - begin);
    }
  }

  // Lets the first of equal outputs count for all of them.
  __device__ static void merge_block(GroupOutput* outputs, int count) {
    for (int o = 1; o < count; ++o) {
      const GroupOutput one = outputs[o];
      int earlier = 0;
      while (outputs[earlier].word != one.word) ++earlier;
      if (earlier == o) continue;
      outputs[earlier].drawn += one.drawn;
      outputs[earlier].targets |= one.targets;
      outputs[o] = {one.word, 0.0f, 0};
    }
  }

  // Of the negatives of a later block, the centres whose target each one is: it does not meet their contexts.
  __device__ static void find_targets(GroupOutput* outputs, int targets, int begin, int end) {
    for (int o = begin; o < end; ++o) {
      for (int target = 0; target < targets; ++target) {
        if (outputs[target].word == outputs[o].word) outputs[o].targets |= outputs[target].targets;
      }
    }
  }

  // Outputs that a context meets in the window of centre `own` of the group: its target, and every negative
  // that is not that target.
  __device__ static int met_by(int own, const GroupOutput* outputs, int count) {
    int met = 1;
    for (int o = 0; o < count; ++o) {
      if (!(outputs[o].targets >> own & 1)) met += static_cast<int>(outputs[o].drawn);
    }
    return met;
  }

  const GroupShape shape_;
  GroupOutput* const outputs_;
  Reach* const reaches_;
  int32_t* const radii_;  // of the staged centres
};

}  // namespace full_w2v
