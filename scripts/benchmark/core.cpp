// Parts of the CPU engine on their own, for core.py: one core, one instruction set (-DVECTOR=...).
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "contract/steps.h"
#include "cpu/sampled_words.h"
#include "cpu/segments.h"
#include "cpu/tile/fixed_kernel.h"
#if defined(__AVX512F__)
#include "cpu/simd/vector_avx512.h"
#elif defined(__AVX2__)
#include "cpu/simd/vector_avx2.h"
#endif
#include "cpu/simd/vector_128.h"
#include "cpu/simd/vector_scalar.h"

namespace full_w2v {
namespace {

using V = VECTOR;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

constexpr int kOutputs = 6, kContexts = 6, kWordsAhead = 3;

// Calls use(words) for every chunk of the corpus.
template <class Use>
void for_each_chunk(const TrainJob& job, Workspace& work, const Use& use) {
  std::vector<Segment> segments;
  const int64_t tokens = job.corpus.tokens();
  for (int64_t from = 0; from < tokens; from += kChunkTokens) {
    find_segments(job.corpus, from, from + kChunkTokens < tokens ? from + kChunkTokens : tokens, segments);
    if (segments.empty()) continue;
    SampledWords<V> words(job, work);
    words.find(segments.data(), static_cast<int>(segments.size()));
    words.find_repeated_words(strip_repeats(job.params, job.params.negative));
    use(words);
  }
}

void prefetch_row(const float* row, int64_t stride) {
  for (int64_t at = 0; at < stride; at += 16) __builtin_prefetch(row + at, 0, 3);
}

void touch_row(float* row, int64_t stride) {
  for (int64_t at = 0; at < stride; at += V::lanes) {
    V::store(row + at, V::add(V::load(row + at), V::broadcast(0.0f)));
  }
}

}  // namespace

extern "C" {

// Multiply-adds a second on registers alone, in FLOP/s.
double peak_flops() {
  constexpr int chains = 12;  // two units of latency four need eight
  constexpr int64_t rounds = 20'000'000;
  V::Float sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = V::broadcast(static_cast<float>(i));
  const V::Float factor = V::broadcast(0.999f), term = V::broadcast(1e-4f);
  const auto began = Clock::now();
  for (int64_t round = 0; round < rounds; ++round) {
    UNROLL for (int i = 0; i < chains; ++i) sum[i] = V::fma(sum[i], factor, term);
  }
  const double seconds = seconds_since(began);
  for (int i = 1; i < chains; ++i) sum[0] = V::add(sum[0], sum[i]);
  alignas(64) float used[V::lanes];
  V::store(used, sum[0]);
  __asm__ volatile("" ::"r"(used) : "memory");  // or the compiler would drop the loop
  return 2.0 * chains * V::lanes * rounds / seconds;
}

// What core.py passes: a corpus, its tables, and the settings that matter to these parts.
struct Task {
  const int32_t* ids;
  const int64_t* offsets;
  const uint32_t* keep;
  const AliasSlot* noise;
  int64_t sentences;
  int32_t vocabulary, dimension, window;
};

// Seconds to subsample and draw for all words, and for the traffic of their rows alone: every window's six
// outputs and the context that it is the first to meet, each read and written once, fetched ahead. Returns
// the words kept.
int64_t words_and_rows(const Task* task, double* words_seconds, double* rows_seconds) {
  const int64_t stride = (task->dimension + 15) / 16 * 16;
  const AlignedArray<float> input = aligned_array<float>(task->vocabulary * stride);
  const AlignedArray<float> output = aligned_array<float>(task->vocabulary * stride);
  SgnsParams params{};
  params.vocabulary = task->vocabulary;
  params.dimension = task->dimension;
  params.window = task->window;
  params.negative = kOutputs - 1;
  params.drawn_window = params.window;
  params.step_pairs = 20;
  params.share_negatives = params.epochs = 1;
  params.shrink_windows = true;
  const std::atomic<bool> stopped{false};
  const TrainJob job{params,
                     {task->ids, task->offsets, task->sentences},
                     {task->keep, task->noise},
                     first_always_kept(task->keep, task->vocabulary),
                     {},
                     input.get(),
                     output.get(),
                     stride,
                     0,
                     nullptr,
                     nullptr,
                     nullptr,
                     &stopped};
  Workspace work(params, V::lanes, stride);
  int64_t kept = 0;
  auto began = Clock::now();
  for_each_chunk(job, work, [&](const SampledWords<V>& words) { kept += words.count(); });
  *words_seconds = seconds_since(began);
  began = Clock::now();
  for_each_chunk(job, work, [&](const SampledWords<V>& words) {
    for (int32_t t = 0; t < words.tiles(); ++t) {
      const uint32_t* const ahead = words.outputs(t + kWordsAhead);
      const uint32_t* const ids = words.outputs(t);
      const int32_t next = words.first_word(t) + params.window;
      for (int o = 0; o < kOutputs; ++o) prefetch_row(words.output_row(ahead[o]), stride);
      prefetch_row(words.input_row(words.id(next + kWordsAhead)), stride);
      for (int o = 0; o < kOutputs; ++o) touch_row(words.output_row(ids[o]), stride);
      touch_row(words.input_row(words.id(next)), stride);
    }
  });
  *rows_seconds = seconds_since(began) - *words_seconds;
  return kept;
}

// Seconds a window of six contexts and six outputs, with all rows in the cache next to the core: scores with
// their gradients, and the whole tile.
void tile_seconds(int64_t stride, double* score, double* whole) {
  constexpr int64_t rounds = 200'000;
  using Kernel = FixedKernel<V, kContexts, kOutputs>;
  const AlignedArray<float> rows = aligned_array<float>((kContexts + kOutputs) * stride);
  const AlignedArray<float> gradients = aligned_array<float>(Kernel::slots);
  float* context[kContexts];
  float* output[kOutputs];
  const char* ahead[kOutputs + 1];
  for (int c = 0; c < kContexts; ++c) context[c] = rows.get() + c * stride;
  for (int o = 0; o < kOutputs; ++o) output[o] = rows.get() + (kContexts + o) * stride;
  for (const char*& row : ahead) row = reinterpret_cast<const char*>(rows.get());
  Tile tile{};
  tile.contexts = kContexts;
  tile.outputs = kOutputs;
  tile.vectors = static_cast<int>(stride / V::lanes);
  tile.rate = 0.01f;
  tile.context = context;
  tile.output = output;
  tile.gradients = gradients.get();
  tile.ahead = ahead;
  auto began = Clock::now();
  for (int64_t round = 0; round < rounds; ++round) {
    Kernel::find_gradients<Pairs::once>(tile);
    __asm__ volatile("" ::: "memory");
  }
  *score = seconds_since(began) / rounds;
  began = Clock::now();
  for (int64_t round = 0; round < rounds; ++round) Kernel::train<Pairs::once>(tile);
  *whole = seconds_since(began) / rounds;
}
}

}  // namespace full_w2v
