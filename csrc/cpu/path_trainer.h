// Skip-gram with hierarchical softmax on one thread: the windows of kept_words.h, whose contexts meet the
// inner nodes on the target's path, and, if there are negatives, target and negatives in the same tile.
#pragma once

#include <cstdint>

#include "cpu/counted_tile.h"
#include "cpu/general_kernel.h"
#include "cpu/huffman_path.h"
#include "cpu/kept_words.h"
#include "cpu/loss_kernel.h"

namespace full_w2v {

template <class V>
class PathTrainer {
 public:
  PathTrainer(const TrainJob& job, Workspace& workspace)
      : job_(job),
        params_(job.params),
        work_(workspace),
        tile_(workspace.tile<V>(job.stride, job.params.loss)),
        words_(job, workspace),
        counted_(words_, workspace, tile_) {}

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    words_.for_each_tile(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_window(segment, t, i);
    });
    stats_.words = words_.count();
    return stats_;
  }

 private:
  static constexpr int kWindowsAhead = 3;  // windows between fetching a row and training it

  // Tile t: the window of word i.
  void train_window(const Segment& segment, int32_t t, int32_t i) {
    counted_.collect_contexts(segment, i, i + 1);
    if (tile_.contexts == 0) return;
    tile_.outputs = 0;
    if (params_.negative > 0) counted_.collect_outputs(t, i, i + 1);
    const int words = tile_.outputs;
    for_each_step(job_, words_.id(i), [this](int, uint32_t row, bool) {
      work_.output[tile_.outputs++] = words_.output_row(row);
    });
    if (tile_.outputs == 0) return;
    const SlotLayout<V> layout = counted_.begin_counting();
    if (words > 0) stats_.pairs += counted_.count_window(layout);
    count_path(words_.id(i), words, layout);
    look_ahead(t, i);
    GeneralKernel<V>::train(tile_);
    words_.release_held(tile_);
    if (params_.loss) stats_.loss += tile_loss<V>(tile_, layout.slots());
  }

  // Every context meets every node of the path, whose outputs begin at `first`.
  void count_path(uint32_t target, int first, const SlotLayout<V>& layout) {
    int block = 0, row = 0;
    for (int c = 0; c < tile_.contexts; ++c) {
      const int words = work_.context_words[c];
      for_each_step(job_, target, [&](int step, uint32_t, bool label) {
        const int slot = work_.output_slots[first + step].slot(block, row);
        tile_.total[slot] = static_cast<float>(words);
        tile_.positive[slot] = label ? static_cast<float>(words) : 0.0f;
      });
      stats_.pairs += int64_t{words} * (tile_.outputs - first);
      if (++row == layout.height) row = 0, ++block;
    }
  }

  void look_ahead(int32_t t, int32_t i) {
    fetch_outputs(job_, words_.outputs(t + kWindowsAhead), params_.negative > 0 ? work_.tile_outputs : 0,
                  tile_);
    tile_.ahead[tile_.outputs] = words_.input_place(words_.id(i + kWindowsAhead + params_.window));
    tile_.ahead_rows = tile_.outputs + 1;
  }

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  Tile tile_;
  KeptWords<V> words_;
  CountedTile<V> counted_;
  SpanStats stats_;
};

}  // namespace full_w2v
