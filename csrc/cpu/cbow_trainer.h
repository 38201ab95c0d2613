// CBOW on one thread: the words, draws and windows of kept_words.h, trained by cbow_kernel.h.
#pragma once

#include <cstdint>

#include "cpu/cbow_kernel.h"
#include "cpu/huffman_path.h"
#include "cpu/kept_words.h"
#include "cpu/loss_kernel.h"

namespace full_w2v {

template <class V>
class CbowTrainer {
 public:
  CbowTrainer(const TrainJob& job, Workspace& workspace)
      : job_(job),
        params_(job.params),
        work_(workspace),
        tile_{workspace.tile<V>(job.stride, job.params.loss), workspace.hidden.get(), workspace.sums.get(),
              0.0f, 0.0f},
        words_(job, workspace) {}

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    words_.for_each_tile(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_window(segment, t, i);
    });
    stats_.words = words_.count();
    return stats_;
  }

 private:
  static constexpr int kWindowsAhead = 4;  // windows between fetching a row and training it

  // Tile t: the window of word i.
  KERNEL_INLINE void train_window(const Segment& segment, int32_t t, int32_t i) {
    collect_contexts(segment, i);
    if (tile_.contexts == 0) return;
    collect_outputs(t);
    if (tile_.outputs == 0) return;
    look_ahead(t, i);
    if (words_.repeats_output(t)) {
      CbowKernel<V, false>::train(tile_);
    } else {
      CbowKernel<V, true>::train(tile_);
    }
    words_.release_held(tile_);
    stats_.pairs += tile_.outputs;
    if (params_.loss) stats_.loss += tile_loss<V>(tile_, slots());
  }

  KERNEL_INLINE void collect_contexts(const Segment& segment, int32_t i) {
    if (words_.trains_in_place()) {
      const int32_t low = words_.window_low(segment, i), high = words_.window_high(segment, i);
      words_.context_rows(low, i, high, high - low, tile_.context);
      tile_.contexts = high - low - 1;
    } else {
      tile_.contexts = 0;
      words_.for_each_context(segment, i, [this](uint32_t id) {
        tile_.context[tile_.contexts] = words_.context_row(id, tile_.contexts);
        ++tile_.contexts;
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
        if (o == 0 || ids[o] != ids[0]) add_output(ids[o], o == 0);
      }
    }
    if (has_tree(params_)) {
      for_each_step(job_, ids[0], [this](int, uint32_t row, bool label) { add_output(row, label); });
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

  KERNEL_INLINE void add_output(uint32_t row, bool label) {
    tile_.positive[tile_.outputs] = label;
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

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  CbowTile tile_;
  KeptWords<V> words_;
  SpanStats stats_;
};

}  // namespace full_w2v
