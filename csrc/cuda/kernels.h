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

// What settings may ask of a kernel.
enum Ability : unsigned {
  kWindowOrder = 1,
  kPairOrder = 2,
  kSharedNegatives = 4,
  kTf32Scores = 8,
  kBf16Rows = 16,
};

struct Kernel {
  const char* name;
  unsigned abilities;
  // What it needs; `shared_limit` is the most shared memory that a block may have on the device.
  LaunchShape (*shape)(const SgnsParams& params, int64_t shared_limit);
  // Enqueues `blocks` blocks.
  void (*launch)(const KernelArguments& arguments, const LaunchShape& shape, int64_t blocks,
                 cudaStream_t stream);

  // What the settings ask for and the kernel lacks: abilities.
  unsigned lacks(const SgnsParams& params) const;
  bool computes(const SgnsParams& params) const { return lacks(params) == 0; }
  // The orders that it computes, for people.
  std::string orders() const;
};

// Each is defined next to its launch, in the .cu file of its name.
extern const Kernel kWarpKernel, kGroupKernel, kBlockKernel, kRegisterKernel, kPairKernel;

// All kernels, the first choice first.
const std::vector<const Kernel*>& kernels();

struct KernelChoice {
  const Kernel* kernel;
  LaunchShape shape;
  std::string note;  // why it is not the kernel that was asked for; empty if it is
};

// The kernel of that name, or the next one that computes the settings and fits; "auto" asks for the first
// that does. Throws std::invalid_argument for an unknown name, or if even the last one does not
// fit.
KernelChoice choose_kernel(const std::string& name, const SgnsParams& params, int64_t shared_limit);

}  // namespace full_w2v
