#include "cpu/cpu_trainer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "cpu/pinned_thread.h"
#include "cpu/simd.h"
#include "sgns/draws.h"

namespace full_w2v {
namespace {

// Rows are whole cache lines, so that no vector and no prefetch straddles two.
int64_t padded(int32_t dimension) { return (int64_t{dimension} + 15) / 16 * 16; }

void copy_rows(const float* from, int64_t from_stride, float* to, int64_t to_stride,
               const SgnsParams& params) {
  for (int64_t row = 0; row < params.vocabulary; ++row) {
    std::memcpy(to + row * to_stride, from + row * from_stride, sizeof(float) * params.dimension);
  }
}

// Calls place(from, to) for every value of a matrix with gaps behind its rows.
template <class From, class To, class Place>
void for_each_value(From* from, int64_t from_stride, To* to, int64_t to_stride, const SgnsParams& params,
                    const Place& place) {
  for (int64_t row = 0; row < params.vocabulary; ++row) {
    for (int64_t k = 0; k < params.dimension; ++k)
      place(from[row * from_stride + k], to[row * to_stride + k]);
  }
}

// Calls work(0) ... work(threads - 1) at once and returns when all have; the first exception is thrown again.
// A thread that the system refuses to start is done without: the others take its share from the queue.
template <class Work>
void share_work(size_t threads, const Work& work) {
  std::vector<std::exception_ptr> errors(threads);
  const auto guarded = [&](size_t thread) {
    try {
      work(thread);
    } catch (...) {
      errors[thread] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  others.reserve(threads);
  try {
    for (size_t thread = 1; thread < threads; ++thread) others.emplace_back(guarded, thread);
  } catch (const std::system_error&) {
  }
  guarded(0);
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace

CpuTrainer::CpuTrainer(const SgnsParams& params, const uint32_t* keep, const AliasSlot* noise,
                       const HuffmanPaths& paths, int threads, const std::string& simd)
    : params_(params), kernels_(choose_level(simd)), stride_(padded(params.dimension)) {
  if (threads < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(threads));
  const int64_t size = params.vocabulary * stride_;
  // Most words are never dropped: a short table stays in the cache.
  keep_.assign(keep, keep + first_always_kept(keep, params.vocabulary));
  keep_.push_back(kAlwaysKept);
  noise_ = aligned_array<AliasSlot>(params.vocabulary);
  std::copy(noise, noise + params.vocabulary, noise_.get());
  if (has_tree(params)) {
    path_offsets_.assign(paths.offsets, paths.offsets + params.vocabulary + 1);
    path_steps_.assign(paths.steps, paths.steps + path_offsets_.back());
  }
  if (rounded()) {
    input_bf16_ = aligned_array<Bf16>(size);
    output_bf16_ = aligned_array<Bf16>(size);
  } else {
    input_ = aligned_array<float>(size);
    output_ = aligned_array<float>(has_tree(params) ? 2 * size : size);
  }
  const int64_t slots = kernels_.most_slots(2 * params.window + params.share_negatives,
                                            params.share_negatives + params.negative + params.longest_path);
  for (int t = 0; t < threads; ++t) workspaces_.emplace_back(params, slots, stride_);
  for (Workspace& workspace : workspaces_) {
    if (!rounded()) break;
    workspace.hold_rows(stride_);
    workspace.hold_outputs(stride_);
  }
}

void CpuTrainer::load(const float* input, const float* output, const float* inner) {
  if (rounded()) {
    const auto round = [](float from, Bf16& to) { to = rounded_to_nearest(from); };
    for_each_value(input, params_.dimension, input_bf16_.get(), stride_, params_, round);
    for_each_value(output, params_.dimension, output_bf16_.get(), stride_, params_, round);
    return;
  }
  copy_rows(input, params_.dimension, input_.get(), stride_, params_);
  copy_rows(output, params_.dimension, output_.get(), stride_, params_);
  if (has_tree(params_)) copy_rows(inner, params_.dimension, inner_rows(), stride_, params_);
}

void CpuTrainer::read(float* input, float* output, float* inner) const {
  if (rounded()) {
    const auto widen = [](Bf16 from, float& to) { to = widened(from); };
    for_each_value(input_bf16_.get(), stride_, input, params_.dimension, params_, widen);
    for_each_value(output_bf16_.get(), stride_, output, params_.dimension, params_, widen);
    return;
  }
  copy_rows(input_.get(), stride_, input, params_.dimension, params_);
  copy_rows(output_.get(), stride_, output, params_.dimension, params_);
  if (has_tree(params_)) copy_rows(inner_rows(), stride_, inner, params_.dimension, params_);
}

void CpuTrainer::lock(const float* locks) {
  if (params_.order == Order::pair) throw std::invalid_argument("locks need window order, got pair order");
  if (rounded()) throw std::invalid_argument("locks need rows of float32, got bf16");
  locks_.assign(locks, locks + params_.vocabulary);
  for (Workspace& workspace : workspaces_) workspace.hold_rows(stride_);
}

void CpuTrainer::pin_threads() {
  const PinnedThread trial(0);
  pinned_ = true;
}

SpanStats CpuTrainer::train(const CorpusView& corpus, int64_t begin, int64_t end, int32_t epoch) {
  if (begin < 0 || end < begin || end > corpus.tokens() || epoch < 0 || epoch >= params_.epochs) {
    throw std::invalid_argument("span " + std::to_string(begin) + " ... " + std::to_string(end) +
                                " of epoch " + std::to_string(epoch) + " lies outside the corpus of " +
                                std::to_string(corpus.tokens()) + " tokens and " +
                                std::to_string(params_.epochs) + " epochs");
  }
  const TrainJob job{params_,
                     corpus,
                     {keep_.data(), noise_.get()},
                     static_cast<int32_t>(keep_.size()) - 1,
                     {path_offsets_.data(), path_steps_.data()},
                     input_.get(),
                     output_.get(),
                     stride_,
                     epoch,
                     locks_.empty() ? nullptr : locks_.data(),
                     input_bf16_.get(),
                     output_bf16_.get()};
  std::vector<SpanStats> stats(workspaces_.size());
  std::atomic<int64_t> next{begin};
  // Short spans, of slow settings, are cut finer so that every thread has its part of them.
  const auto threads = static_cast<int64_t>(workspaces_.size());
  const int64_t chunk = std::clamp((end - begin) / (4 * threads), kSmallestChunkTokens, kChunkTokens);
  const auto work = [&](size_t thread) {
    std::optional<PinnedThread> pinned;
    if (pinned_) pinned.emplace(thread);
    SpanStats done;
    std::vector<Segment> segments;
    for (int64_t from; (from = next.fetch_add(chunk)) < end;) {
      find_segments(corpus, from, std::min(from + chunk, end), segments);
      if (segments.empty()) continue;
      done += kernels_.train(job, workspaces_[thread], segments.data(), static_cast<int>(segments.size()));
    }
    stats[thread] = done;
  };
  share_work(workspaces_.size(), work);
  SpanStats sum;
  for (const SpanStats& one : stats) sum += one;
  return sum;
}

}  // namespace full_w2v
