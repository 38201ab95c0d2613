#include "cuda/kernels.h"

#include <stdexcept>

namespace full_w2v {
namespace {

std::string names() {
  std::string text = "auto";
  for (const Kernel& kernel : kernels()) text += std::string(", ") + kernel.name;
  return text;
}

// What of the settings the kernel does not compute.
std::string shortcoming(const Kernel& kernel, const SgnsParams& params) {
  const bool window = params.order == Order::window;
  if (!(window ? kernel.window_order : kernel.pair_order)) {
    return std::string("does not compute order ") + (window ? "window" : "pair");
  }
  if (params.row_precision == RowPrecision::bf16 && !kernel.rounds) return "does not keep rows in bf16";
  return params.share_negatives > 1 ? "does not share negatives" : "does not score in TF32";
}

// Why the kernel cannot be taken, or nothing.
std::string objection(const Kernel& kernel, const SgnsParams& params, int64_t shared_limit) {
  if (!kernel.computes(params)) return shortcoming(kernel, params);
  const int64_t needed = kernel.shape(params, shared_limit).shared_bytes;
  if (needed <= shared_limit) return "";
  return "needs " + std::to_string(needed) + " bytes of shared memory a block and the device has " +
         std::to_string(shared_limit);
}

}  // namespace

const std::vector<Kernel>& kernels() {
  static const std::vector<Kernel> all = {
      {"warp", "window", true, false, false, true, &warp_shape, &launch_warp},
      {"group", "window", true, false, true, false, &group_shape, &launch_group},
      {"block", "pair", false, true, false, false, &block_shape, &launch_block},
      {"register", "window, pair", true, true, false, false, &register_shape, &launch_register},
      {"pair", "pair", false, true, false, false, &pair_shape, &launch_pair},
  };
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
  for (const Kernel& kernel : kernels()) {
    if (name != kernel.name) continue;
    known = true;
    if (!refused(kernel)) return {&kernel, kernel.shape(params, shared_limit), ""};
  }
  if (!known) throw std::invalid_argument("kernel must be one of " + names() + ", got '" + name + "'");
  for (const Kernel& kernel : kernels()) {
    if (name == kernel.name || !kernel.computes(params)) continue;
    if (!refused(kernel)) {
      return {&kernel, kernel.shape(params, shared_limit),
              note.empty() ? "" : note + "; kernel " + kernel.name + " is used"};
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
