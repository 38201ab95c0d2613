// The words of a chunk of the corpus that survive subsampling, with their windows and draws.
#pragma once

#include <cstdint>

#include "contract/draws.h"
#include "cpu/draw_kernel.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/trained_rows.h"

namespace full_w2v {

template <class V>
class SampledWords : public TrainedRows<V> {
  using Rows = TrainedRows<V>;
  using Rows::job_, Rows::params_, Rows::work_, Rows::find_rows, Rows::float_bytes;

 public:
  static_assert(V::lanes <= kMostLanes, "room for the draws of whole vectors");

  // With windows up to this radius repeated words are searched for, a vector at a time. In larger ones some
  // word nearly always repeats: all are counted.
  static constexpr int kSearchedWindow = 16;

  SampledWords(const TrainJob& job, Workspace& workspace) : Rows(job, workspace) {}

  // Subsamples the segments, which are in one piece, and draws for every kept word and every tile.
  void find(Segment* segments, int count) {
    subsample(segments, count);
    find_tiles(segments, count);
    draw();
  }

  // Calls train(segment, t, first) for each tile t in turn, the windows of words first ... first + K - 1 of
  // the segment as far as it has them, with the segment's rate in `tile`. Ends early when the job is stopped.
  template <class Train>
  void for_each_tile(const Segment* segments, int count, Tile& tile, const Train& train) const {
    int32_t t = 0;
    tile.stopped = job_.stopped;
    for (int s = 0; s < count; ++s) {
      const Segment& segment = segments[s];
      tile.rate = learning_rate(params_, job_.corpus.tokens(), job_.epoch, segment.begin);
      for (int32_t i = segment.first; i < segment.last; i += params_.share_negatives) {
        if (tile.is_stopped()) return;
        train(segment, t++, i);
      }
    }
  }

  // How many words back each word came before, if that is within the words that may be in one tile, else 0.
  // Then, of words low ... high - 1 of a tile, latest_repeat[high - 1] is at least low if one comes twice,
  // and latest_crowd[high - 1] if one comes more than `most` times, 1 at least.
  void find_repeated_words(int32_t most) {
    uint32_t* const words_back = work_.words_back.get();
    int32_t* const latest = work_.latest_repeat.get();
    int32_t* const latest_crowd = work_.latest_crowd.get();
    const int32_t reach = least(2 * params_.window + params_.share_negatives, longest_) - 1;
    int32_t repeat = -1, crowd = -1;
    for (int32_t i = first_known_; i < last_known_; i += V::lanes) {
      V::store_words(words_back + i, search_back(i, reach));
      for (int32_t at = i; at < i + V::lanes; ++at) {
        const auto back = static_cast<int32_t>(words_back[at]);
        if (back) {
          repeat = at - back > repeat ? at - back : repeat;
          crowd = crowd_before(words_back, at - back, most, crowd);
        }
        latest[at] = repeat;
        latest_crowd[at] = crowd;
      }
    }
    repeats_are_known_ = true;
  }

  // A shorter search, for latest_crowd alone: if a word comes more than `most` times, two equal
  // ones are near each other. Others may be taken for crowded too.
  void find_possible_crowds(int32_t most) {
    uint32_t* const words_back = work_.words_back.get();
    int32_t* const latest_crowd = work_.latest_crowd.get();
    const int32_t near = least(2 * params_.window, longest_ - 1) / most;
    int32_t crowd = -1;
    for (int32_t i = first_known_; i < last_known_; i += V::lanes) {
      V::store_words(words_back + i, search_back(i, near));
      for (int32_t at = i; at < i + V::lanes; ++at) {
        const auto back = static_cast<int32_t>(words_back[at]);
        crowd = back && at - back > crowd ? at - back : crowd;
        latest_crowd[at] = crowd;
      }
    }
  }

  // Kept words, from work.margin on, with those of the same sentences before and after around them.
  int64_t count() const { return last_ - work_.margin; }
  int32_t tiles() const { return tiles_; }
  // Whether find_repeated_words pays.
  bool repeats_can_be_found() const { return params_.window <= kSearchedWindow; }
  // Whether distinct_words and words_back can tell.
  bool repeats_are_known() const { return repeats_are_known_; }

  KERNEL_INLINE uint32_t id(int32_t i) const { return work_.ids[i]; }
  // First word of the window of word i, and the one behind its last.
  KERNEL_INLINE int32_t window_low(const Segment& segment, int32_t i) const {
    const int32_t low = i - static_cast<int32_t>(work_.radius[i]);
    return low < segment.low ? segment.low : low;
  }
  KERNEL_INLINE int32_t window_high(const Segment& segment, int32_t i) const {
    const int32_t high = i + static_cast<int32_t>(work_.radius[i]) + 1;
    return high > segment.high ? segment.high : high;
  }
  template <class Use>
  KERNEL_INLINE void for_each_context(const Segment& segment, int32_t i, const Use& use) const {
    const int32_t low = window_low(segment, i), high = window_high(segment, i);
    for (int32_t at = low; at < high; ++at) {
      if (at != i) use(work_.ids[at]);
    }
  }
  // Index of the first word of tile t, or of one of the coming tiles that the margin has room for.
  KERNEL_INLINE int32_t first_word(int32_t t) const { return work_.first_words[t]; }
  // Outputs of tile t: the ids of its K words, then the negatives of the first of them.
  KERNEL_INLINE const uint32_t* outputs(int32_t t) const {
    return &work_.output_ids[int64_t{t} * work_.tile_outputs];
  }
  // Whether one of them comes twice.
  KERNEL_INLINE bool repeats_output(int32_t t) const { return work_.repeats[t] != 0; }
  // How often the most frequent one is among the negatives of tile t.
  int32_t most_drawn(int32_t t) const {
    const uint32_t* const negatives = outputs(t) + params_.share_negatives;
    int32_t most = 1;
    for (int n = 0; n < params_.negative; ++n) {
      int32_t times = 0;
      for (int other = 0; other < params_.negative; ++other) times += negatives[other] == negatives[n];
      most = times > most ? times : most;
    }
    return most;
  }
  // Whether words low ... high - 1, at most 2 W + K of them, are all different.
  KERNEL_INLINE bool distinct_words(int32_t low, int32_t high) const {
    return work_.latest_repeat[high - 1] < low;
  }
  // Whether one of words low ... high - 1, at most 2 W + K of them, is among them more often than was asked
  // for.
  KERNEL_INLINE bool crowded(int32_t low, int32_t high) const { return work_.latest_crowd[high - 1] >= low; }
  // How many words back word i came before in what may be the same tile; 0 if it did not.
  KERNEL_INLINE int32_t words_back(int32_t i) const { return static_cast<int32_t>(work_.words_back[i]); }

  // Of the first `count` outputs of tile t. Whole vectors of addresses are written, here and below.
  KERNEL_INLINE void output_places(int32_t t, int count, const char** places) const {
    find_rows(outputs(t), count, this->output_base_, this->row_bytes_, places);
  }

  // Input rows of `count` words from `first` on, past the chunk's last one too: a fixed count costs less than
  // an exact one that the processor does not foresee.
  KERNEL_INLINE void input_rows(int32_t first, int count, float** rows) const {
    find_rows(&work_.ids[first], count, job_.input, float_bytes(), rows);
  }
  // The same for the window low ... high - 1 of word i, its last word in the centre's place: then its
  // contexts come first.
  KERNEL_INLINE void context_rows(int32_t low, int32_t i, int32_t high, int count, float** rows) const {
    input_rows(low, count, rows);
    rows[i - low] = rows[high - 1 - low];
  }
  // Rows of the first `count` outputs of tile t.
  KERNEL_INLINE void output_rows(int32_t t, int count, float** rows) const {
    find_rows(outputs(t), count, job_.output, float_bytes(), rows);
  }

 private:
  // By lane, how many words back words i, i + 1, ... came before, at most `reach`; 0 if they did not.
  KERNEL_INLINE typename V::Word search_back(int32_t i, int32_t reach) const {
    const uint32_t* const ids = work_.ids.get();
    const typename V::Word words = V::load_words(ids + i);
    typename V::Word found = V::broadcast_word(0);
    // Ids before the first known word are arbitrary: what repeats them is in no window.
    for (int32_t back = reach; back >= 1; --back) {
      const auto mark = V::broadcast_word(static_cast<uint32_t>(back));
      found = V::mark_equal(found, words, V::load_words(ids + i - back), mark);
    }
    return found;
  }

  // The place of a word `most` - 1 times before the one at `at`, if that is behind `crowd`, else `crowd`.
  KERNEL_INLINE int32_t crowd_before(const uint32_t* words_back, int32_t at, int32_t most,
                                     int32_t crowd) const {
    for (; most > 1; --most) {
      if (at <= crowd || at < first_known_ || words_back[at] == 0) return crowd;
      at -= static_cast<int32_t>(words_back[at]);
    }
    return at > crowd ? at : crowd;
  }

  KERNEL_INLINE static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

  void subsample(Segment* segments, int count) {
    const int64_t begin = segments[0].begin, end = segments[count - 1].end;
    draw_keep_words<V>(params_.seed, job_.epoch, begin, end, work_.keep_words.get());
    const uint32_t* const words = work_.keep_words.get() - (begin & ~int64_t{3});
    last_ = work_.margin;
    for (int s = 0; s < count; ++s) {
      Segment& segment = segments[s];
      segment.first = last_;
      last_ = keep_tokens(segment, words, last_);
      segment.last = last_;
    }
    first_known_ = before(segments[0]);
    last_known_ = after(segments[count - 1]);
    find_bounds(segments, count);
  }

  // Puts the tokens of a segment that are kept at `index` and after; returns the index behind the last. All
  // it needs is in local variables: the stores might change any other.
  int32_t keep_tokens(const Segment& segment, const uint32_t* words, int32_t index) {
    const int32_t* const corpus = job_.corpus.ids;
    const uint32_t* const keep = job_.tables.keep;
    const int32_t kept = job_.always_kept;
    uint32_t* const ids = work_.ids.get();
    uint32_t* const low = work_.position_low.get();
    uint32_t* const high = work_.position_high.get();
    for (int64_t at = segment.begin, end = segment.end; at < end; ++at) {
      const int32_t id = corpus[at];
      ids[index] = static_cast<uint32_t>(id);
      low[index] = static_cast<uint32_t>(at);
      high[index] = static_cast<uint32_t>(static_cast<uint64_t>(at) >> 32);
      index += keeps(words[at], keep[id < kept ? id : kept]);
    }
    return index;
  }

  KERNEL_INLINE void put(int32_t index, int32_t id, int64_t position) {
    const auto bits = static_cast<uint64_t>(position);
    work_.ids[index] = static_cast<uint32_t>(id);
    work_.position_low[index] = static_cast<uint32_t>(bits);
    work_.position_high[index] = static_cast<uint32_t>(bits >> 32);
  }

  bool keeps_token(int64_t position) const {
    const int32_t id = job_.corpus.ids[position];
    return id >= job_.always_kept ||
           keeps(keep_draw(params_.seed, job_.epoch, position), job_.tables.keep[id]);
  }

  // Puts the last words kept before the first segment in its sentence; returns the index of the first of
  // them.
  int32_t before(const Segment& segment) {
    int32_t low = work_.margin;
    for (int64_t at = segment.begin - 1; at >= segment.sentence_begin; --at) {
      if (low == work_.margin - params_.window) break;
      if (keeps_token(at)) put(--low, job_.corpus.ids[at], at);
    }
    return low;
  }

  // Puts the first words kept behind the last segment in its sentence; returns the index behind them.
  int32_t after(const Segment& segment) {
    int32_t high = last_;
    for (int64_t at = segment.end; at < segment.sentence_end && high < last_ + params_.window; ++at) {
      if (keeps_token(at)) put(high++, job_.corpus.ids[at], at);
    }
    return high;
  }

  // low and high of every segment: the kept words of its sentence that are at hand; and the most of one
  // sentence.
  void find_bounds(Segment* segments, int count) {
    int32_t low = first_known_, high = last_known_;
    for (int s = 0; s < count; ++s) {
      if (segments[s].begin == segments[s].sentence_begin) low = segments[s].first;
      segments[s].low = low;
    }
    for (int s = count - 1; s >= 0; --s) {
      if (segments[s].end == segments[s].sentence_end) high = segments[s].last;
      segments[s].high = high;
    }
    longest_ = 1;
    for (int s = 0; s < count; ++s) {
      const int32_t words = segments[s].high - segments[s].low;
      longest_ = words > longest_ ? words : longest_;
    }
  }

  // The first word of every tile, in the order of for_each_tile, and of as many behind the last as are looked
  // at ahead of it.
  void find_tiles(const Segment* segments, int count) {
    // Whole vectors are drawn, and rows ahead of the last word are fetched: both must see valid ids.
    for (int32_t i = last_known_; i < last_ + work_.margin; ++i) put(i, 0, 0);
    tiles_ = 0;
    for (int s = 0; s < count; ++s) {
      for (int32_t i = segments[s].first; i < segments[s].last; i += params_.share_negatives) {
        work_.first_words[tiles_++] = i;
      }
    }
    for (int32_t t = tiles_; t < tiles_ + kVectorRoom; ++t) work_.first_words[t] = last_;
  }

  // The radius of every kept word, the outputs of every tile, and whether one of these repeats.
  void draw() {
    const auto epoch = static_cast<uint32_t>(job_.epoch);
    if (params_.share_negatives > 1) {
      for (int32_t i = work_.margin; i < last_; i += V::lanes) {
        draw_radii<V>(params_, epoch, &work_.position_low[i], &work_.position_high[i], &work_.radius[i]);
      }
    }
    // In two steps: the processor then waits for slots of several vectors' negatives at once.
    constexpr int32_t together = kVectorsDrawn * V::lanes;
    for (int32_t from = 0; from < tiles_; from += together) {
      const int32_t behind = from + together < tiles_ ? from + together : tiles_;
      uint32_t* columns = work_.output_columns.get();
      const int size = work_.tile_outputs * V::lanes;
      for (int32_t t = from; t < behind; t += V::lanes, columns += size) draw_outputs(t, epoch, columns);
      columns = work_.output_columns.get();
      for (int32_t t = from; t < behind; t += V::lanes, columns += size) pick_outputs(t, columns);
    }
  }

  // The ids of the words of tiles t ... t + lanes - 1 and the draws of their negatives, a vector for each;
  // and their radii where every word has a tile.
  KERNEL_INLINE void draw_outputs(int32_t t, uint32_t epoch, uint32_t* columns) {
    const int windows = params_.share_negatives;
    uint32_t* const draws = columns + windows * V::lanes;
    if (windows == 1) {
      const int32_t first = work_.first_words[t];
      V::store_words(columns, V::load_words(&work_.ids[first]));
      return draw_negatives<V>(params_, epoch, &work_.position_low[first], &work_.position_high[first],
                               &work_.radius[first], draws);
    }
    uint32_t low[V::lanes], high[V::lanes];
    for (int lane = 0; lane < V::lanes; ++lane) {
      const int32_t first = work_.first_words[t + lane];
      low[lane] = work_.position_low[first];
      high[lane] = work_.position_high[first];
      for (int w = 0; w < windows; ++w) columns[w * V::lanes + lane] = work_.ids[first + w];
    }
    draw_negatives<V>(params_, epoch, low, high, nullptr, draws);
  }

  // From the draws of these tiles to the outputs of each of them.
  KERNEL_INLINE void pick_outputs(int32_t t, uint32_t* columns) {
    const int outputs = work_.tile_outputs;
    V::store_words(&work_.repeats[t],
                   pick_negatives<V>(params_, job_.tables.noise, params_.share_negatives, columns));
    // From the last columns to the first: what is written past a row's end, the next row's beginning
    // replaces. Past the last row come outputs of an earlier group or zeros: ids, which may be looked ahead
    // at.
    uint32_t* const rows = &work_.output_ids[int64_t{t} * outputs];
    for (int o = (outputs - 1) / kTransposed * kTransposed; o >= 0; o -= kTransposed) {
      V::store_rows(rows + o, outputs, columns + o * V::lanes);
    }
  }

  int32_t last_ = 0;  // behind the chunk's last kept word
  int32_t tiles_ = 0;
  bool repeats_are_known_ = false;
  int32_t longest_ = 1;                       // words of one sentence that are at hand
  int32_t first_known_ = 0, last_known_ = 0;  // with the words of its first and last sentence around it
};

}  // namespace full_w2v
