// CBOW on one thread: the words, draws and windows of sampled_words.h, trained by cbow_kernel.h.
#pragma once

#include <cstdint>

#include "contract/steps.h"
#include "cpu/objectives/cbow_kernel.h"
#include "cpu/objectives/huffman_path.h"
#include "cpu/objectives/objective.h"
#include "cpu/tile/id_table.h"
#include "cpu/tile/loss_kernel.h"

namespace full_w2v {

template <class V>
class Cbow : Objective<V> {
  using Base = Objective<V>;
  using Base::job_, Base::params_, Base::work_, Base::words_, Base::stats_;

 public:
  static bool computes(const SgnsParams& params) {
    return params.architecture == Architecture::cbow && params.order == Order::window;
  }

  Cbow(const TrainJob& job, Workspace& workspace)
      : Base(job, workspace),
        tile_{workspace.tile<V>(job.stride, job.params.loss), workspace.hidden.get(), workspace.sums.get(),
              0.0f, 0.0f} {}

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    const int32_t repeats = strip_repeats(params_, params_.negative + params_.longest_path);
    if (words_.repeats_can_be_found()) {
      words_.find_possible_crowds(repeats);
    } else {
      words_.find_repeated_words(repeats);
    }
    return this->train_tiles(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_window(segment, t, i);
    });
  }

 private:
  static constexpr int kWindowsAhead = 4;  // windows between fetching a row and training it

  // Tile t: the window of word i.
  KERNEL_INLINE void train_window(const Segment& segment, int32_t t, int32_t i) {
    collect_contexts(segment, i);
    if (tile_.contexts == 0) return;
    const int32_t further = params_.negative + (has_tree(params_) ? path_length(job_, words_.id(i)) : 0);
    const int32_t low = words_.window_low(segment, i), high = words_.window_high(segment, i);
    const int32_t repeated = words_.crowded(low, high) ? most_repeated(segment, i) : 1;
    if (int64_t{further} * repeated > params_.step_pairs) {
      train_steps(t, i, further, repeated);
    } else {
      collect_outputs(t);
      if (words_.repeats_output(t)) {
        train_step<Outputs::repeated>(t, i);
      } else {
        train_step<Outputs::distinct>(t, i);
      }
    }
    words_.release_held(tile_);
  }

  // The window in blocks of its further outputs, so many in all; a word is `repeated` times in it
  // (contract/README.md).
  void train_steps(int32_t t, int32_t i, int32_t further, int32_t repeated) {
    const int32_t most = params_.step_pairs, block = strip_contexts(params_, repeated);
    if (repeated > most) tile_.share *= static_cast<float>(most) / static_cast<float>(repeated);
    for (int32_t begin = 0; begin < further && !tile_.is_stopped(); begin += block) {
      collect_block(t, begin, begin + block < further ? begin + block : further);
      train_step<Outputs::repeated>(t, i);
    }
  }

  template <Outputs kOutputs>
  KERNEL_INLINE void train_step(int32_t t, int32_t i) {
    if (tile_.outputs == 0) return;
    look_ahead(t, i);
    CbowKernel<V, kOutputs>::train(tile_);
    stats_.pairs += tile_.outputs;
    if (params_.loss) stats_.loss += tile_loss<V>(tile_, slots());
  }

  // How often the most frequent word is among the contexts of word i.
  int32_t most_repeated(const Segment& segment, int32_t i) {
    clear(work_.strip_table);
    int32_t words = 0, most = 1;
    words_.for_each_context(segment, i, [&](uint32_t id) {
      const int32_t index = find_or_add(work_.strip_table, id, words);
      int32_t& times = work_.context_words[index];
      times = index == words ? 1 : times + 1;
      words += index == words;
      most = times > most ? times : most;
    });
    return most;
  }

  KERNEL_INLINE void collect_contexts(const Segment& segment, int32_t i) {
    if (words_.trains_in_place()) {
      const int32_t low = words_.window_low(segment, i), high = words_.window_high(segment, i);
      words_.context_rows(low, i, high, high - low, tile_.context);
      tile_.contexts = high - low - 1;
    } else {
      // A word that comes again is trained on the copy of its first place.
      clear(work_.context_table);
      tile_.contexts = 0;
      words_.for_each_context(segment, i, [this](uint32_t id) {
        const int place = tile_.contexts++;
        const int first = find_or_add(work_.context_table, id, place);
        tile_.context[place] = first == place ? words_.context_row(id, place) : tile_.context[first];
      });
    }
    const float contexts = static_cast<float>(tile_.contexts);
    tile_.scale = params_.cbow_mean ? 1.0f / contexts : 1.0f;
    tile_.share = params_.cbow_mean ? 1.0f : 1.0f / contexts;
  }

  // The target and its negatives, but for those that are the target; then the inner nodes of the target's
  // path.
  KERNEL_INLINE void collect_outputs(int32_t t) {
    const uint32_t* const ids = words_.outputs(t);
    tile_.outputs = 0;
    if (params_.negative > 0 && !words_.repeats_output(t)) {
      add_all_outputs(t);
    } else if (params_.negative > 0) {
      for (int o = 0; o < work_.tile_outputs; ++o) {
        if (o == 0 || ids[o] != ids[0]) add_output(ids[o], o == 0 ? Label::positive : Label::negative);
      }
    }
    if (has_tree(params_)) {
      for_each_step(job_, ids[0], [this](int, uint32_t row, Label label) { add_output(row, label); });
    }
    for (int o = tile_.outputs; o < slots(); ++o) tile_.total[o] = 0.0f;
  }

  // The outputs of a block of further outputs, begin ... end - 1.
  void collect_block(int32_t t, int32_t begin, int32_t end) {
    const uint32_t* const ids = words_.outputs(t);
    tile_.outputs = 0;
    if (begin == 0 && params_.negative > 0) add_output(ids[0], Label::positive);
    for (int32_t n = begin; n < end && n < params_.negative; ++n) {
      if (ids[1 + n] != ids[0]) add_output(ids[1 + n], Label::negative);
    }
    if (has_tree(params_)) {
      for_each_step(job_, ids[0], [&](int step, uint32_t row, Label label) {
        const int32_t at = params_.negative + step;
        if (at >= begin && at < end) add_output(row, label);
      });
    }
    for (int o = tile_.outputs; o < slots(); ++o) tile_.total[o] = 0.0f;
  }

  KERNEL_INLINE void add_all_outputs(int32_t t) {
    tile_.outputs = work_.tile_outputs;
    words_.output_rows(t, tile_.outputs, tile_.output);
    for (int o = 0; o < tile_.outputs; ++o) {
      tile_.positive[o] = 0.0f;
      tile_.total[o] = 1.0f;
    }
    tile_.positive[0] = 1.0f;
  }

  KERNEL_INLINE void add_output(uint32_t row, Label label) {
    tile_.positive[tile_.outputs] = label == Label::positive ? 1.0f : 0.0f;
    tile_.total[tile_.outputs] = 1.0f;
    tile_.output[tile_.outputs++] = words_.output_row(row);
  }

  KERNEL_INLINE int slots() const { return (tile_.outputs + V::lanes - 1) / V::lanes * V::lanes; }

  // Rows of a window to come: as many of its outputs as this one has, and the context that it meets first.
  KERNEL_INLINE void look_ahead(int32_t t, int32_t i) {
    if (has_tree(params_)) {
      fetch_outputs(job_, words_.outputs(t + kWindowsAhead), params_.negative > 0 ? work_.tile_outputs : 0,
                    tile_);
    } else {
      words_.output_places(t + kWindowsAhead, tile_.outputs, tile_.ahead);
    }
    tile_.ahead[tile_.outputs] = words_.input_place(words_.id(i + kWindowsAhead + params_.window));
  }

  CbowTile tile_;
};

}  // namespace full_w2v
