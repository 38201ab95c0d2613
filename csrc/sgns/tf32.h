// Rounding to TF32, the numbers that tensor cores multiply: float32 with 10 bits of mantissa.
#pragma once

#include <cstdint>
#include <cstring>

#include "sgns/host_device.h"

namespace full_w2v {

// The nearest TF32 number, of two equally near ones that away from zero: as cvt.rna.tf32.f32 of PTX.
SGNS_HOST_DEVICE inline float round_to_tf32(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x1000u) & 0xffffe000u;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace full_w2v
