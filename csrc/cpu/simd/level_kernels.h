// What an instruction-set level offers. Each level is one file compiled with its own flags (level_*.cpp).
#pragma once

#include <atomic>
#include <cstdint>

#include "contract/params.h"
#include "cpu/segments.h"
#include "cpu/workspace.h"

namespace full_w2v {

// One call's constants. Rows are `stride` floats, a multiple of 16, 64-byte aligned, zero past the dimension.
struct TrainJob {
  SgnsParams params;
  CorpusView corpus;
  SamplingTables tables;
  // Tokens of words from this one on survive any draw; keep[always_kept] represents all of them.
  int32_t always_kept;
  HuffmanPaths paths;  // without any words if there is no tree
  float* input;
  float* output;
  int64_t stride;
  int32_t epoch;
  const float* locks;  // [vocabulary], the share of its change that an input row takes; null: all of it
  Bf16* input_bf16;    // the rows where they are stored as bf16 (then input and output are null), else null
  Bf16* output_bf16;
  const std::atomic<bool>* stopped;  // once it is true no further tile is trained
};

struct LevelKernels {
  const char* name;
  // Whether an objective trains with these settings.
  bool (*computes)(const SgnsParams& params);
  // Trains segments that are an unbroken stretch of the corpus of at most kChunkTokens + kSegmentTokens
  // tokens.
  SpanStats (*train)(const TrainJob& job, Workspace& workspace, Segment* segments, int count);
  // Largest number of slots that a tile of up to so many contexts and outputs can need (tile.h).
  int64_t (*most_slots)(int contexts, int outputs);
};

extern const LevelKernels kScalarKernels;
extern const LevelKernels kVector128Kernels;
#if defined(__x86_64__)
extern const LevelKernels kAvx2Kernels;
extern const LevelKernels kAvx512Kernels;
#endif

}  // namespace full_w2v
