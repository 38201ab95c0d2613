// The words kept of a chunk of the corpus, with their windows and the rows that these train.
#pragma once

#include <cstdint>

#include "cpu/draw_kernel.h"
#include "cpu/kernels.h"
#include "cpu/rounded_rows.h"
#include "sgns/draws.h"

namespace full_w2v {

template <class V>
class KeptWords {
 public:
  // Negatives of a kept word behind its own id: the outputs of its window.
  struct OutputIds {
    const uint32_t* first;
    KERNEL_INLINE uint32_t operator[](int output) const { return first[output * V::lanes]; }
  };

  // With windows up to this radius repeated words are searched for, a vector at a time. In larger ones some
  // word nearly always repeats: all are counted.
  static constexpr int kSearchedWindow = 16;

  KeptWords(const TrainJob& job, Workspace& workspace) : job_(job), params_(job.params), work_(workspace) {
    const bool rounded = has_rounded_rows();
    input_base_ =
        rounded ? reinterpret_cast<const char*>(job.input_bf16) : reinterpret_cast<const char*>(job.input);
    output_base_ =
        rounded ? reinterpret_cast<const char*>(job.output_bf16) : reinterpret_cast<const char*>(job.output);
    row_bytes_ = job.stride * static_cast<int64_t>(rounded ? sizeof(Bf16) : sizeof(float));
  }

  // Subsamples the segments, which are in one piece, and draws for every kept word.
  void find(Segment* segments, int count) {
    subsample(segments, count);
    draw();
  }

  // Finds them and calls train(segment, i) for each kept word i in turn, with its segment's rate in `tile`.
  // Returns how many there are.
  template <class Train>
  int64_t for_each_window(Segment* segments, int count, Tile& tile, const Train& train) {
    find(segments, count);
    for (int s = 0; s < count; ++s) {
      const Segment& segment = segments[s];
      tile.rate = learning_rate(params_, job_.corpus.tokens(), job_.epoch, segment.begin);
      for (int32_t i = segment.first; i < segment.last; ++i) train(segment, i);
    }
    return last_ - work_.margin;
  }

  // latest_repeat[i]: the largest index so far whose word came again within the words that may be in one
  // tile. Words low ... high - 1 hold one twice only if that of their last is at least low.
  void find_repeated_words() {
    const uint32_t* const ids = work_.ids.get();
    int32_t* const latest = work_.latest_repeat.get();
    const int reach = 2 * params_.window + params_.share_negatives - 1;
    uint32_t nearest[V::lanes];  // words back to the same word, 0 where there is none
    int32_t last = -1;
    for (int32_t i = first_known_; i < last_known_; i += V::lanes) {
      const typename V::Word words = V::load_words(ids + i);
      typename V::Word found = V::broadcast_word(0);
      // Before the first known word stand any ids: what repeats one of them is no window's.
      for (int back = reach; back >= 1; --back) {
        const auto mark = V::broadcast_word(static_cast<uint32_t>(back));
        found = V::mark_equal(found, words, V::load_words(ids + i - back), mark);
      }
      V::store_words(nearest, found);
      for (int lane = 0; lane < V::lanes; ++lane) {
        const int32_t again = nearest[lane] ? i + lane - static_cast<int32_t>(nearest[lane]) : -1;
        last = again > last ? again : last;
        latest[i + lane] = last;
      }
    }
  }

  // Kept words stand at work.margin ... end() - 1, those of the same sentences before and after around them.
  int32_t end() const { return last_; }
  // Whether `distinct` can tell, after find_repeated_words.
  bool repeats_can_be_found() const { return params_.window <= kSearchedWindow; }

  KERNEL_INLINE uint32_t id(int32_t i) const { return work_.ids[i]; }
  // First word of the window of word i, and the one behind its last.
  KERNEL_INLINE int32_t window_low(const Segment& segment, int32_t i) const {
    const int32_t low = i - static_cast<int32_t>(work_.radius[i]);
    return low < segment.low ? segment.low : low;
  }
  KERNEL_INLINE int32_t window_high(const Segment& segment, int32_t i) const {
    const int32_t high = i + static_cast<int32_t>(work_.radius[i]) + 1;
    return high > segment.high ? segment.high : high;
  }
  template <class Use>
  KERNEL_INLINE void for_each_context(const Segment& segment, int32_t i, const Use& use) const {
    const int32_t low = window_low(segment, i), high = window_high(segment, i);
    for (int32_t at = low; at < high; ++at) {
      if (at != i) use(work_.ids[at]);
    }
  }
  // Outputs of a kept word: its own id, then its negatives.
  KERNEL_INLINE OutputIds outputs(int32_t i) const {
    const int32_t from = (i - work_.margin) / V::lanes * V::lanes + work_.margin;
    return {outputs_of_vector(from) + (i - from)};
  }
  // Whether words low ... high - 1, at most 2 W + K of them, and the outputs of word i are all different.
  KERNEL_INLINE bool distinct(int32_t i, int32_t low, int32_t high) const {
    return !work_.repeats[i] && work_.latest_repeat[high - 1] < low;
  }

  bool has_locks() const { return job_.locks != nullptr; }
  bool has_rounded_rows() const { return job_.input_bf16 != nullptr; }
  // Whether all rows are trained in place.
  bool trains_in_place() const { return !has_locks() && !has_rounded_rows(); }

  // Where context c of a tile is trained: in place, a locked row as a copy (release_held), and rows of bf16
  // as float32 (round_held).
  KERNEL_INLINE float* context_row(uint32_t id, int c) const {
    if (has_rounded_rows()) {
      work_.held_ids[c] = id;
      widen_row(job_.input_bf16 + id * job_.stride, job_.stride, held_row(c));
      return held_row(c);
    }
    float* const row = input_row(id);
    if (!job_.locks || job_.locks[id] == 1.0f) return row;
    float* const copy = held_row(c);
    for (int64_t k = 0; k < job_.stride; ++k) copy[k] = copy[job_.stride + k] = row[k];
    work_.held_ids[c] = id;
    return copy;
  }
  // Lets the locked rows of a trained tile take their share of what their copies learned.
  void release_held(const Tile& tile) const {
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

  // Where output o of a tile is trained.
  KERNEL_INLINE float* tile_output_row(uint32_t id, int o) const {
    if (!has_rounded_rows()) return output_row(id);
    work_.held_output_ids[o] = id;
    widen_row(job_.output_bf16 + id * job_.stride, job_.stride, held_output(o));
    return held_output(o);
  }
  // Rounds the rows of a trained tile, whose first centre is word i, back to bf16.
  void round_held(const Tile& tile, int32_t i) const {
    if (!has_rounded_rows()) return;
    const uint64_t position = uint64_t{work_.position_high[i]} << 32 | work_.position_low[i];
    const uint32_t draw = token_draw(params_.seed, static_cast<uint32_t>(job_.epoch),
                                     static_cast<int64_t>(position), rounding_draw(params_.negative));
    for (int c = 0; c < tile.contexts; ++c) {
      const uint32_t id = work_.held_ids[c];
      round_row(held_row(c), job_.stride, rounding_key(draw, RowMatrix::input, id),
                job_.input_bf16 + id * job_.stride);
    }
    for (int o = 0; o < tile.outputs; ++o) {
      const uint32_t id = work_.held_output_ids[o];
      round_row(held_output(o), job_.stride, rounding_key(draw, RowMatrix::output, id),
                job_.output_bf16 + id * job_.stride);
    }
  }

  // Where rows are, however they are stored: to fetch them.
  KERNEL_INLINE const char* input_place(uint32_t id) const { return input_base_ + id * row_bytes_; }
  KERNEL_INLINE const char* output_place(uint32_t id) const { return output_base_ + id * row_bytes_; }

  KERNEL_INLINE float* input_row(uint32_t id) const { return job_.input + id * job_.stride; }
  // Input rows of `count` words from `first` on, past the chunk's last one too: a loop whose length the
  // processor foresees is shorter than the right one that it does not.
  KERNEL_INLINE void input_rows(int32_t first, int count, float** rows) const {
    const uint32_t* const ids = &work_.ids[first];
    const auto stride = static_cast<uint32_t>(job_.stride);
    for (int c = 0; c < count; ++c) rows[c] = job_.input + uint64_t{ids[c]} * stride;
  }
  KERNEL_INLINE float* output_row(uint32_t id) const { return job_.output + id * job_.stride; }

 private:
  // The copy to train; behind it stands the row as it was.
  KERNEL_INLINE float* held_row(int c) const { return work_.held_rows.get() + 2 * c * job_.stride; }
  KERNEL_INLINE float* held_output(int o) const { return work_.held_outputs.get() + o * job_.stride; }

  void subsample(Segment* segments, int count) {
    const int64_t begin = segments[0].begin, end = segments[count - 1].end;
    draw_keep_words<V>(params_.seed, job_.epoch, begin, end, work_.keep_words.get());
    const uint32_t* const words = work_.keep_words.get() - (begin & ~int64_t{3});
    last_ = work_.margin;
    for (int s = 0; s < count; ++s) {
      Segment& segment = segments[s];
      segment.first = last_;
      for (int64_t at = segment.begin; at < segment.end; ++at) {
        const int32_t id = job_.corpus.ids[at];
        put(last_, id, at);
        last_ += keeps(words[at], job_.tables.keep[id]);
      }
      segment.last = last_;
    }
    first_known_ = before(segments[0]);
    last_known_ = after(segments[count - 1]);
    find_bounds(segments, count);
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
  void find_bounds(Segment* segments, int count) const {
    int32_t low = first_known_, high = last_known_;
    for (int s = 0; s < count; ++s) {
      if (segments[s].begin == segments[s].sentence_begin) low = segments[s].first;
      segments[s].low = low;
    }
    for (int s = count - 1; s >= 0; --s) {
      if (segments[s].end == segments[s].sentence_end) high = segments[s].last;
      segments[s].high = high;
    }
  }

  // Radius and outputs of every kept word, and what repeats among the outputs.
  void draw() {
    // Whole vectors are drawn, and rows ahead of the last word are fetched: both must see valid ids.
    for (int32_t i = last_known_; i < last_ + work_.margin; ++i) put(i, 0, 0);
    for (int32_t i = work_.margin; i < last_; i += V::lanes) {
      draw_windows<V>(params_, static_cast<uint32_t>(job_.epoch), &work_.ids[i], &work_.position_low[i],
                      &work_.position_high[i], &work_.radius[i], outputs_of_vector(i));
    }
    // By itself: the processor then waits for slots of several vectors' negatives at once.
    for (int32_t i = work_.margin; i < last_; i += V::lanes) {
      V::store_words(&work_.repeats[i], pick_negatives<V>(params_, job_.tables.noise, outputs_of_vector(i)));
    }
  }
  KERNEL_INLINE uint32_t* outputs_of_vector(int32_t i) const {
    return &work_.output_ids[int64_t{i} * work_.outputs];
  }

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  const char *input_base_, *output_base_;
  int64_t row_bytes_;
  int32_t last_ = 0;                          // behind the chunk's last kept word
  int32_t first_known_ = 0, last_known_ = 0;  // with the words of its first and last sentence around it
};

}  // namespace full_w2v
