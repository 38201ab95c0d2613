// What a level's file instantiates (simd/level_kernels.h): the trainer of each architecture, and the room
// that tiles need.
#pragma once

#include "cpu/objectives/cbow.h"
#include "cpu/objectives/hierarchical_softmax.h"
#include "cpu/objectives/skip_gram.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/tile/tile.h"
#include "cpu/workspace.h"

namespace full_w2v {

template <class V>
SpanStats train_chunk(const TrainJob& job, Workspace& workspace, Segment* segments, int count) {
  if (job.params.architecture == Architecture::cbow) {
    return CbowTrainer<V>(job, workspace).train(segments, count);
  }
  if (has_tree(job.params)) return PathTrainer<V>(job, workspace).train(segments, count);
  return ChunkTrainer<V>(job, workspace).train(segments, count);
}

template <class V>
int64_t most_slots(int contexts, int outputs) {
  int64_t most = 0;
  for (int o = 1; o <= outputs; ++o) {
    const int64_t slots = SlotLayout<V>{contexts, o}.slots();
    most = slots > most ? slots : most;
  }
  // Whole vectors of scores and whole blocks (SmallTile) are written at the last slots.
  return most + (V::lanes > kBlockFloats ? V::lanes : kBlockFloats);
}

}  // namespace full_w2v
