#include "cuda/kernels.h"

#include <stdexcept>

namespace full_w2v {
namespace {

std::string names() {
  std::string text = "auto";
  for (const Kernel* kernel : kernels()) text += std::string(", ") + kernel->name;
  return text;
}

unsigned asked_for(const SgnsParams& params) {
  unsigned asked = params.order == Order::window ? kWindowOrder : kPairOrder;
  if (params.row_precision == RowPrecision::bf16) asked |= kBf16Rows;
  if (params.share_negatives > 1) asked |= kSharedNegatives;
  if (params.score_precision == ScorePrecision::tf32) asked |= kTf32Scores;
  return asked;
}

// The first of the abilities that a kernel lacks, in words.
std::string shortcoming(unsigned lacks) {
  if (lacks & kWindowOrder) return "does not compute order window";
  if (lacks & kPairOrder) return "does not compute order pair";
  if (lacks & kBf16Rows) return "does not keep rows in bf16";
  return lacks & kSharedNegatives ? "does not share negatives" : "does not score in TF32";
}

// Why the kernel cannot be taken, or nothing.
std::string objection(const Kernel& kernel, const SgnsParams& params, int64_t shared_limit) {
  if (const unsigned lacks = kernel.lacks(params)) return shortcoming(lacks);
  const int64_t needed = kernel.shape(params, shared_limit).shared_bytes;
  if (needed <= shared_limit) return "";
  return "needs " + std::to_string(needed) + " bytes of shared memory a block and the device has " +
         std::to_string(shared_limit);
}

}  // namespace

unsigned Kernel::lacks(const SgnsParams& params) const { return asked_for(params) & ~abilities; }

std::string Kernel::orders() const {
  const char* const window = abilities & kWindowOrder ? "window" : "";
  const char* const pair = abilities & kPairOrder ? "pair" : "";
  return std::string(window) + (*window && *pair ? ", " : "") + pair;
}

const std::vector<const Kernel*>& kernels() {
  static const std::vector<const Kernel*> all = {&kWarpKernel, &kGroupKernel, &kBlockKernel, &kRegisterKernel,
                                                 &kPairKernel};
  return all;
}

KernelChoice choose_kernel(const std::string& name, const SgnsParams& params, int64_t shared_limit) {
  std::string note;
  const auto refused = [&](const Kernel& kernel) {
    const std::string why = objection(kernel, params, shared_limit);
    if (!why.empty()) note += (note.empty() ? "kernel " : "; kernel ") + std::string(kernel.name) + " " + why;
    return !why.empty();
  };
  bool known = name == "auto";
  for (const Kernel* kernel : kernels()) {
    if (name != kernel->name) continue;
    known = true;
    if (!refused(*kernel)) return {kernel, kernel->shape(params, shared_limit), ""};
  }
  if (!known) throw std::invalid_argument("kernel must be one of " + names() + ", got '" + name + "'");
  for (const Kernel* kernel : kernels()) {
    if (name == kernel->name || !kernel->computes(params)) continue;
    if (!refused(*kernel)) {
      return {kernel, kernel->shape(params, shared_limit),
              note.empty() ? "" : note + "; kernel " + kernel->name + " is used"};
    }
  }
  if (note.empty()) {
    throw std::invalid_argument(
        "no CUDA kernel computes these settings together: pair order, shared negatives or scores in TF32, "
        "rows of "
        "bf16; choose one of them");
  }
  throw std::invalid_argument("no kernel fits: " + note +
                              "; choose a smaller window, fewer negatives or fewer centres that share them");
}

}  // namespace full_w2v
