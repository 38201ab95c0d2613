// Trains a chunk of the corpus on one thread: subsample, draw, then window after window.
#pragma once

#include <cstdint>

#include "cpu/draw_kernel.h"
#include "cpu/fixed_kernel.h"
#include "cpu/general_kernel.h"
#include "cpu/kernels.h"
#include "cpu/loss_kernel.h"
#include "cpu/pair_kernel.h"
#include "cpu/tile.h"
#include "sgns/draws.h"

namespace full_w2v {

// Index of `id` among those added since the table was cleared; `next` is taken for a new one.
KERNEL_INLINE int32_t find_or_add(IdTable& table, uint32_t id, int32_t next) {
  uint32_t at = id * 2654435761u;
  for (at &= table.mask;; at = (at + 1) & table.mask) {
    IdTable::Entry& entry = table.entries[at];
    if (entry.stamp != table.stamp) {
      entry = {table.stamp, id, next};
      return next;
    }
    if (entry.id == id) return entry.index;
  }
}

KERNEL_INLINE void clear(IdTable& table) {
  if (++table.stamp != 0) return;
  // Stamps begin again after 2^32 tiles: entries of that long ago must not look new.
  for (uint32_t at = 0; at <= table.mask; ++at) table.entries[at].stamp = 0;
  table.stamp = 1;
}

template <class V>
class ChunkTrainer {
 public:
  ChunkTrainer(const TrainJob& job, Workspace& workspace, Segment* segments, int count)
      : job_(job), params_(job.params), work_(workspace), segments_(segments), segment_count_(count) {
    tile_.vectors = static_cast<int>(job.stride / V::lanes);
    tile_.context = work_.context.get();
    tile_.output = work_.output.get();
    tile_.positive = work_.positive.get();
    tile_.total = work_.total.get();
    tile_.scores = work_.scores.get();
    tile_.gradients = work_.gradients.get();
    tile_.old_context = work_.old_context.get();
    tile_.ahead = work_.ahead.get();
    tile_.keep_scores = params_.loss;
  }

  SpanStats train() {
    subsample();
    draw();
    for (int s = 0; s < segment_count_; ++s) train_segment(segments_[s]);
    stats_.words = last_ - work_.margin;
    return stats_;
  }

 protected:
  using Kernel = void (*)(const Tile&);
  static constexpr int kFixedOutputs = 6;    // five negatives, the usual number
  static constexpr int kFixedContexts = 10;  // windows of up to five words to either side
  using Fixed = FixedKernels<V, kFixedOutputs, kFixedContexts>;
  static constexpr bool kHasFixed = kFixedOutputs <= V::widest;
  static constexpr int kWindowsAhead = 3;  // windows between fetching a row and training it
  // With windows up to this radius repeated words are searched for, a vector at a time. In larger ones some
  // word nearly always repeats: all are counted.
  static constexpr int kSearchedWindow = 8;

  // Kept words of the chunk at margin ... last_ - 1, of the same sentences before and after it around them.
  void subsample() {
    const int64_t begin = segments_[0].begin, end = segments_[segment_count_ - 1].end;
    draw_keep_words<V>(params_.seed, job_.epoch, begin, end, work_.keep_words.get());
    const uint32_t* const words = work_.keep_words.get() - (begin & ~int64_t{3});
    last_ = work_.margin;
    for (int s = 0; s < segment_count_; ++s) {
      Segment& segment = segments_[s];
      segment.first = last_;
      for (int64_t at = segment.begin; at < segment.end; ++at) {
        const int32_t id = job_.corpus.ids[at];
        put(last_, id, at);
        last_ += keeps(words[at], job_.tables.keep[id]);
      }
      segment.last = last_;
    }
    find_bounds(before(segments_[0]), after(segments_[segment_count_ - 1]));
  }

  KERNEL_INLINE void put(int32_t index, int32_t id, int64_t position) {
    const auto bits = static_cast<uint64_t>(position);
    work_.ids[index] = static_cast<uint32_t>(id);
    work_.position_low[index] = static_cast<uint32_t>(bits);
    work_.position_high[index] = static_cast<uint32_t>(bits >> 32);
  }

  bool keeps_token(int64_t position) const {
    return keeps(keep_draw(params_.seed, job_.epoch, position), job_.tables.keep[job_.corpus.ids[position]]);
  }

  // Puts the last words kept before the first segment in its sentence; returns the index of the first of
  // them.
  int32_t before(const Segment& segment) {
    int32_t low = work_.margin;
    for (int64_t at = segment.begin - 1; at >= segment.sentence_begin; --at) {
      if (low == work_.margin - params_.window) break;
      if (keeps_token(at)) put(--low, job_.corpus.ids[at], at);
    }
    return low;
  }

  // Puts the first words kept behind the last segment in its sentence; returns the index behind them.
  int32_t after(const Segment& segment) {
    int32_t high = last_;
    for (int64_t at = segment.end; at < segment.sentence_end && high < last_ + params_.window; ++at) {
      if (keeps_token(at)) put(high++, job_.corpus.ids[at], at);
    }
    return high;
  }

  // low and high of every segment: the kept words of its sentence that are at hand.
  void find_bounds(int32_t low, int32_t high) {
    first_known_ = low;
    last_known_ = high;
    for (int s = 0; s < segment_count_; ++s) {
      Segment& segment = segments_[s];
      if (segment.begin == segment.sentence_begin) low = segment.first;
      segment.low = low;
    }
    for (int s = segment_count_ - 1; s >= 0; --s) {
      Segment& segment = segments_[s];
      if (segment.end == segment.sentence_end) high = segment.last;
      segment.high = high;
    }
  }

  // Radius and outputs of every kept word, and what repeats among them.
  void draw() {
    // Whole vectors are drawn, and rows ahead of the last word are fetched: both must see valid ids.
    for (int32_t i = last_known_; i < last_ + work_.margin; ++i) put(i, 0, 0);
    for (int32_t i = work_.margin; i < last_; i += V::lanes) {
      const typename V::Word repeats =
          draw_windows<V>(params_, job_.tables.noise, static_cast<uint32_t>(job_.epoch), &work_.ids[i],
                          &work_.position_low[i], &work_.position_high[i], &work_.radius[i],
                          &work_.output_ids[int64_t{i} * work_.outputs]);
      V::store_words(&work_.repeats[i], repeats);
    }
    if (may_be_plain()) find_repeated_contexts();
  }

  // latest_repeat[i]: the largest index so far whose word came again within 2 W words. A window low ... high
  // - 1 holds a repeated word only if that of its last word is at least low.
  void find_repeated_contexts() {
    const uint32_t* const ids = work_.ids.get();
    int32_t* const latest = work_.latest_repeat.get();
    const int reach = 2 * params_.window;
    for (int32_t i = first_known_; i < last_known_; ++i) latest[i] = -1;
    for (int distance = reach; distance >= 1; --distance) {
      for (int32_t i = first_known_ + distance; i < last_known_; ++i) {
        latest[i] = ids[i] == ids[i - distance] ? i - distance : latest[i];
      }
    }
    for (int32_t i = first_known_ + 1; i < last_known_; ++i) {
      latest[i] = latest[i] < latest[i - 1] ? latest[i - 1] : latest[i];
    }
  }

  // Whether most windows are of a shape with a kernel of its own, and it is known which ones repeat a row.
  bool may_be_plain() const {
    return params_.architecture == Architecture::skip_gram && !has_tree(params_) && kHasFixed &&
           work_.outputs == kFixedOutputs && params_.window <= kSearchedWindow &&
           params_.share_negatives == 1 && !params_.loss && !job_.locks;
  }

  void train_segment(const Segment& segment) {
    tile_.rate = learning_rate(params_, job_.corpus.tokens(), job_.epoch, segment.begin);
    if (params_.order == Order::pair) {
      for (int32_t i = segment.first; i < segment.last; ++i) train_pairs(segment, i);
    } else if (may_be_plain()) {
      for (int32_t i = segment.first; i < segment.last; ++i) train_window(segment, i);
    } else {
      for (int32_t i = segment.first; i < segment.last; i += params_.share_negatives) {
        const int32_t behind = i + params_.share_negatives;
        train_counted(segment, i, behind < segment.last ? behind : segment.last);
      }
    }
  }

  // First word of the window of word i, and the one behind its last.
  KERNEL_INLINE int32_t window_low(const Segment& segment, int32_t i) const {
    const int32_t low = i - static_cast<int32_t>(work_.radius[i]);
    return low < segment.low ? segment.low : low;
  }
  KERNEL_INLINE int32_t window_high(const Segment& segment, int32_t i) const {
    const int32_t high = i + static_cast<int32_t>(work_.radius[i]) + 1;
    return high > segment.high ? segment.high : high;
  }

  KERNEL_INLINE float* input_row(uint32_t id) const { return job_.input + id * job_.stride; }
  KERNEL_INLINE float* output_row(uint32_t id) const { return job_.output + id * job_.stride; }
  // Outputs of a kept word: its own id, then its negatives.
  struct OutputIds {
    const uint32_t* first;
    KERNEL_INLINE uint32_t operator[](int output) const { return first[output * V::lanes]; }
  };
  KERNEL_INLINE OutputIds outputs_of(int32_t i) const {
    const int32_t from = (i - work_.margin) / V::lanes * V::lanes + work_.margin;
    return {&work_.output_ids[int64_t{from} * work_.outputs + (i - from)]};
  }

  // Where context c of a tile is trained: in place, or a locked row as a copy (release_held).
  KERNEL_INLINE float* context_row(uint32_t id, int c) {
    float* const row = input_row(id);
    if (!job_.locks || job_.locks[id] == 1.0f) return row;
    float* const copy = held_row(c);
    for (int64_t k = 0; k < job_.stride; ++k) copy[k] = copy[job_.stride + k] = row[k];
    work_.held_ids[c] = id;
    return copy;
  }
  // The copy to train; behind it stands the row as it was.
  KERNEL_INLINE float* held_row(int c) const { return work_.held_rows.get() + 2 * c * job_.stride; }

  // Lets the locked rows of a trained tile take their share of what their copies learned.
  void release_held(const Tile& tile) {
    if (!job_.locks) return;
    for (int c = 0; c < tile.contexts; ++c) {
      const float* const copy = held_row(c);
      if (tile.context[c] != copy) continue;
      float* const row = input_row(work_.held_ids[c]);
      const float share = job_.locks[work_.held_ids[c]];
      if (share == 0.0f) continue;
      for (int64_t k = 0; k < job_.stride; ++k) row[k] += share * (copy[k] - copy[job_.stride + k]);
    }
  }

  // A window of the usual shape in which no row repeats; any other one is counted.
  KERNEL_INLINE void train_window(const Segment& segment, int32_t i) {
    const int32_t low = window_low(segment, i), high = window_high(segment, i);
    const int contexts = high - low - 1;
    if (contexts < 1) return;
    if (contexts > kFixedContexts || work_.repeats[i] || work_.latest_repeat[high - 1] >= low) {
      return train_counted(segment, i, i + 1);
    }
    int c = 0;
    for (int32_t at = low; at < i; ++at) work_.context[c++] = input_row(work_.ids[at]);
    for (int32_t at = i + 1; at < high; ++at) work_.context[c++] = input_row(work_.ids[at]);
    const OutputIds ids = outputs_of(i);
    UNROLL for (int o = 0; o < kFixedOutputs; ++o) work_.output[o] = output_row(ids[o]);
    look_ahead(i, kFixedOutputs);
    if constexpr (kHasFixed) Fixed::table.plain[contexts](tile_);
    stats_.pairs += static_cast<int64_t>(contexts) * kFixedOutputs;
  }

  // Rows of a window to come: its outputs and the context that it is the first to meet.
  KERNEL_INLINE void look_ahead(int32_t i, int outputs) {
    const OutputIds ids = outputs_of(i + kWindowsAhead);
    for (int o = 0; o < outputs; ++o) work_.ahead[o] = reinterpret_cast<const char*>(output_row(ids[o]));
    const int32_t next = work_.ids[i + kWindowsAhead + params_.window];
    work_.ahead[outputs] = reinterpret_cast<const char*>(input_row(next));
  }

  // The windows of words first ... behind - 1, which share the first one's negatives, as one tile of distinct
  // rows with counted pairs.
  void train_counted(const Segment& segment, int32_t first, int32_t behind) {
    collect_outputs(first, behind);
    collect_contexts(segment, first, behind);
    if (tile_.contexts == 0) return;
    const SlotLayout<V> layout(tile_.contexts, tile_.outputs);
    clear_counts(layout);
    if (behind - first == 1) {
      count_window(layout);
    } else {
      count_windows(segment, first, behind, layout);
    }
    look_ahead(first, work_.outputs);
    for (int o = work_.outputs + 1; o <= tile_.outputs; ++o) work_.ahead[o] = work_.ahead[0];
    kernel_for(tile_.contexts, tile_.outputs)(tile_);
    release_held(tile_);
    if (params_.loss) stats_.loss += tile_loss<V>(tile_, layout.slots());
  }

  KERNEL_INLINE static Kernel kernel_for(int contexts, int outputs) {
    if constexpr (kHasFixed) {
      if (outputs == kFixedOutputs && contexts <= kFixedContexts) return Fixed::table.counted[contexts];
    }
    return &GeneralKernel<V>::train;
  }

  // Distinct output rows of the tile, and which of them each negative is.
  void collect_outputs(int32_t first, int32_t behind) {
    clear(work_.output_table);
    tile_.outputs = 0;
    for (int32_t i = first; i < behind; ++i) add_output(work_.ids[i]);
    const OutputIds ids = outputs_of(first);
    for (int n = 1; n < work_.outputs; ++n) work_.negative[n] = add_output(ids[n]);
  }

  KERNEL_INLINE int32_t add_output(uint32_t id) {
    const int32_t index = find_or_add(work_.output_table, id, tile_.outputs);
    if (index == tile_.outputs) work_.output[tile_.outputs++] = output_row(id);
    return index;
  }

  // Distinct context rows of the tile, and how many words of its windows each of them is.
  void collect_contexts(const Segment& segment, int32_t first, int32_t behind) {
    clear(work_.context_table);
    tile_.contexts = 0;
    for (int32_t i = first; i < behind; ++i) {
      for_each_context(segment, i, [this](uint32_t id) {
        const int32_t index = find_or_add(work_.context_table, id, tile_.contexts);
        if (index == tile_.contexts) {
          work_.context_words[index] = 0;
          work_.context[tile_.contexts] = context_row(id, tile_.contexts);
          ++tile_.contexts;
        }
        ++work_.context_words[index];
      });
    }
  }

  template <class Use>
  KERNEL_INLINE void for_each_context(const Segment& segment, int32_t i, const Use& use) const {
    const int32_t low = window_low(segment, i), high = window_high(segment, i);
    for (int32_t at = low; at < high; ++at) {
      if (at != i) use(work_.ids[at]);
    }
  }

  void clear_counts(const SlotLayout<V>& layout) {
    const typename V::Float zero = V::broadcast(0.0f);
    for (int slot = 0; slot < layout.slots(); slot += V::lanes) {
      V::store(tile_.positive + slot, zero);
      V::store(tile_.total + slot, zero);
    }
    for (int o = 0; o < tile_.outputs; ++o) {
      const int block_first = o / layout.width * layout.width, across = layout.block_width(block_first);
      work_.output_slots[o] = {layout.slot(0, o), layout.block(across), across};
    }
  }

  // Counts of a tile of one window: every context word meets the target, its output 0, and all negatives.
  void count_window(const SlotLayout<V>& layout) {
    int negatives = 0;
    for (int n = 1; n < work_.outputs; ++n) negatives += work_.negative[n] != 0;
    int block = 0, row = 0;
    for (int c = 0; c < tile_.contexts; ++c) {
      const int words = work_.context_words[c];
      const int target = work_.output_slots[0].slot(block, row);
      tile_.positive[target] = tile_.total[target] = static_cast<float>(words);
      for (int n = 1; n < work_.outputs; ++n) {
        if (work_.negative[n] == 0) continue;
        tile_.total[work_.output_slots[work_.negative[n]].slot(block, row)] += static_cast<float>(words);
      }
      stats_.pairs += int64_t{words} * (1 + negatives);
      if (++row == layout.height) row = 0, ++block;
    }
  }

  // Counts of a tile of several windows, whose contexts meet their own target and the common negatives.
  void count_windows(const Segment& segment, int32_t first, int32_t behind, const SlotLayout<V>& layout) {
    for (int32_t i = first; i < behind; ++i) {
      const int target = find_or_add(work_.output_table, work_.ids[i], 0);
      for_each_context(segment, i, [&](uint32_t id) {
        const int c = find_or_add(work_.context_table, id, 0);
        count_context(c / layout.height, c % layout.height, target);
      });
    }
  }

  // One more time that the context in this row of this block meets the target and the negatives.
  KERNEL_INLINE void count_context(int block, int row, int target) {
    const int positive = work_.output_slots[target].slot(block, row);
    tile_.positive[positive] += 1.0f;
    tile_.total[positive] += 1.0f;
    ++stats_.pairs;
    for (int n = 1; n < work_.outputs; ++n) {
      const int negative = work_.negative[n];
      tile_.total[work_.output_slots[negative].slot(block, row)] += negative != target;
      stats_.pairs += negative != target;
    }
  }

  void train_pairs(const Segment& segment, int32_t i) {
    const OutputIds ids = outputs_of(i);
    for (int o = 0; o < work_.outputs; ++o) {
      if (o > 0 && ids[o] == ids[0]) continue;
      const float label = o == 0 ? 1.0f : 0.0f;
      for_each_context(segment, i, [&](uint32_t id) {
        const float score =
            train_pair<V>(input_row(id), output_row(ids[o]), tile_.vectors, label, tile_.rate);
        ++stats_.pairs;
        if (params_.loss) stats_.loss += log_loss(o == 0 ? score : -score);
      });
    }
  }

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  Segment* const segments_;
  const int segment_count_;
  Tile tile_{};
  SpanStats stats_;
  int32_t last_ = 0;                          // behind the chunk's last kept word
  int32_t first_known_ = 0, last_known_ = 0;  // with the words of its first and last sentence around it
};

}  // namespace full_w2v
