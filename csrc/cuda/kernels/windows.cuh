// What the kernels that keep nothing from one window to the next share: the way through segments and windows.
#pragma once

#include "cuda/kernels/walk.cuh"

namespace full_w2v {

// Trains segments window by window: calls train_window(walk, window, rate, tally) for each word with
// contexts. All lanes of the warp must call train().
template <class TrainWindow>
class WindowTrainer {
 public:
  __device__ __forceinline__ WindowTrainer(const KernelArguments& arguments, unsigned char* shared,
                                           const TrainWindow& train_window)
      : arguments_(arguments), walk_(arguments, shared), train_window_(train_window) {}

  __device__ __forceinline__ void train(const Segment& segment) {
    const float rate = segment_rate(arguments_, segment);
    walk_.begin(segment);
    for (Window window; walk_.next(window);) {
      ++tally_.words;
      if (!alone(window)) train_window_(walk_, window, rate, tally_);
    }
  }

  __device__ __forceinline__ const Tally& tally() const { return tally_; }

 private:
  const KernelArguments& arguments_;
  SegmentWalk walk_;
  const TrainWindow& train_window_;
  Tally tally_;
};

// The same for all segments of the batch.
template <class TrainWindow>
__device__ __forceinline__ void train_windows(const KernelArguments& arguments, unsigned char* shared,
                                              const TrainWindow& train_window) {
  WindowTrainer<TrainWindow> trainer(arguments, shared, train_window);
  train_segments(arguments, trainer);
}

}  // namespace full_w2v
