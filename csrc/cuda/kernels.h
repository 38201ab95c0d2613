// The kernels as the trainer sees them: what each one can do, what a launch needs, and how to launch.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/arguments.h"

namespace full_w2v {

// What one block of a launch needs.
struct LaunchShape {
  int threads = kWarpSize;
  int64_t shared_bytes = 0;
  int64_t scratch_floats = 0;  // of global memory
};

struct Kernel {
  const char* name;
  const char* orders;  // the orders that it computes, for people
  bool window_order, pair_order;
  bool groups;  // whether centres may share their negatives, and rows be scored in TF32
  bool rounds;  // whether it takes rows of bf16 too
  // What it needs; `shared_limit` is the most shared memory that a block may have on the device.
  LaunchShape (*shape)(const SgnsParams& params, int64_t shared_limit);
  // Enqueues `blocks` blocks.
  void (*launch)(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks,
                 cudaStream_t stream);

  bool computes(const SgnsParams& params) const {
    return (params.order == Order::window ? window_order : pair_order) &&
           (groups || (params.share_negatives == 1 && params.score_precision == ScorePrecision::float32)) &&
           (rounds || params.row_precision == RowPrecision::float32);
  }
};

LaunchShape pair_shape(const SgnsParams& params, int64_t shared_limit);
LaunchShape register_shape(const SgnsParams& params, int64_t shared_limit);
LaunchShape block_shape(const SgnsParams& params, int64_t shared_limit);
LaunchShape warp_shape(const SgnsParams& params, int64_t shared_limit);
LaunchShape group_shape(const SgnsParams& params, int64_t shared_limit);

void launch_pair(const KernelArguments&, const LaunchShape&, int64_t blocks, cudaStream_t);
void launch_register(const KernelArguments&, const LaunchShape&, int64_t blocks, cudaStream_t);
void launch_block(const KernelArguments&, const LaunchShape&, int64_t blocks, cudaStream_t);
void launch_warp(const KernelArguments&, const LaunchShape&, int64_t blocks, cudaStream_t);
void launch_group(const KernelArguments&, const LaunchShape&, int64_t blocks, cudaStream_t);

// All kernels, the first choice first.
const std::vector<Kernel>& kernels();

struct KernelChoice {
  const Kernel* kernel;
  LaunchShape shape;
  std::string note;  // why it is not the kernel that was asked for; empty if it is
};

// The kernel of that name, or the next one that computes the settings and fits; "auto" asks for the first
// that does. Throws std::invalid_argument for a name that is no kernel's, or if even the last one does not
// fit.
KernelChoice choose_kernel(const std::string& name, const SgnsParams& params, int64_t shared_limit);

}  // namespace full_w2v
