// Trains a segment per block, a thread for each value of a row: the paper's FULL-W2V.
//
// Independence of negative samples: an output row is loaded once into registers and meets all contexts there.
// Lifetime reuse of context words: a context row is copied into a ring in shared memory when it comes within
// the window of the centre, trained there, and its change is added to global memory once, when it leaves the
// ring or the segment ends (Randall, Allen and Ge 2021). 14 row transfers a word for 6 contexts and 6
// outputs, where `pair` has 144. A word that occurs several times within the ring has one copy there, which
// moves to the slot of the newest occurrence: each pair finds what the one before has left.
//
//   order pair: for each output o, for each context c:
//     s = sigmoid(x_c . y_o);  g = rate * (label - s);  x_c += g * y_o;  y_o += g * x_c (old)
//                                                                                 Mikolov 2013, eq. 4
//   input, output  float [vocabulary, stride]  changes are added atomically; blocks race by design
//
// Launch: `stride` threads rounded up to warps, any grid (blocks stride over the segments), shared =
// BlockLayout::bytes.
// Synchronisation: warp 0 walks; the block meets before and after each window, once in each pair's sum, and
// where a copy moves.
#pragma once

#include "cuda/kernels/ring.cuh"
#include "cuda/kernels/row.cuh"
#include "cuda/kernels/walk.cuh"

namespace full_w2v {

// What warp 0 tells the block about the next window.
struct alignas(16) SharedWindow {
  Window window;
  int32_t exists;
  int32_t first;  // SegmentWalk::first()
};

// Shared memory: the walk, the window, where each word's copy is, two sets of partial sums, the ring.
struct BlockLayout {
  int64_t window, homes, partials, ring, bytes;  // where each begins, and the sum
  int threads;

  SGNS_HOST_DEVICE static BlockLayout of(const SgnsParams& params, int64_t stride) {
    constexpr int64_t kFloat = sizeof(float);
    BlockLayout layout{};
    layout.threads = static_cast<int>((stride + kWarpSize - 1) / kWarpSize * kWarpSize);
    layout.window = WalkShape::of(params).bytes();
    layout.homes = layout.window + static_cast<int64_t>(sizeof(SharedWindow));
    layout.partials = layout.homes + ring_slots(params.window) * static_cast<int64_t>(sizeof(int32_t));
    layout.ring = layout.partials + 2 * layout.threads / kWarpSize * kFloat;
    layout.bytes = layout.ring + ring_floats(params, stride, 2) * kFloat;
    return layout;
  }
};

// One thread's share of a segment: value `threadIdx.x` of every row. All threads of the block must call each
// function.
class BlockTrainer {
 public:
  __device__ BlockTrainer(const KernelArguments& arguments, unsigned char* shared)
      : BlockTrainer(arguments, shared, BlockLayout::of(arguments.params, arguments.rows.stride)) {}

  __device__ void train(const Segment& segment) {
    const float rate = segment_rate(arguments_, segment);
    if (threadIdx.x < kWarpSize) walk_.begin(segment);
    int entered = 0, left = 0;  // numbers of words: those from `left` up to `entered` are in the ring
    for (bool begun = false; find_window(); begun = true) {
      const Window window = window_->window;
      if (!begun) entered = left = window_->first;
      ++tally_.words;
      if (!alone(window)) {
        for (; entered <= window.known; ++entered) enter(entered, left);
        __syncthreads();  // everyone knows where the copies are
        train_window(window, rate);
        for (; left <= window.centre - arguments_.params.window; ++left) leave(left);
      }
      __syncthreads();  // everyone is done with the window and the queue of words
    }
    for (; left < entered; ++left) leave(left);
    __syncthreads();  // before warp 0 begins the next segment's queue
  }

  // What was trained; thread 0 knows it.
  __device__ const Tally& tally() const { return tally_; }

 private:
  // The layout is not kept: with 1,024 threads there are 64 registers each.
  __device__ BlockTrainer(const KernelArguments& arguments, unsigned char* shared, const BlockLayout& layout)
      : arguments_(arguments),
        rows_(arguments.rows),
        walk_(arguments, shared),
        window_(reinterpret_cast<SharedWindow*>(shared + layout.window)),
        homes_(reinterpret_cast<int32_t*>(shared + layout.homes)),
        partials_(reinterpret_cast<float*>(shared + layout.partials)),
        ring_{reinterpret_cast<float*>(shared + layout.ring), rows_.stride,
              ring_slots(arguments.params.window), 2},
        value_(static_cast<int>(threadIdx.x)),
        active_(value_ < rows_.stride) {}

  // Warp 0 steps to the next window and shares it. Ends with a barrier.
  __device__ bool find_window() {
    if (threadIdx.x < kWarpSize) {
      Window window{};
      const bool exists = walk_.next(window);
      if (threadIdx.x == 0) *window_ = {window, exists ? 1 : 0, walk_.first()};
    }
    __syncthreads();
    return window_->exists != 0;
  }

  // Output by output: its row in a register, the contexts from the ring.
  __device__ void train_window(const Window& window, float rate) {
    for (int o = 0; o < arguments_.params.negative + 1; ++o) {
      const Output output = window.outputs[o];
      if (output.weight == 0) continue;
      float* const y_row = row_of(rows_.output, output.word, rows_.stride) + value_;
      float y = active_ ? read_row(y_row) : 0.0f, change = 0.0f;
      for (int c = window.first; c <= window.last; ++c) {
        if (c == window.centre) continue;
        float* const context = ring_.row(homes_[slot(c)], kCurrent) + value_;
        const float x = active_ ? *context : 0.0f;
        const float score = sum(x * y);
        const float g = gradient(score, o == 0, rate);
        if (active_) *context = x + g * y;
        y += g * x;
        change += g * x;
        tally_pair(tally_, arguments_.params.loss && threadIdx.x == 0, score, o == 0);
      }
      if (active_) atomicAdd(y_row, change);
    }
  }

  // Sum over the block. The partial sums alternate between two sets, so that one barrier a sum is enough.
  __device__ float sum(float term) {
    parity_ ^= 1;
    return block_sum(term, partials_ + parity_ * (blockDim.x / kWarpSize));
  }

  __device__ int slot(int number) const { return number % ring_.slots; }

  // The next word; those from `first` on are in the ring. If one of them is the same word, its copy moves
  // here.
  __device__ void enter(int number, int first) {
    const int32_t word = walk_.word(number);
    int same = number - 1;
    while (same >= first && walk_.word(same) != word) --same;
    if (same >= first) {
      move_copy(word, same, number, first);
    } else {
      const float x = active_ ? read_row(row_of(rows_.input, word, rows_.stride) + value_) : 0.0f;
      set_copy(number, x, x);
    }
    if (threadIdx.x == 0) homes_[slot(number)] = number;
  }

  __device__ void set_copy(int number, float current, float loaded) const {
    if (!active_) return;
    ring_.row(number, kCurrent)[value_] = current;
    ring_.row(number, kLoaded)[value_] = loaded;
  }

  // From the newest occurrence so far to `number`: all occurrences are there from now on. Begins and ends
  // with a barrier.
  __device__ void move_copy(int32_t word, int newest, int number, int first) {
    if (active_) set_copy(number, ring_.row(newest, kCurrent)[value_], ring_.row(newest, kLoaded)[value_]);
    __syncthreads();  // thread 0 may have written where those that entered just now are
    for (int other = first + value_; other < number; other += static_cast<int>(blockDim.x)) {
      if (walk_.word(other) == word) homes_[slot(other)] = number;
    }
    __syncthreads();  // before another word of these comes
  }

  // What a copy changed by is added when the last occurrence leaves.
  __device__ void leave(int number) {
    if (!active_ || homes_[slot(number)] != number) return;
    const float change = ring_.row(number, kCurrent)[value_] - ring_.row(number, kLoaded)[value_];
    atomicAdd(row_of(rows_.input, walk_.word(number), rows_.stride) + value_, change);
  }

  const KernelArguments& arguments_;
  const Rows& rows_;
  SegmentWalk walk_;  // stepped by warp 0 alone; any thread may ask it for words between two barriers
  SharedWindow* const window_;
  int32_t* const homes_;  // by slot: the number of the word in whose slot this word's copy is
  float* const partials_;
  const ContextRing ring_;
  const int value_;
  const bool active_;
  int parity_ = 0;
  Tally tally_;
};

__global__ void __launch_bounds__(kMaxDimension) block_kernel(const KernelArguments arguments) {
  BlockTrainer trainer(arguments, shared_memory());
  train_segments(arguments, trainer);
}

}  // namespace full_w2v
