// Trains as a GPU does that has many segments in flight at once, for staleness.py: one core, one instruction
// set (-DVECTOR=...).
//
// Time goes in ticks. In a tick each segment in flight trains one window, from output rows as they were when
// the tick began and from copies of its context rows; when all have, their changes of output rows are added,
// and of context rows those that leave. With `ring` a context row is copied when its word comes within reach
// of the segment's centre, and leaves when it is out of reach (csrc/cuda/kernels/ring.cuh); without, it is
// copied for each window anew. Copies of one word that a segment holds at once are kept equal from step to
// step (contract/README.md). A segment that ends makes room for the next one of the corpus.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "contract/draws.h"
#include "contract/steps.h"
#include "cpu/tile/general_kernel.h"
#include "cpu/tile/loss_kernel.h"
#include "cpu/workspace.h"
#if defined(__AVX512F__)
#include "cpu/simd/vector_avx512.h"
#elif defined(__AVX2__)
#include "cpu/simd/vector_avx2.h"
#endif
#include "cpu/simd/vector_128.h"
#include "cpu/simd/vector_scalar.h"

namespace full_w2v {

using V = VECTOR;

// What staleness.py passes. Rows have `stride` values, a multiple of 16, and are aligned to as many.
struct Task {
  const int32_t* ids;
  const int64_t* offsets;
  const uint32_t* keep;
  const AliasSlot* noise;
  float *input, *output;
  int64_t sentences, stride, in_flight;
  uint64_t seed;
  int32_t vocabulary, dimension, window, negative, epochs;
  int32_t shrink_windows, ring, loss;
  float alpha, min_alpha;
  int32_t step_pairs;
};

SgnsParams params_of(const Task& task) {
  SgnsParams params{};
  params.vocabulary = task.vocabulary;
  params.dimension = task.dimension;
  params.window = task.window;
  params.negative = task.negative;
  params.step_pairs = task.step_pairs;
  params.share_negatives = 1;
  params.epochs = task.epochs;
  params.shrink_windows = task.shrink_windows != 0;
  params.loss = task.loss != 0;
  params.alpha = task.alpha;
  params.min_alpha = task.min_alpha;
  params.seed = task.seed;
  return params;
}

namespace {

struct KeptWord {
  int64_t position;
  int32_t word;
};

// Kept words of one epoch, and the segments that they form.
struct KeptCorpus {
  struct Segment {
    int64_t begin, end;                    // of its own words, by place in `words`
    int64_t sentence_begin, sentence_end;  // of its sentence's
    float rate;
  };
  std::vector<KeptWord> words;
  std::vector<Segment> segments;

  KeptCorpus(const Task& task, const SgnsParams& params, int32_t epoch) {
    for (int64_t s = 0; s < task.sentences; ++s) add_sentence(task, params, epoch, s);
  }

 private:
  int64_t count() const { return static_cast<int64_t>(words.size()); }

  void add_sentence(const Task& task, const SgnsParams& params, int32_t epoch, int64_t sentence) {
    const int64_t end = task.offsets[sentence + 1], tokens = task.offsets[task.sentences];
    const int64_t words_begin = count();
    const size_t first_segment = segments.size();
    for (int64_t from = task.offsets[sentence]; from < end; from += kSegmentTokens) {
      const int64_t own = count();
      keep_words(task, params, epoch, from, from + kSegmentTokens < end ? from + kSegmentTokens : end);
      segments.push_back({own, count(), words_begin, 0, learning_rate(params, tokens, epoch, from)});
    }
    for (size_t i = first_segment; i < segments.size(); ++i) segments[i].sentence_end = count();
  }

  void keep_words(const Task& task, const SgnsParams& params, int32_t epoch, int64_t from, int64_t to) {
    for (int64_t position = from; position < to; ++position) {
      const int32_t word = task.ids[position];
      if (keeps(keep_draw(params.seed, static_cast<uint32_t>(epoch), position), task.keep[word])) {
        words.push_back({position, word});
      }
    }
  }
};

// One segment in flight: its centre, its ring, and the changes that wait for the tick's end.
class Flight {
 public:
  Flight(const Task& task, int slots, int outputs)
      : task_(&task),
        slots_(slots),
        rows_(aligned_array<float>(static_cast<size_t>((3 * slots + 3 * outputs) * task.stride))),
        words_(static_cast<size_t>(outputs)) {}

  void start(const KeptCorpus& corpus, const KeptCorpus::Segment& segment) {
    corpus_ = &corpus;
    segment_ = segment;
    centre_ = segment.begin;
    entered_ = left_ = leaving_ = greater(segment.begin - task_->window, segment.sentence_begin);
  }
  bool done() const { return centre_ >= segment_.end; }

  // Draws the centre's window, and fetches its rows into the cache for train_window().
  void prepare(const SgnsParams& params, int32_t epoch) {
    const KeptWord& centre = corpus_->words[static_cast<size_t>(centre_)];
    const auto seed_epoch = static_cast<uint32_t>(epoch);
    const int radius = window_radius(token_draw(params.seed, seed_epoch, centre.position, kWindowDraw),
                                     params.window, params.shrink_windows);
    first_ = greater(centre_ - radius, segment_.sentence_begin);
    last_ = less(centre_ + radius, segment_.sentence_end - 1);
    reach_ = task_->ring ? less(centre_ + params.window, segment_.sentence_end - 1) : last_;
    if (!task_->ring) entered_ = left_ = first_;
    draw_outputs(params, seed_epoch, centre);
    for (int o = 0; o < outputs_; ++o) fetch(output_row(o)), fetch(output(o));
    for (int64_t c = entered_; c <= reach_; ++c) fetch(input_row(c)), fetch(loaded(c));
    for (int64_t c = first_; c <= last_; ++c) fetch(current(c));
  }

  // Trains the prepared window on copies; nobody else sees a change before finish_tick().
  SpanStats train_window(const SgnsParams& params, Tile& tile) {
    while (entered_ <= reach_) enter(entered_++);
    for (int o = 0; o < outputs_; ++o) copy(output(o), output_row(o)), copy(loaded_output(o), output_row(o));
    tile.rate = segment_.rate;
    SpanStats stats = {1, 0, 0.0};
    const int block = less(params.negative, params.step_pairs);
    for (int begin = 0; begin < params.negative; begin += block) {
      const int behind = begin + block < params.negative ? begin + block : params.negative;
      choose_outputs(begin, behind, tile);
      for (int64_t at = first_; tile.outputs > 0 && choose_contexts(params, at, tile);) {
        stats += train_step(begin == 0, tile);
      }
    }
    take_differences(params);
    return stats;
  }

  // Fetches what finish_tick() needs.
  void prepare_finish() const {
    for (int o = 0; o < outputs_; ++o) fetch(output_row(o)), fetch(output(o));
    for (int64_t place = left_; place < leaving_; ++place) fetch(input_row(place)), fetch(current(place));
  }

  // Adds what this tick has changed to the rows of all.
  void finish_tick() {
    for (int o = 0; o < outputs_; ++o) add(output_row(o), output(o));
    for (; left_ < leaving_; ++left_) add(input_row(left_), current(left_));
    ++centre_;
  }

 private:
  static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }
  static int64_t less(int64_t a, int64_t b) { return a < b ? a : b; }

  int32_t word(int64_t place) const { return corpus_->words[static_cast<size_t>(place)].word; }
  float* input_row(int64_t place) const { return task_->input + word(place) * task_->stride; }
  float* output_row(int o) const { return task_->output + words_[static_cast<size_t>(o)] * task_->stride; }
  float* row(int64_t number) const { return rows_.get() + number * task_->stride; }
  float* current(int64_t place) const { return row(place % slots_ * 2); }
  float* loaded(int64_t place) const { return row(place % slots_ * 2 + 1); }
  float* output(int o) const { return row(2 * slots_ + o); }
  float* loaded_output(int o) const { return row(2 * slots_ + static_cast<int64_t>(words_.size()) + o); }
  // Where a row that this step trains is kept as it was before: context c of the tile, or output o.
  float* before_context(int c) const { return row(2 * slots_ + 2 * static_cast<int64_t>(words_.size()) + c); }
  float* before_output(int o) const { return before_context(slots_ + o); }

  // A word that is in the ring already begins with what has been learned there.
  void enter(int64_t place) {
    const float* from = input_row(place);
    for (int64_t other = left_; other < place; ++other) {
      if (word(other) == word(place)) from = current(other);
    }
    copy(current(place), from);
    copy(loaded(place), from);
  }

  void draw_outputs(const SgnsParams& params, uint32_t epoch, const KeptWord& centre) {
    words_[0] = centre.word;
    for (int n = 0; n < params.negative; ++n) {
      const uint32_t draw = token_draw(params.seed, epoch, centre.position, kFirstNegativeDraw + n);
      words_[static_cast<size_t>(1 + n)] =
          static_cast<int32_t>(draw_alias(task_->noise, static_cast<uint32_t>(params.vocabulary), draw));
    }
    outputs_ = 1 + params.negative;
    int most = 1;
    for (int n = 1; n < outputs_; ++n) {
      most = static_cast<int>(
          greater(most, std::count(words_.begin() + 1, words_.end(), words_[static_cast<size_t>(n)])));
    }
    longest_ = strip_contexts(params, most);
  }

  // The target in the first block, and those of its negatives that are not the target.
  void choose_outputs(int begin, int behind, Tile& tile) {
    chosen_.clear();
    if (begin == 0) chosen_.push_back(0);
    for (int n = begin; n < behind; ++n) {
      if (words_[static_cast<size_t>(1 + n)] != words_[0]) chosen_.push_back(1 + n);
    }
    tile.outputs = static_cast<int>(chosen_.size());
    for (int o = 0; o < tile.outputs; ++o) tile.output[o] = output(chosen_[static_cast<size_t>(o)]);
  }

  // The strip of contexts from place `at` on, which moves past it; false if none is left.
  bool choose_contexts(const SgnsParams& params, int64_t& at, Tile& tile) {
    const int repeats = strip_repeats(params, params.negative);
    strip_.clear();
    for (; at <= last_ && static_cast<int>(strip_.size()) < longest_; ++at) {
      if (at == centre_) continue;
      const auto same = [&](int64_t place) { return word(place) == word(at); };
      if (std::count_if(strip_.begin(), strip_.end(), same) == repeats) break;
      strip_.push_back(at);
    }
    tile.contexts = static_cast<int>(strip_.size());
    for (int c = 0; c < tile.contexts; ++c) tile.context[c] = current(strip_[static_cast<size_t>(c)]);
    return tile.contexts > 0;
  }

  // A copy of each row, so that each pair is trained once and what repeats adds up.
  SpanStats train_step(bool with_target, Tile& tile) const {
    const SlotLayout<V> layout{tile.contexts, tile.outputs};
    for (int slot = 0; slot < layout.slots(); ++slot) tile.positive[slot] = tile.total[slot] = 0.0f;
    for (int c = 0; c < tile.contexts; ++c) {
      if (with_target) tile.positive[layout.slot(c, 0)] = 1.0f;
      for (int o = 0; o < tile.outputs; ++o) tile.total[layout.slot(c, o)] = 1.0f;
    }
    const bool repeats = words_repeat();
    if (repeats) {
      for (int c = 0; c < tile.contexts; ++c) copy(before_context(c), tile.context[c]);
      for (int o = 0; o < tile.outputs; ++o) copy(before_output(o), tile.output[o]);
    }
    GeneralKernel<V>::train(tile);
    if (repeats) share_changes(tile);
    const double loss = task_->loss ? tile_loss<V>(tile, layout.slots()) : 0.0;
    return {0, static_cast<int64_t>(tile.contexts) * tile.outputs, loss};
  }

  // Whether a word has two copies, in the ring or among the outputs.
  bool words_repeat() const {
    for (int64_t place = left_ + 1; place < entered_; ++place) {
      for (int64_t other = left_; other < place; ++other) {
        if (word(other) == word(place)) return true;
      }
    }
    for (size_t o = 2; o < words_.size(); ++o) {
      if (std::count(words_.begin() + 1, words_.begin() + static_cast<int64_t>(o), words_[o])) return true;
    }
    return false;
  }

  // Copies of one word take each other's changes of a step, and count as theirs only their own.
  void share_changes(const Tile& tile) const {
    for (int c = 0; c < tile.contexts; ++c) make_change(before_context(c), tile.context[c]);
    for (int o = 0; o < tile.outputs; ++o) make_change(before_output(o), tile.output[o]);
    for (int c = 0; c < tile.contexts; ++c) {
      const int64_t own = strip_[static_cast<size_t>(c)];
      for (int64_t place = left_; place < entered_; ++place) {
        if (place == own || word(place) != word(own)) continue;
        add(current(place), before_context(c));
        add(loaded(place), before_context(c));
      }
    }
    for (int o = 0; o < tile.outputs; ++o) {
      const int own = chosen_[static_cast<size_t>(o)];
      for (int other = 0; other < outputs_; ++other) {
        if (other == own || words_[static_cast<size_t>(other)] != words_[static_cast<size_t>(own)]) continue;
        add(output(other), before_output(o));
        add(loaded_output(other), before_output(o));
      }
    }
  }

  // Of a row as it was, what it has changed by.
  void make_change(float* before, const float* now) const {
    for (int64_t k = 0; k < task_->stride; k += V::lanes) {
      V::store(before + k, V::sub(V::load(now + k), V::load(before + k)));
    }
  }

  // Makes changes of the trained copies: of all outputs, and of the contexts that leave.
  void take_differences(const SgnsParams& params) {
    for (int o = 0; o < outputs_; ++o) subtract(output(o), loaded_output(o));
    const bool last = centre_ + 1 == segment_.end;
    leaving_ = last || !task_->ring ? entered_ : greater(left_, centre_ - params.window + 1);
    for (int64_t place = left_; place < leaving_; ++place) subtract(current(place), loaded(place));
  }

  void fetch(const float* row) const {
    for (int64_t k = 0; k < task_->stride; k += 16) __builtin_prefetch(row + k, 1, 3);
  }
  void copy(float* to, const float* from) const {
    for (int64_t k = 0; k < task_->stride; k += V::lanes) V::store(to + k, V::load(from + k));
  }
  void add(float* to, const float* change) const {
    for (int64_t k = 0; k < task_->stride; k += V::lanes) {
      V::store(to + k, V::add(V::load(to + k), V::load(change + k)));
    }
  }
  void subtract(float* from, const float* row) const {
    for (int64_t k = 0; k < task_->stride; k += V::lanes) {
      V::store(from + k, V::sub(V::load(from + k), V::load(row + k)));
    }
  }

  const Task* task_;
  int slots_;
  AlignedArray<float> rows_;  // two copies of each row in the ring, and the outputs
  std::vector<int32_t> words_;
  const KeptCorpus* corpus_ = nullptr;
  KeptCorpus::Segment segment_{};
  int64_t centre_ = 0, entered_ = 0, left_ = 0, leaving_ = 0;
  int64_t first_ = 0, last_ = 0, reach_ = 0;  // of the prepared window: its contexts, and what enters
  int outputs_ = 0, longest_ = 0;             // and the contexts of a strip
  std::vector<int> chosen_;                   // of a step: its outputs, and the places of its contexts
  std::vector<int64_t> strip_;
};

// Room for the pairs of any tile: a smaller one may be padded more.
int64_t most_slots(const SgnsParams& params) {
  int most = 0;
  for (int contexts = 1; contexts <= 2 * params.window; ++contexts) {
    for (int outputs = 1; outputs <= params.negative + 1; ++outputs) {
      const int slots = SlotLayout<V>{contexts, outputs}.slots() + V::lanes;
      if (slots > most) most = slots;
    }
  }
  return most;
}

// Calls second(i) for i = 0 ... count - 1, and first(i) a few calls before.
template <class First, class Second>
void ahead(size_t count, const First& first, const Second& second) {
  constexpr size_t kAhead = 3;
  for (size_t i = 0; i < count + kAhead; ++i) {
    if (i < count) first(i);
    if (i >= kAhead) second(i - kAhead);
  }
}

// Starts segments until `flight` has a window to train; false if none is left.
bool take_off(Flight& flight, const KeptCorpus& corpus, size_t& next) {
  while (flight.done()) {
    if (next == corpus.segments.size()) return false;
    flight.start(corpus, corpus.segments[next++]);
  }
  return true;
}

}  // namespace
}  // namespace full_w2v

using namespace full_w2v;

// Trains an epoch of the task's corpus; what it did in `stats`.
extern "C" void train_stale(const Task* task, int32_t epoch, SpanStats* stats) {
  const SgnsParams params = params_of(*task);
  const KeptCorpus corpus(*task, params, epoch);
  Workspace work(params, most_slots(params), task->stride);
  Tile tile = work.tile<V>(task->stride, params.loss);
  const auto segments = static_cast<int64_t>(corpus.segments.size());
  std::vector<Flight> flights;
  for (int64_t i = 0; i < task->in_flight && i < segments; ++i) {
    flights.emplace_back(*task, 2 * params.window + 1, params.negative + 1);
  }
  size_t next = 0, flying = flights.size();
  *stats = {};
  while (true) {
    for (size_t i = 0; i < flying;) {
      if (take_off(flights[i], corpus, next)) {
        ++i;
      } else {
        std::swap(flights[i], flights[--flying]);
      }
    }
    if (flying == 0) return;
    ahead(
        flying, [&](size_t i) { flights[i].prepare(params, epoch); },
        [&](size_t i) { *stats += flights[i].train_window(params, tile); });
    ahead(
        flying, [&](size_t i) { flights[i].prepare_finish(); }, [&](size_t i) { flights[i].finish_tick(); });
  }
}
