// Where the rows of a tile are trained: in place, or as copies if they are locked or stored as bf16.
#pragma once

#include <cstdint>

#include "contract/draws.h"
#include "cpu/simd/level_kernels.h"
#include "cpu/tile/rounded_rows.h"

namespace full_w2v {

template <class V>
class TrainedRows {
 public:
  bool has_locks() const { return job_.locks != nullptr; }
  bool has_rounded_rows() const { return job_.input_bf16 != nullptr; }
  // Whether all rows are trained in place.
  bool trains_in_place() const { return !has_locks() && !has_rounded_rows(); }

  // Where context c of a tile is trained: in place, a locked row as a copy (release_held), and rows of bf16
  // as float32 (round_held).
  KERNEL_INLINE float* context_row(uint32_t id, int c) const {
    if (has_rounded_rows()) {
      work_.held_ids[c] = id;
      widen_row(job_.input_bf16 + id * job_.stride, job_.stride, held_row(c));
      return held_row(c);
    }
    float* const row = input_row(id);
    if (!job_.locks || job_.locks[id] == 1.0f) return row;
    float* const copy = held_row(c);
    for (int64_t k = 0; k < job_.stride; ++k) copy[k] = copy[job_.stride + k] = row[k];
    work_.held_ids[c] = id;
    return copy;
  }
  // Lets the locked rows of a trained tile take their share of what their copies learned.
  void release_held(const Tile& tile) const {
    if (!job_.locks) return;
    for (int c = 0; c < tile.contexts; ++c) {
      const float* const copy = held_row(c);
      if (tile.context[c] != copy) continue;
      float* const row = input_row(work_.held_ids[c]);
      const float share = job_.locks[work_.held_ids[c]];
      if (share == 0.0f) continue;
      for (int64_t k = 0; k < job_.stride; ++k) row[k] += share * (copy[k] - copy[job_.stride + k]);
    }
  }

  // Where output o of a tile is trained.
  KERNEL_INLINE float* tile_output_row(uint32_t id, int o) const {
    if (!has_rounded_rows()) return output_row(id);
    work_.held_output_ids[o] = id;
    widen_row(job_.output_bf16 + id * job_.stride, job_.stride, held_output(o));
    return held_output(o);
  }
  // Rounds the rows of a trained tile, whose first centre is word i, back to bf16.
  void round_held(const Tile& tile, int32_t i) const {
    if (!has_rounded_rows()) return;
    const uint64_t position = uint64_t{work_.position_high[i]} << 32 | work_.position_low[i];
    const uint32_t draw = token_draw(params_.seed, static_cast<uint32_t>(job_.epoch),
                                     static_cast<int64_t>(position), rounding_draw(params_.negative));
    for (int c = 0; c < tile.contexts; ++c) {
      const uint32_t id = work_.held_ids[c];
      round_row(held_row(c), job_.stride, rounding_key(draw, RowMatrix::input, id),
                job_.input_bf16 + id * job_.stride);
    }
    for (int o = 0; o < tile.outputs; ++o) {
      const uint32_t id = work_.held_output_ids[o];
      round_row(held_output(o), job_.stride, rounding_key(draw, RowMatrix::output, id),
                job_.output_bf16 + id * job_.stride);
    }
  }

  // Where rows are, however they are stored: to fetch them.
  KERNEL_INLINE const char* input_place(uint32_t id) const { return input_base_ + uint64_t{id} * row_bytes_; }
  KERNEL_INLINE float* input_row(uint32_t id) const { return job_.input + id * job_.stride; }
  KERNEL_INLINE float* output_row(uint32_t id) const { return job_.output + id * job_.stride; }

 protected:
  TrainedRows(const TrainJob& job, Workspace& workspace) : job_(job), params_(job.params), work_(workspace) {
    const bool rounded = has_rounded_rows();
    input_base_ =
        rounded ? reinterpret_cast<const char*>(job.input_bf16) : reinterpret_cast<const char*>(job.input);
    output_base_ =
        rounded ? reinterpret_cast<const char*>(job.output_bf16) : reinterpret_cast<const char*>(job.output);
    row_bytes_ = static_cast<uint32_t>(job.stride * (rounded ? sizeof(Bf16) : sizeof(float)));
  }

  KERNEL_INLINE static void find_rows(const uint32_t* ids, int count, const void* matrix, uint32_t row_bytes,
                                      void* rows) {
    for (int r = 0; r < count; r += V::addresses) {
      V::store_addresses(static_cast<const char**>(rows) + r, matrix, row_bytes, ids + r);
    }
  }
  KERNEL_INLINE uint32_t float_bytes() const { return static_cast<uint32_t>(job_.stride * sizeof(float)); }

  const TrainJob& job_;
  const SgnsParams& params_;
  Workspace& work_;
  const char *input_base_, *output_base_;
  uint32_t row_bytes_;

 private:
  // The copy to train, followed by the row as it was.
  KERNEL_INLINE float* held_row(int c) const { return work_.held_rows.get() + 2 * c * job_.stride; }
  KERNEL_INLINE float* held_output(int o) const { return work_.held_outputs.get() + o * job_.stride; }
};

}  // namespace full_w2v
