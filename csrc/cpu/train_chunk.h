// What a level's file instantiates (kernels.h): the trainer of each architecture, and the room that tiles
// need.
#pragma once

#include "cpu/cbow_trainer.h"
#include "cpu/chunk_trainer.h"
#include "cpu/kernels.h"
#include "cpu/path_trainer.h"
#include "cpu/tile.h"
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
