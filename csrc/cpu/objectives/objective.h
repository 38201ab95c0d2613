// What every objective does with a chunk on one thread: samples its words and trains tile after tile.
//
// An objective is a class template over the vector type that derives from this one, with
//   static bool computes(const SgnsParams&)        which settings it trains (contract/README.md)
//   SpanStats train(Segment* segments, int count)  trains segments in one piece
// train_chunk.h lists them.
#pragma once

#include <cstdint>

#include "cpu/sampled_words.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/workspace.h"

namespace full_w2v {

template <class V>
class Objective {
 protected:
  Objective(const TrainJob& job, Workspace& workspace)
      : job_(job), params_(job.params), work_(workspace), words_(job, workspace) {}

  // Calls train_tile(segment, t, first) for every tile, with its learning rate in `tile`.
  template <class Train>
  SpanStats train_tiles(const Segment* segments, int count, Tile& tile, const Train& train_tile) {
    words_.for_each_tile(segments, count, tile, train_tile);
    stats_.words = words_.count();
    return stats_;
  }

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  SampledWords<V> words_;
  SpanStats stats_;
};

}  // namespace full_w2v
