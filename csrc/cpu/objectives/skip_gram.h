// Skip-gram with negative sampling in window order: each window, or several that share negatives, is a tile
// of contexts and outputs.
#pragma once

#include <cstdint>

#include "contract/steps.h"
#include "cpu/objectives/objective.h"
#include "cpu/tile/counted_tile.h"
#include "cpu/tile/fixed_kernel.h"
#include "cpu/tile/general_kernel.h"
#include "cpu/tile/loss_kernel.h"
#include "cpu/tile/small_tile.h"
#include "cpu/tile/tile.h"

namespace full_w2v {

template <class V>
class SkipGram : Objective<V> {
  using Base = Objective<V>;
  using Base::job_, Base::params_, Base::work_, Base::words_, Base::stats_;

 public:
  static bool computes(const SgnsParams& params) {
    return params.architecture == Architecture::skip_gram && params.order == Order::window &&
           !has_tree(params);
  }

  SkipGram(const TrainJob& job, Workspace& workspace)
      : Base(job, workspace),
        tile_(workspace.tile<V>(job.stride, job.params.loss)),
        small_(words_, workspace, tile_, job.params),
        counted_(job, words_, workspace, tile_),
        repeats_(strip_repeats(params_, params_.negative)),
        plain_contexts_(params_.step_pairs < kUsualContexts ? params_.step_pairs : kUsualContexts) {
    tile_.ahead_rows = work_.tile_outputs + params_.share_negatives;
    const int64_t tiles = kBytesAhead / (tile_.ahead_rows * job.stride * static_cast<int64_t>(sizeof(float)));
    tiles_ahead_ = static_cast<int>(tiles < 1 ? 1 : tiles > kVectorRoom ? kVectorRoom : tiles);
  }

  SpanStats train(Segment* segments, int count) {
    words_.find(segments, count);
    if (small_.usable()) {
      // Each token is in every window of the tile at most.
      const int32_t tokens = repeats_ / params_.share_negatives;
      words_.find_repeated_words(tokens > 1 ? tokens : 1);
    }
    if (may_be_plain()) {
      return this->train_tiles(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
        train_plain(segment, t, i);
      });
    }
    return this->train_tiles(segments, count, tile_, [this](const Segment& segment, int32_t t, int32_t i) {
      train_tile(segment, t, i);
    });
  }

 private:
  using Kernel = void (*)(const Tile&);
  static constexpr int kUsualOutputs = 6;    // the target and five negatives
  static constexpr int kUsualContexts = 10;  // windows of up to five words to either side
  using Plain = FixedKernels<V, kUsualOutputs, kUsualContexts, Pairs::once>;
  using Counted = FixedKernels<V, kUsualOutputs, kUsualContexts, Pairs::counted>;
  // Two such windows with common negatives reach one word further and have one target more.
  using TwoPlain = FixedKernels<V, kUsualOutputs + 1, kUsualContexts + 2, Pairs::windows>;
  using TwoCounted = FixedKernels<V, kUsualOutputs + 1, kUsualContexts + 2, Pairs::counted>;
  // Of rows between fetching one and training it: enough to come from memory meanwhile, few enough to stay in
  // the nearest cache until then.
  static constexpr int64_t kBytesAhead = 12 * 1024;

  // Whether most windows are of a shape with a kernel of its own, and it is known which ones repeat a row.
  bool may_be_plain() const {
    return Plain::exist && work_.tile_outputs == kUsualOutputs && words_.repeats_can_be_found() &&
           params_.negative <= params_.step_pairs && params_.share_negatives == 1 && !params_.loss &&
           !tile_.rounded && words_.trains_in_place();
  }

  // A window of the usual shape in which no row repeats; any other one is counted.
  KERNEL_INLINE void train_plain(const Segment& segment, int32_t t, int32_t i) {
    const int32_t low = words_.window_low(segment, i), high = words_.window_high(segment, i);
    const int contexts = high - low - 1;
    if (contexts < 1) return;
    if (contexts > plain_contexts_ || words_.repeats_output(t) || !words_.distinct_words(low, high)) {
      return train_tile(segment, t, i);
    }
    words_.context_rows(low, i, high, kUsualContexts + 1, work_.context.get());
    words_.output_rows(t, kUsualOutputs, work_.output.get());
    look_ahead(t, 1, kUsualOutputs);
    Plain::table.by_contexts[contexts](tile_);
    stats_.pairs += static_cast<int64_t>(contexts) * kUsualOutputs;
  }

  // Tile t, the windows of the words from `first` on, as one of distinct rows with counted pairs.
  void train_tile(const Segment& segment, int32_t t, int32_t first) {
    const int32_t full = first + params_.share_negatives;
    const int32_t behind = full < segment.last ? full : segment.last;
    look_ahead(t, params_.share_negatives, work_.tile_outputs);
    if (!small_.usable() || behind != full || !is_one_step(segment, t, first)) {
      stats_.pairs += counted_.train_steps(segment, t, first, behind,
                                           [this](const Tile& step, const SlotLayout<V>& layout) {
                                             kernel_for(step)(step);
                                             if (params_.loss)
                                               stats_.loss += tile_loss<V>(step, layout.slots());
                                           });
      return;
    }
    const int64_t pairs = small_.build(segment, t, first);
    if (pairs == 0) return;
    stats_.pairs += pairs;
    tile_.once = false;
    kernel_for_small()(tile_);
    if (params_.loss) {
      stats_.loss += tile_loss<V>(tile_, SlotLayout<V>(tile_.contexts, tile_.outputs).slots());
    }
  }

  // Whether tile t, whose windows are those of K words from `first` on, needs only one step (conservative).
  KERNEL_INLINE bool is_one_step(const Segment& segment, int32_t t, int32_t first) const {
    int32_t contexts = 0, lowest = first, highest = first + 1;
    for (int32_t i = first; i < first + params_.share_negatives; ++i) {
      const int32_t low = words_.window_low(segment, i), high = words_.window_high(segment, i);
      contexts += high - low - 1;
      lowest = low < lowest ? low : lowest;
      highest = high > highest ? high : highest;
    }
    const int32_t most = params_.step_pairs;
    if (params_.negative > most || contexts > most) return false;
    if (words_.repeats_output(t) && contexts * words_.most_drawn(t) > most) return false;
    if (contexts <= repeats_) return true;
    return repeats_ >= params_.share_negatives && !words_.crowded(lowest, highest);
  }

  KERNEL_INLINE Kernel kernel_for_small() {
    // The loss reads the counts.
    const bool uncounted = small_.distinct() && !params_.loss;
    // A fixed kernel is faster even with counts.
    tile_.once = uncounted && params_.share_negatives == 1 &&
                 (tile_.rounded || !TwoCounted::fits(tile_.contexts, tile_.outputs));
    if (tile_.once) return &GeneralKernel<V>::train;
    if (uncounted && params_.share_negatives == kSharedWindows && !tile_.rounded &&
        TwoPlain::fits(tile_.contexts, tile_.outputs)) {
      return TwoPlain::table.by_contexts[tile_.contexts];
    }
    small_.count();
    return kernel_for(tile_);
  }

  KERNEL_INLINE static Kernel kernel_for(const Tile& tile) {
    if (tile.rounded) return &GeneralKernel<V>::train;
    const int contexts = tile.contexts, outputs = tile.outputs;
    if (tile.once) {
      return Plain::fits(contexts, outputs) ? Plain::table.by_contexts[contexts] : &GeneralKernel<V>::train;
    }
    if (Counted::fits(contexts, outputs)) return Counted::table.by_contexts[contexts];
    if (TwoCounted::fits(contexts, outputs)) return TwoCounted::table.by_contexts[contexts];
    return &GeneralKernel<V>::train;
  }

  // Rows of a tile to come: its outputs and the contexts that it is the first to meet.
  KERNEL_INLINE void look_ahead(int32_t t, int windows, int outputs) {
    const int32_t next = t + tiles_ahead_;
    words_.output_places(next, outputs, work_.ahead.get());
    const int32_t context = words_.first_word(next) + params_.window;
    for (int w = 0; w < windows; ++w) work_.ahead[outputs + w] = words_.input_place(words_.id(context + w));
  }

  Tile tile_;
  SmallTile<V> small_;
  CountedTile<V> counted_;
  int tiles_ahead_;
  const int32_t repeats_;         // words that a strip may have of one kind
  const int32_t plain_contexts_;  // of a window of the usual shape
};

}  // namespace full_w2v
