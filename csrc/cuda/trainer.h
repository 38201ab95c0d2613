// Trains on one CUDA device: owns the matrices and tables there, feeds the kernels, reads results back.
//
// Kernels run on one stream, copies on another. A launch's segments, and its part of the corpus if the corpus
// does not stay on the device, go through one of two slots of page-locked and device memory: while one slot
// is trained, the other one is filled and copied.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "contract/params.h"
#include "contract/steps.h"
#include "cuda/buffers.h"
#include "cuda/kernels.h"
#include "cuda/segments.h"

namespace full_w2v {

struct TrainerOptions {
  int device = 0;
  std::string kernel = "auto";
  cudaStream_t stream = nullptr;  // to train on; null makes one
  int64_t corpus_bytes =
      -1;  // device memory for ids: a corpus that needs more is streamed; -1 takes what is free
  int64_t blocks =
      std::numeric_limits<int32_t>::max();  // of a launch at most: segments in flight; 1 trains in order
  int64_t launch_segments = 32768;
  int64_t launch_tokens = int64_t{1} << 22;  // of a launch when the corpus is streamed
};

// A matrix on the device, for libraries that can use it there.
struct DeviceMatrix {
  uintptr_t data;
  int64_t rows, columns, stride;  // in values
};

// A piece of device memory and what it is for.
struct MemoryUse {
  std::string name;
  uintptr_t address;
  int64_t bytes;
};

// The kernel that a trainer with these settings would take. Throws as its constructor.
KernelChoice choose_kernel_on(int device, const std::string& kernel, const SgnsParams& params);

class Trainer {
 public:
  // Throws std::invalid_argument for settings that no kernel takes, CudaError if the device cannot be used.
  Trainer(const SgnsParams& params, const TrainerOptions& options);
  ~Trainer();

  // Takes the matrices, float [vocabulary, dimension] without gaps, and the tables.
  void load(const float* input, const float* output, const uint32_t* keep, const AliasSlot* noise);
  // Chooses the corpus of the next train() calls, whose ids must be valid; its arrays must stay as they are
  // until the next bind(). No launch has more than `in_flight` segments in flight at once.
  void bind(const CorpusView& corpus, int64_t in_flight = std::numeric_limits<int32_t>::max());
  // Trains every segment of the bound corpus that begins at a token in begin ... end - 1.
  SpanStats train(int64_t begin, int64_t end, int32_t epoch);
  // Copies the matrices back. Waits for the device first: after a fault nothing is written.
  void read(float* input, float* output);

  const SgnsParams& params() const { return params_; }
  const KernelChoice& choice() const { return choice_; }
  bool corpus_is_resident() const { return resident_; }
  // The matrices, whose rows must be float32.
  DeviceMatrix input() const { return matrix(input_); }
  DeviceMatrix output() const { return matrix(output_); }
  std::vector<MemoryUse> memory() const;

 private:
  struct Slot {
    PinnedBuffer<Segment> host_segments;
    DeviceBuffer<Segment> segments;
    PinnedBuffer<int32_t> host_ids;
    DeviceBuffer<int32_t> ids;
    Event copied, trained;
  };
  // Tokens that a launch touches.
  struct Range {
    int64_t first, end;
  };

  bool rounds() const { return params_.row_precision == RowPrecision::bf16; }
  void require_memory() const;
  // Copies one matrix in or out.
  void load_exact(DeviceBuffer<float>& matrix, const float* host);
  void read_exact(const DeviceBuffer<float>& matrix, float* host);
  void load_rounded(DeviceBuffer<Bf16>& matrix, const float* host);
  void read_widened(const DeviceBuffer<Bf16>& matrix, float* host);
  DeviceMatrix matrix(const DeviceBuffer<float>& buffer) const;
  int64_t collect(SegmentCutter& cutter, Slot& slot) const;
  Range touched(Segment* segments, int64_t count, int32_t epoch) const;
  void copy_slot(Slot& slot, int64_t count, const Range& range);
  void launch(const Slot& slot, int64_t count, const Range& range, int32_t epoch);

  const SgnsParams params_;
  const TrainerOptions options_;
  const int64_t stride_;
  KernelChoice choice_;
  Stream copy_stream_;
  std::optional<Stream> own_stream_;
  cudaStream_t stream_;
  DeviceBuffer<float> input_, output_, scratch_;
  DeviceBuffer<Bf16> input_bf16_, output_bf16_;  // instead of both if rows are bf16
  DeviceBuffer<uint32_t> keep_;
  DeviceBuffer<AliasSlot> noise_;
  DeviceBuffer<Totals> totals_;
  std::vector<uint32_t> host_keep_;
  CorpusView corpus_{};
  int64_t in_flight_ = 0;
  DeviceBuffer<int32_t> corpus_ids_;
  bool resident_ = false;
  Slot slots_[2];
  uint64_t launches_ = 0;
};

}  // namespace full_w2v
