#include "cpu/workspace.h"

#include <algorithm>

#include "cpu/simd/vector.h"

namespace full_w2v {
namespace {

int64_t power_of_two_above(int64_t count) {
  int64_t power = 16;
  while (power < count) power *= 2;
  return power;
}

IdTable id_table(AlignedArray<IdTable::Entry>& entries, int64_t ids) {
  const int64_t size = power_of_two_above(4 * ids);
  entries = aligned_array<IdTable::Entry>(size);
  return {entries.get(), static_cast<uint32_t>(size - 1), 0};
}

}  // namespace

Workspace::Workspace(const SgnsParams& params, int64_t slots, int64_t stride)
    : margin(2 * params.window + 2 * params.share_negatives + kVectorRoom),
      negatives(params.negative),
      tile_outputs(params.share_negatives + params.negative) {
  const int64_t tokens = kChunkTokens + kSegmentTokens;
  const int64_t kept = tokens + 2 * margin;
  keep_words = aligned_array<uint32_t>(tokens + 2 * kVectorRoom);
  ids = aligned_array<uint32_t>(kept);
  position_low = aligned_array<uint32_t>(kept);
  position_high = aligned_array<uint32_t>(kept);
  radius = aligned_array<uint32_t>(kept);
  words_back = aligned_array<uint32_t>(kept);
  latest_repeat = aligned_array<int32_t>(kept);
  latest_crowd = aligned_array<int32_t>(kept);
  const int64_t tiles = tokens + kVectorRoom;  // each may be of one word, however many share negatives
  first_words = aligned_array<int32_t>(tiles);
  output_ids = aligned_array<uint32_t>(tiles * tile_outputs + kVectorRoom);
  repeats = aligned_array<uint32_t>(tiles);
  output_columns =
      aligned_array<uint32_t>(kMostLanes * (kVectorsDrawn * int64_t{tile_outputs} + kTransposed));

  most_contexts = 2 * params.window + params.share_negatives;
  most_outputs = tile_outputs + params.longest_path;
  context = aligned_array<float*>(most_contexts + kVectorRoom);
  output = aligned_array<float*>(most_outputs + kVectorRoom);
  ahead = aligned_array<const char*>(most_outputs + params.share_negatives + kVectorRoom);
  old_output = aligned_array<float*>(most_outputs);
  old_output_rows = aligned_array<float>(most_outputs * stride);
  for (int o = 0; o < most_outputs; ++o) old_output[o] = old_output_rows.get() + o * stride;
  output_slots = aligned_array<OutputSlots>(most_outputs);
  further = aligned_array<FurtherOutput>(most_outputs);
  window_target = aligned_array<int32_t>(params.share_negatives);
  local_output = aligned_array<int32_t>(most_outputs);
  met = aligned_array<Meetings>(most_outputs);
  // A strip of skip-gram has step_pairs contexts at most; CBOW looks at a whole window.
  const int64_t windows = 2 * int64_t{params.window} * params.share_negatives;
  const int64_t strip =
      params.architecture == Architecture::cbow ? windows : std::min<int64_t>(params.step_pairs, windows);
  step_context = aligned_array<float*>(strip + kVectorRoom);
  step_output = aligned_array<float*>(most_outputs + kVectorRoom);
  context_words = aligned_array<int32_t>(strip);
  occurrence = aligned_array<Occurrence>(strip);
  for (auto* slot_array : {&positive, &total, &scores, &gradients}) *slot_array = aligned_array<float>(slots);
  old_context = aligned_array<float>(most_contexts * int64_t{kVectorRoom});
  words_in_window = aligned_array<float>(kMostSmallWindows * int64_t{most_contexts});
  trained_in_window = aligned_array<float>(kMostSmallWindows * (int64_t{most_outputs} + kBlockFloats));
  row_ids = aligned_array<uint32_t>(tile_outputs);
  row_of_word = aligned_array<int32_t>(most_contexts);
  if (params.score_precision == ScorePrecision::tf32) {
    const int rows = kMostBand + most_outputs;
    rounded = aligned_array<float*>(rows);
    rounded_rows = aligned_array<float>(rows * stride);
    for (int r = 0; r < rows; ++r) rounded[r] = rounded_rows.get() + r * stride;
  }
  hidden = aligned_array<float>(params.dimension + kVectorRoom);
  sums = aligned_array<float>((most_outputs + kVectorRoom) * int64_t{kVectorRoom});
  context_table = id_table(context_entries, most_contexts);
  output_table = id_table(output_entries, most_outputs);
  strip_table = id_table(strip_entries, std::min<int64_t>(strip, most_contexts));
}

void Workspace::hold_rows(int64_t stride) {
  held_rows = aligned_array<float>(2 * most_contexts * stride);
  held_ids = aligned_array<uint32_t>(most_contexts);
}

void Workspace::hold_outputs(int64_t stride) {
  held_outputs = aligned_array<float>(most_outputs * stride);
  held_output_ids = aligned_array<uint32_t>(most_outputs);
}

}  // namespace full_w2v
