// Skip-gram with hierarchical softmax on one thread: the windows of chunk_trainer.h, whose contexts meet the
// inner nodes on the target's path, and, if there are negatives, target and negatives in the same tile.
#pragma once

#include <cstdint>

#include "cpu/chunk_trainer.h"
#include "cpu/huffman_path.h"
#include "cpu/loss_kernel.h"

namespace full_w2v {

template <class V>
class PathTrainer : private ChunkTrainer<V> {
 public:
  using ChunkTrainer<V>::ChunkTrainer;

  SpanStats train() {
    Base::subsample();
    Base::draw();
    for (int s = 0; s < Base::segment_count_; ++s) train_segment(Base::segments_[s]);
    stats_.words = Base::last_ - work_.margin;
    return stats_;
  }

 private:
  using Base = ChunkTrainer<V>;
  using Base::params_;
  using Base::stats_;
  using Base::tile_;
  using Base::work_;

  void train_segment(const Segment& segment) {
    tile_.rate = learning_rate(params_, Base::job_.corpus.tokens(), Base::job_.epoch, segment.begin);
    for (int32_t i = segment.first; i < segment.last; ++i) train_window(segment, i);
  }

  void train_window(const Segment& segment, int32_t i) {
    Base::collect_contexts(segment, i, i + 1);
    if (tile_.contexts == 0) return;
    tile_.outputs = 0;
    if (params_.negative > 0) Base::collect_outputs(i, i + 1);
    const int words = tile_.outputs;
    for_each_step(Base::job_, work_.ids[i],
                  [this](int, uint32_t row, bool) { work_.output[tile_.outputs++] = Base::output_row(row); });
    if (tile_.outputs == 0) return;
    const SlotLayout<V> layout(tile_.contexts, tile_.outputs);
    Base::clear_counts(layout);
    if (words > 0) Base::count_window(layout);
    count_path(work_.ids[i], words, layout);
    look_ahead(i);
    GeneralKernel<V>::train(tile_);
    Base::release_held(tile_);
    if (params_.loss) stats_.loss += tile_loss<V>(tile_, layout.slots());
  }

  // Every context meets every node of the path, whose outputs begin at `first`.
  void count_path(uint32_t target, int first, const SlotLayout<V>& layout) {
    int block = 0, row = 0;
    for (int c = 0; c < tile_.contexts; ++c) {
      const int words = work_.context_words[c];
      for_each_step(Base::job_, target, [&](int step, uint32_t, bool label) {
        const int slot = work_.output_slots[first + step].slot(block, row);
        tile_.total[slot] = static_cast<float>(words);
        tile_.positive[slot] = label ? static_cast<float>(words) : 0.0f;
      });
      stats_.pairs += int64_t{words} * (tile_.outputs - first);
      if (++row == layout.height) row = 0, ++block;
    }
  }

  void look_ahead(int32_t i) {
    const int32_t ahead = i + Base::kWindowsAhead;
    fetch_outputs(Base::job_, Base::outputs_of(ahead), params_.negative > 0 ? work_.outputs : 0, tile_);
    const uint32_t next = work_.ids[ahead + params_.window];
    tile_.ahead[tile_.outputs] = reinterpret_cast<const char*>(Base::input_row(next));
  }
};

}  // namespace full_w2v
