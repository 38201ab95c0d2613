// What a level's file instantiates (simd/level_kernels.h): the objectives, and the room that tiles need.
#pragma once

#include "cpu/objectives/cbow.h"
#include "cpu/objectives/hierarchical_softmax.h"
#include "cpu/objectives/pair_order.h"
#include "cpu/objectives/skip_gram.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/tile/tile.h"
#include "cpu/workspace.h"

namespace full_w2v {

template <class V, class... Objectives>
struct ObjectiveList {
  static bool computes(const SgnsParams& params) { return (Objectives::computes(params) || ...); }

  // Trains with the first objective that computes the settings.
  static SpanStats train(const TrainJob& job, Workspace& workspace, Segment* segments, int count) {
    SpanStats stats;
    (void)((Objectives::computes(job.params) &&
            (stats = Objectives(job, workspace).train(segments, count), true)) ||
           ...);
    return stats;
  }
};

template <class V>
using AllObjectives = ObjectiveList<V, SkipGram<V>, PairOrder<V>, HierarchicalSoftmax<V>, Cbow<V>>;

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

template <class V>
constexpr LevelKernels level_kernels(const char* name) {
  return {name, &AllObjectives<V>::computes, &AllObjectives<V>::train, &most_slots<V>};
}

}  // namespace full_w2v
