// Skip-gram with negative sampling in pair order, as in the paper: output by output, context by context, each
// pair from the rows that the last one left.
#pragma once

#include <cstdint>

#include "cpu/objectives/objective.h"
#include "cpu/tile/loss_kernel.h"
#include "cpu/tile/pair_kernel.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

template <class V>
class PairOrder : Objective<V> {
  using Base = Objective<V>;
  using Base::job_, Base::params_, Base::work_, Base::words_, Base::stats_;

 public:
  static bool computes(const SgnsParams& params) {
    return params.architecture == Architecture::skip_gram && params.order == Order::pair && !has_tree(params);
  }

  PairOrder(const TrainJob& job, Workspace& workspace)
      : Base(job, workspace), tile_(workspace.tile<V>(job.stride, job.params.loss)) {}

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    return this->train_tiles(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_window(segment, t, i);
    });
  }

 private:
  void train_window(const Segment& segment, int32_t t, int32_t i) {
    const uint32_t* const ids = words_.outputs(t);
    for (int o = 0; o < work_.tile_outputs && !tile_.is_stopped(); ++o) {
      if (o > 0 && ids[o] == ids[0]) continue;
      const float label = o == 0 ? 1.0f : 0.0f;
      words_.for_each_context(segment, i, [&](uint32_t id) {
        const float score =
            train_pair<V>(words_.input_row(id), words_.output_row(ids[o]), tile_.vectors, label, tile_.rate);
        ++stats_.pairs;
        if (params_.loss) stats_.loss += log_loss(o == 0 ? score : -score);
      });
    }
  }

  Tile tile_;
};

}  // namespace full_w2v
