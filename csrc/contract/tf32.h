// Rounding to TF32, the numbers that tensor cores multiply: float32 with 10 bits of mantissa.
#pragma once

#include "contract/float_bits.h"
#include "contract/host_device.h"

namespace full_w2v {

// The nearest TF32 number, of two equally near ones that away from zero: as cvt.rna.tf32.f32 of PTX.
SGNS_HOST_DEVICE inline float round_to_tf32(float value) {
  return float_of((float_bits(value) + 0x1000u) & 0xffffe000u);
}

}  // namespace full_w2v
