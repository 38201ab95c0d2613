// Marks functions that both the host compiler and nvcc compile.
//
// On the host they are always inlined: files compiled for one instruction set include them too, and a copy
// left out of line could be the one that the linker picks for every machine.
#pragma once

#if defined(__CUDACC__)
#define SGNS_HOST_DEVICE __host__ __device__
#else
#define SGNS_HOST_DEVICE __attribute__((always_inline))
#endif
