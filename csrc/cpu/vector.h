// The vector of an instruction set, as the kernels see it: a struct of static functions, one per level
// (vector_scalar.h, vector_128.h, vector_avx2.h, vector_avx512.h). Kernels are templates over it.
//
//   Float, Word    `lanes` floats, `lanes` 32-bit words
//   group          accumulators that reduce_group sums at once
//   accumulators   that fit into registers beside the rows they are made of
//   widest         outputs that are scored and updated together
//   reduce_group   sums the lanes of `group` accumulators; lanes / group such results are completed by
//   join_groups    into one Float: lane i is the sum of accumulator i of the joined groups
//
// Every function is inlined: a file compiled for one instruction set must not leave code behind that the
// linker could pick for another.
#pragma once

#define VECTOR_INLINE __attribute__((always_inline)) static inline
#define KERNEL_INLINE __attribute__((always_inline)) inline
#define UNROLL _Pragma("GCC unroll 64")
