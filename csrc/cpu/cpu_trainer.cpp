#include "cpu/cpu_trainer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "contract/draws.h"
#include "cpu/pinned_thread.h"
#include "cpu/simd/levels.h"

namespace full_w2v {
namespace {

constexpr int64_t kValuesForThreads = int64_t{1} << 20;  // of each matrix; a look at them takes a millisecond

constexpr int64_t kHugePage = int64_t{2} << 20;

// Rows are whole cache lines, so that no vector and no prefetch straddles two.
int64_t padded(int32_t dimension) { return (int64_t{dimension} + 15) / 16 * 16; }

// Copies rows first ... last - 1; what is behind a row's values, up to the stride, becomes zero.
void copy_rows(const float* from, int64_t from_stride, float* to, int64_t to_stride, int32_t dimension,
               int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    float* const target = to + row * to_stride;
    std::memcpy(target, from + row * from_stride, sizeof(float) * dimension);
    std::fill(target + dimension, target + std::max<int64_t>(to_stride, dimension), 0.0f);
  }
}

// Calls place(from, to) for every value of rows first ... last - 1.
template <class From, class To, class Place>
void for_each_value(From* from, int64_t from_stride, To* to, int64_t to_stride, int32_t dimension,
                    int64_t first, int64_t last, const Place& place) {
  for (int64_t row = first; row < last; ++row) {
    for (int64_t k = 0; k < dimension; ++k) place(from[row * from_stride + k], to[row * to_stride + k]);
  }
}

// Calls work(0) ... work(threads - 1) on threads of their own and returns when all have; the first exception
// is thrown again. The caller waits, and calls waiting() about every 50 ms. A thread that the system refuses
// to start is done without: the others take its share from the queue; the caller works itself if there are
// none.
template <class Work, class Waiting>
void share_work(size_t threads, const Work& work, const Waiting& waiting) {
  constexpr std::chrono::milliseconds kPatience{50};
  std::vector<std::exception_ptr> errors(threads);
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  const auto guarded = [&](size_t thread) {
    try {
      work(thread);
    } catch (...) {
      errors[thread] = std::current_exception();
    }
    const std::lock_guard<std::mutex> lock(mutex);
    ++done;
    changed.notify_one();
  };
  std::vector<std::thread> started;
  started.reserve(threads);
  try {
    for (size_t thread = 0; thread < threads; ++thread) started.emplace_back(guarded, thread);
  } catch (const std::exception&) {  // no more threads, or no memory for one
    if (started.empty()) guarded(0);
  }
  const size_t all = std::max<size_t>(started.size(), 1);
  for (std::unique_lock<std::mutex> lock(mutex); done < all;) {
    if (changed.wait_for(lock, kPatience, [&] { return done == all; })) break;
    lock.unlock();
    waiting();
    lock.lock();
  }
  for (std::thread& thread : started) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

float as_float(float value) { return value; }
float as_float(Bf16 value) { return widened(value); }

// Squared norm of a row, whose stride is whole groups of lanes, in sums of type Sum.
template <class Sum, class Value>
Sum square_of(const Value* row, int64_t stride) {
  constexpr int kLanes = 16;  // sums that do not wait for each other
  Sum squares[kLanes] = {};
  for (const Value *at = row, *end = row + stride; at < end; at += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const Sum value = as_float(at[lane]);
      squares[lane] += value * value;
    }
  }
  return std::accumulate(squares, squares + kLanes, Sum{0});
}

// Largest squared norm of rows first ... last - 1; infinity if a value is not finite.
template <class Value>
double largest_square(const Value* rows, int64_t stride, int64_t first, int64_t last) {
  double largest = 0.0;
  for (int64_t row = first; row < last; ++row) {
    double square = square_of<float>(rows + row * stride, stride);
    if (!std::isfinite(square))
      square = square_of<double>(rows + row * stride, stride);  // too long for float
    if (!std::isfinite(square)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, square);
  }
  return largest;
}

}  // namespace

CpuTrainer::CpuTrainer(const SgnsParams& params, const uint32_t* keep, const AliasSlot* noise,
                       const HuffmanPaths& paths, int threads, const std::string& simd)
    : params_(params), kernels_(choose_level(simd)), stride_(padded(params.dimension)) {
  if (threads < 1) throw std::invalid_argument("threads must be at least 1, got " + std::to_string(threads));
  if (!kernels_.computes(params)) {
    throw std::invalid_argument(
        "the cpu backend does not compute these settings together; use backend reference");
  }
  threads_ = static_cast<size_t>(threads);
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
    input_bf16_ = untouched_array<Bf16>(size);
    output_bf16_ = untouched_array<Bf16>(size);
  } else {
    input_ = untouched_array<float>(size);
    output_ = untouched_array<float>(has_tree(params) ? 2 * size : size);
  }
}

void CpuTrainer::fit_sentences(int64_t longest) {
  const auto reach = static_cast<int32_t>(std::clamp<int64_t>(longest - 1, 1, params_.drawn_window));
  if (!workspaces_.empty() && reach <= params_.window) return;
  SgnsParams params = params_;
  params.window = reach;
  const int64_t contexts = 2 * int64_t{reach} + params_.share_negatives;
  const int32_t outputs = params_.share_negatives + params_.negative + params_.longest_path;
  // A step has no more contexts than pairs of one output.
  const int64_t slots =
      kernels_.most_slots(static_cast<int>(std::min<int64_t>(contexts, params_.step_pairs)), outputs);
  // Where memory runs out, the trainer stays as it was.
  decltype(workspaces_) workspaces;
  for (size_t t = 0; t < threads_; ++t) {
    Workspace& workspace = workspaces.emplace_back(params, slots, stride_);
    if (rounded() || !locks_.empty()) workspace.hold_rows(stride_);
    if (rounded()) workspace.hold_outputs(stride_);
  }
  workspaces_ = std::move(workspaces);
  params_.window = reach;
}

void CpuTrainer::share_rows(int64_t begin, int64_t end,
                            const std::function<void(int64_t, int64_t)>& use) const {
  const auto threads = static_cast<int64_t>(threads_);
  const int64_t of_page = std::max<int64_t>(kHugePage / (stride_ * int64_t{sizeof(float)}), 1);
  const int64_t rows = std::min((end - begin + threads - 1) / threads, of_page);
  std::atomic<int64_t> next{0};
  const auto work = [&](size_t thread) {
    std::optional<PinnedThread> pinned;
    if (pinned_) pinned.emplace(thread);
    for (int64_t first; (first = begin + rows * next.fetch_add(1)) < end;) {
      use(first, std::min<int64_t>(first + rows, end));
    }
  };
  share_work(threads_, work, [] {});
}

void CpuTrainer::load(const float* input, const float* output, const float* inner) {
  const int32_t d = params_.dimension;
  loaded_ = true;
  share_rows(0, params_.vocabulary, [&](int64_t first, int64_t last) {
    if (rounded()) {
      const auto round = [](float from, Bf16& to) { to = rounded_to_nearest(from); };
      for (Bf16* rows : {input_bf16_.get(), output_bf16_.get()}) {
        std::fill(rows + first * stride_, rows + last * stride_, Bf16{});
      }
      for_each_value(input, d, input_bf16_.get(), stride_, d, first, last, round);
      for_each_value(output, d, output_bf16_.get(), stride_, d, first, last, round);
      return;
    }
    copy_rows(input, d, input_.get(), stride_, d, first, last);
    copy_rows(output, d, output_.get(), stride_, d, first, last);
    if (has_tree(params_)) copy_rows(inner, d, inner_rows(), stride_, d, first, last);
  });
}

void CpuTrainer::read(float* input, float* output, float* inner) const {
  require_matrices("read");
  const int32_t d = params_.dimension;
  share_rows(0, params_.vocabulary, [&](int64_t first, int64_t last) {
    if (rounded()) {
      const auto widen = [](Bf16 from, float& to) { to = widened(from); };
      for_each_value(input_bf16_.get(), stride_, input, d, d, first, last, widen);
      for_each_value(output_bf16_.get(), stride_, output, d, d, first, last, widen);
      return;
    }
    copy_rows(input_.get(), stride_, input, d, d, first, last);
    copy_rows(output_.get(), stride_, output, d, d, first, last);
    if (has_tree(params_)) copy_rows(inner_rows(), stride_, inner, d, d, first, last);
  });
}

double CpuTrainer::largest_norm(int64_t begin, int64_t end) const {
  if (begin < 0 || end <= begin || end > params_.vocabulary) {
    throw std::invalid_argument("rows must be within 0 ... " + std::to_string(params_.vocabulary) + ", got " +
                                std::to_string(begin) + " ... " + std::to_string(end));
  }
  require_matrices("largest_norm");
  std::mutex mutex;
  double square = 0.0;
  const auto look = [&](int64_t first, int64_t last) {
    const double found = largest_square_of(first, last);
    const std::lock_guard<std::mutex> lock(mutex);
    square = std::max(square, found);
  };
  // Threads take longer to start than to look at a few rows.
  if ((end - begin) * stride_ < kValuesForThreads) {
    look(begin, end);
  } else {
    share_rows(begin, end, look);
  }
  return std::sqrt(square);
}

double CpuTrainer::largest_square_of(int64_t first, int64_t last) const {
  const auto largest = [&](const auto* rows) { return largest_square(rows, stride_, first, last); };
  if (rounded()) return std::max(largest(input_bf16_.get()), largest(output_bf16_.get()));
  const double square = std::max(largest(input_.get()), largest(output_.get()));
  return has_tree(params_) ? std::max(square, largest(inner_rows())) : square;
}

void CpuTrainer::require_matrices(const char* call) const {
  if (!loaded_) throw std::invalid_argument(std::string(call) + " needs matrices; call load first");
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

SpanStats CpuTrainer::train(const CorpusView& corpus, int64_t begin, int64_t end, int32_t epoch,
                            const std::function<bool()>& interrupted) {
  require_matrices("train");
  if (workspaces_.empty()) throw std::invalid_argument("train needs a corpus; call fit_sentences first");
  if (begin < 0 || end < begin || end > corpus.tokens() || epoch < 0 || epoch >= params_.epochs) {
    throw std::invalid_argument("span " + std::to_string(begin) + " ... " + std::to_string(end) +
                                " of epoch " + std::to_string(epoch) + " lies outside the corpus of " +
                                std::to_string(corpus.tokens()) + " tokens and " +
                                std::to_string(params_.epochs) + " epochs");
  }
  std::atomic<bool> stopped{false};
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
                     output_bf16_.get(),
                     &stopped};
  std::vector<SpanStats> stats(threads_);
  std::atomic<int64_t> next{begin};
  // Short spans, of slow settings, are cut finer so that every thread has its part of them.
  const auto threads = static_cast<int64_t>(threads_);
  const int64_t chunk = std::clamp((end - begin) / (4 * threads), kSmallestChunkTokens, kChunkTokens);
  const auto work = [&](size_t thread) {
    std::optional<PinnedThread> pinned;
    if (pinned_) pinned.emplace(thread);
    SpanStats done;
    std::vector<Segment> segments;
    for (int64_t from; !stopped.load(std::memory_order_relaxed) && (from = next.fetch_add(chunk)) < end;) {
      find_segments(corpus, from, std::min(from + chunk, end), segments);
      if (segments.empty()) continue;
      done += kernels_.train(job, workspaces_[thread], segments.data(), static_cast<int>(segments.size()));
    }
    stats[thread] = done;
  };
  share_work(threads_, work, [&] {
    if (interrupted()) stopped.store(true, std::memory_order_relaxed);
  });
  SpanStats sum;
  for (const SpanStats& one : stats) sum += one;
  return sum;
}

}  // namespace full_w2v
