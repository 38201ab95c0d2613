// Trains a tile whatever repeats in it, step by step (contract/README.md): distinct rows, with the count of
// each pair.
#pragma once

#include <cstdint>

#include "contract/steps.h"
#include "cpu/objectives/huffman_path.h"
#include "cpu/sampled_words.h"
#include "cpu/tile/id_table.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

// Every pair of the tile untrained so far.
template <class V>
void clear_counts(const Tile& tile, const SlotLayout<V>& layout) {
  const typename V::Float zero = V::broadcast(0.0f);
  for (int slot = 0; slot < layout.slots(); slot += V::lanes) {
    V::store(tile.positive + slot, zero);
    V::store(tile.total + slot, zero);
  }
}

// The tile that is built holds its steps' rows together: distinct outputs, and where rows are trained as
// copies all contexts. Each step is a Tile of some of them.
template <class V>
class CountedTile {
 public:
  CountedTile(const TrainJob& job, const SampledWords<V>& words, Workspace& workspace, Tile& tile)
      : job_(job), params_(job.params), words_(words), work_(workspace), tile_(tile), step_(tile) {
    step_.context = workspace.step_context.get();
    step_.output = workspace.step_output.get();
  }

  // Tile t: the windows of words first ... behind - 1. Calls train(step, layout) for each of its steps, in
  // order, and returns the pairs.
  template <class Train>
  int64_t train_steps(const Segment& segment, int32_t t, int32_t first, int32_t behind, const Train& train) {
    collect_outputs(t, first, behind);
    if (!words_.trains_in_place()) hold_contexts(segment, first, behind);
    step_.rate = tile_.rate;
    step_.stopped = tile_.stopped;
    step_.ahead_rows = tile_.ahead_rows;
    const int32_t block = params_.step_pairs < further_ ? params_.step_pairs : further_;
    int64_t pairs = 0;
    for (int32_t begin = 0; begin < further_ && !tile_.is_stopped(); begin += block) {
      choose_outputs(begin, begin + block < further_ ? begin + block : further_);
      if (step_.outputs == 0) continue;  // all of them are negatives that equal the target
      if (words_are_distinct(segment, first)) {
        pairs += train_distinct(segment, first, train);
        continue;
      }
      Place place = window_of(segment, first);
      while (!tile_.is_stopped() && collect_strip(segment, behind, place)) pairs += train_step(train);
    }
    words_.release_held(tile_);
    words_.round_held(tile_, first);
    return pairs;
  }

 private:
  // Where the next context is: in the window of word `centre`.
  struct Place {
    int32_t centre, at, high;
  };

  Place window_of(const Segment& segment, int32_t centre) const {
    return {centre, words_.window_low(segment, centre), words_.window_high(segment, centre)};
  }

  // Whether no word comes twice in the tile, which is the window of word `centre`, as far as that is known.
  bool words_are_distinct(const Segment& segment, int32_t centre) const {
    return params_.share_negatives == 1 && words_.repeats_are_known() && words_.trains_in_place() &&
           words_.distinct_words(words_.window_low(segment, centre), words_.window_high(segment, centre));
  }

  // The block's steps with the window of word `centre`, whose rows need not be looked for; returns its pairs.
  template <class Train>
  int64_t train_distinct(const Segment& segment, int32_t centre, const Train& train) {
    const int32_t low = words_.window_low(segment, centre), high = words_.window_high(segment, centre);
    float** const rows = work_.context.get();
    words_.input_rows(low, centre - low, rows);
    words_.input_rows(centre + 1, high - centre - 1, rows + (centre - low));
    int64_t pairs = 0;
    for (int32_t begin = 0, all = high - low - 1; begin < all; begin += longest_) {
      step_.context = rows + begin;
      step_.contexts = occurrences_ = longest_ < all - begin ? longest_ : all - begin;
      for (int32_t c = 0; c < step_.contexts; ++c) work_.context_words[c] = 1;
      pairs += train_step(train);
    }
    step_.context = work_.step_context.get();
    return pairs;
  }

  template <class Train>
  int64_t train_step(const Train& train) {
    const SlotLayout<V> layout(step_.contexts, step_.outputs);
    const int64_t pairs = windows_ == 1 ? count_window(layout) : count_windows(layout);
    train(step_, layout);
    step_.ahead_rows = 0;  // they are on their way
    return pairs;
  }

  // Distinct output rows of the tile, which of them each further output is, and each window's target.
  void collect_outputs(int32_t t, int32_t first, int32_t behind) {
    clear(work_.output_table);
    tile_.outputs = 0;
    first_ = first, windows_ = behind - first;
    if (work_.negatives > 0) {
      for (int32_t i = first; i < behind; ++i) work_.window_target[i - first] = add_output(words_.id(i));
    }
    const uint32_t* const negatives = words_.outputs(t) + work_.tile_outputs - work_.negatives;
    for (further_ = 0; further_ < work_.negatives; ++further_) {
      work_.further[further_] = {add_output(negatives[further_]), Label::negative};
    }
    if (has_tree(params_)) {
      for_each_step(job_, words_.id(first), [this](int, uint32_t row, Label label) {
        work_.further[further_++] = {tile_.outputs, label};
        work_.output[tile_.outputs++] = words_.output_row(row);
      });
    }
    longest_ = strip_contexts(params_, most_drawn());
    repeats_ = strip_repeats(params_, further_);
  }

  KERNEL_INLINE int32_t add_output(uint32_t id) {
    const int32_t index = find_or_add(work_.output_table, id, tile_.outputs);
    if (index == tile_.outputs) {
      work_.output[tile_.outputs] = words_.tile_output_row(id, tile_.outputs);
      ++tile_.outputs;
    }
    return index;
  }

  // How often the most frequent word is among the negatives, 1 at least.
  int32_t most_drawn() const {
    int32_t most = 1;
    int32_t* const drawn = work_.local_output.get();
    for (int o = 0; o < tile_.outputs; ++o) drawn[o] = 0;
    for (int n = 0; n < work_.negatives; ++n) {
      const int32_t times = ++drawn[work_.further[n].output];
      most = times > most ? times : most;
    }
    return most;
  }

  // Copies of all context rows of the tile, to be trained through its steps.
  void hold_contexts(const Segment& segment, int32_t first, int32_t behind) {
    clear(work_.context_table);
    tile_.contexts = 0;
    for (int32_t i = first; i < behind; ++i) {
      words_.for_each_context(segment, i, [this](uint32_t id) {
        const int32_t index = find_or_add(work_.context_table, id, tile_.contexts);
        if (index < tile_.contexts) return;
        work_.context[index] = words_.context_row(id, index);
        ++tile_.contexts;
      });
    }
  }

  // The outputs of the block of further outputs begin ... end - 1, and how often each context of a window of
  // one centre meets them.
  void choose_outputs(int32_t begin, int32_t end) {
    begin_ = begin, end_ = end;
    step_.outputs = 0;
    for (int o = 0; o < tile_.outputs; ++o) work_.local_output[o] = kNoOutput;
    if (begin == 0 && work_.negatives > 0) {
      for (int32_t w = 0; w < windows_; ++w) meet(work_.window_target[w], Label::positive);
    }
    for (int32_t f = begin; f < end; ++f) {
      const FurtherOutput& further = work_.further[f];
      if (windows_ == 1 && is_target(f, work_.window_target[0])) continue;
      meet(further.output, further.label);
    }
    once_ = params_.share_negatives == 1 && begin == 0 && work_.negatives > 0 && !has_tree(params_) &&
            !params_.loss;
    for (int o = 0; o < step_.outputs; ++o) once_ &= work_.met[o].total == 1.0f;
  }

  // Whether further output f is a negative that equals the target with this output row.
  KERNEL_INLINE bool is_target(int32_t f, int32_t target) const {
    return f < work_.negatives && work_.further[f].output == target;
  }

  KERNEL_INLINE void meet(int32_t output, Label label) {
    int32_t& local = work_.local_output[output];
    if (local == kNoOutput) {
      local = step_.outputs++;
      step_.output[local] = work_.output[output];
      work_.met[local] = {0.0f, 0.0f};
    }
    work_.met[local].positive += label == Label::positive ? 1.0f : 0.0f;
    work_.met[local].total += 1.0f;
  }

  // The next strip of contexts, from `place` on; false if none is left.
  bool collect_strip(const Segment& segment, int32_t behind, Place& place) {
    clear(work_.strip_table);
    step_.contexts = 0;
    occurrences_ = 0;
    for (;; place = window_of(segment, place.centre)) {
      for (; place.at < place.high; ++place.at) {
        if (place.at == place.centre) continue;
        if (occurrences_ == longest_ || !add_context(words_.id(place.at), place.centre)) return true;
      }
      if (++place.centre == behind) return end_of_tile(place);
    }
  }

  // Leaves a place from which no strip follows.
  bool end_of_tile(Place& place) const {
    --place.centre;
    return occurrences_ > 0;
  }

  // False if the strip has this word often enough.
  KERNEL_INLINE bool add_context(uint32_t id, int32_t centre) {
    const int32_t index = find_or_add(work_.strip_table, id, step_.contexts);
    if (index == step_.contexts) {
      step_.context[index] = words_.trains_in_place() ? words_.input_row(id) : held_context(id);
      work_.context_words[index] = 0;
      ++step_.contexts;
    } else if (work_.context_words[index] == repeats_) {
      return false;
    }
    ++work_.context_words[index];
    if (windows_ > 1) work_.occurrence[occurrences_] = {index, centre - first_};
    ++occurrences_;
    return true;
  }

  float* held_context(uint32_t id) const { return work_.context[find_or_add(work_.context_table, id, 0)]; }

  // Every pair of the step untrained so far, and where each output's pairs are.
  void begin_counting(const SlotLayout<V>& layout) {
    clear_counts<V>(step_, layout);
    for (int o = 0; o < step_.outputs; ++o) {
      const int block_first = o / layout.width * layout.width, across = layout.block_width(block_first);
      work_.output_slots[o] = {layout.slot(0, o), layout.block(across), across};
    }
  }

  // Counts of a step of one window: every context word meets all outputs.
  int64_t count_window(const SlotLayout<V>& layout) {
    step_.once = once_ && step_.contexts == occurrences_;
    if (step_.once) return int64_t{step_.contexts} * step_.outputs;
    begin_counting(layout);
    float met = 0.0f;
    for (int o = 0; o < step_.outputs; ++o) met += work_.met[o].total;
    int block = 0, row = 0;
    for (int c = 0; c < step_.contexts; ++c) {
      const auto words = static_cast<float>(work_.context_words[c]);
      for (int o = 0; o < step_.outputs; ++o) {
        const int slot = work_.output_slots[o].slot(block, row);
        step_.positive[slot] = words * work_.met[o].positive;
        step_.total[slot] = words * work_.met[o].total;
      }
      if (++row == layout.height) row = 0, ++block;
    }
    return int64_t{occurrences_} * static_cast<int64_t>(met);
  }

  // Counts of a step of several windows, whose contexts meet their own target and the common negatives.
  int64_t count_windows(const SlotLayout<V>& layout) {
    step_.once = false;
    begin_counting(layout);
    int64_t pairs = 0;
    for (int32_t k = 0; k < occurrences_; ++k) {
      const Occurrence& one = work_.occurrence[k];
      const int block = one.context / layout.height, row = one.context % layout.height;
      const int32_t target = work_.window_target[one.window];
      if (begin_ == 0) pairs += count_pair(target, block, row, Label::positive);
      for (int32_t f = begin_; f < end_; ++f) {
        if (!is_target(f, target)) pairs += count_pair(work_.further[f].output, block, row, Label::negative);
      }
    }
    return pairs;
  }

  // One more time that the context in this row of this block meets the output.
  KERNEL_INLINE int count_pair(int32_t output, int block, int row, Label label) {
    const int slot = work_.output_slots[work_.local_output[output]].slot(block, row);
    step_.total[slot] += 1.0f;
    if (label == Label::positive) step_.positive[slot] += 1.0f;
    return 1;
  }

  static constexpr int32_t kNoOutput = -1;

  const TrainJob& job_;
  const SgnsParams& params_;
  const SampledWords<V>& words_;
  Workspace& work_;
  Tile& tile_;
  Tile step_;
  int32_t first_ = 0, windows_ = 0;    // centres of the tile
  int32_t further_ = 0;                // outputs of the tile, targets not counted
  int32_t longest_ = 0, repeats_ = 0;  // of a strip: L and R
  int32_t begin_ = 0, end_ = 0;        // the block: further outputs begin_ ... end_ - 1
  bool once_ = false;  // whether a context of the block meets all its outputs once, the first with label 1
  int32_t occurrences_ = 0;  // of words in the strip
};

}  // namespace full_w2v
