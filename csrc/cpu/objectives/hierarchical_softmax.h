// Skip-gram with hierarchical softmax on one thread: the windows of sampled_words.h, whose contexts meet the
// inner nodes on the target's path, and, if there are negatives, target and negatives in the same tile.
#pragma once

#include <cstdint>

#include "cpu/objectives/huffman_path.h"
#include "cpu/objectives/objective.h"
#include "cpu/tile/counted_tile.h"
#include "cpu/tile/general_kernel.h"
#include "cpu/tile/loss_kernel.h"

namespace full_w2v {

template <class V>
class HierarchicalSoftmax : Objective<V> {
  using Base = Objective<V>;
  using Base::job_, Base::params_, Base::work_, Base::words_, Base::stats_;

 public:
  static bool computes(const SgnsParams& params) {
    return params.architecture == Architecture::skip_gram && params.order == Order::window &&
           has_tree(params);
  }

  HierarchicalSoftmax(const TrainJob& job, Workspace& workspace)
      : Base(job, workspace),
        tile_(workspace.tile<V>(job.stride, job.params.loss)),
        counted_(job, words_, workspace, tile_) {}

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    return this->train_tiles(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_window(segment, t, i);
    });
  }

 private:
  static constexpr int kWindowsAhead = 3;  // windows between fetching a row and training it

  // Tile t: the window of word i.
  void train_window(const Segment& segment, int32_t t, int32_t i) {
    look_ahead(t, i);
    stats_.pairs +=
        counted_.train_steps(segment, t, i, i + 1, [this](const Tile& step, const SlotLayout<V>& layout) {
          GeneralKernel<V>::train(step);
          if (params_.loss) stats_.loss += tile_loss<V>(step, layout.slots());
        });
  }

  // Rows of a window to come, as many as this one has.
  void look_ahead(int32_t t, int32_t i) {
    const int words = params_.negative > 0 ? work_.tile_outputs : 0;
    tile_.outputs = words + path_length(job_, words_.id(i));
    fetch_outputs(job_, words_.outputs(t + kWindowsAhead), words, tile_);
    tile_.ahead[tile_.outputs] = words_.input_place(words_.id(i + kWindowsAhead + params_.window));
    tile_.ahead_rows = tile_.outputs + 1;
  }

  Tile tile_;
  CountedTile<V> counted_;
};

}  // namespace full_w2v
