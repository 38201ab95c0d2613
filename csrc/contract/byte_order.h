// Files of ids, rows of bf16 and keys of tokens are read as the bytes that memory holds: least significant
// byte first. A system of the other order must not build what would read them wrongly.
#pragma once

#if defined(__BYTE_ORDER__) && defined(__ORDER_LITTLE_ENDIAN__)
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "full-w2v needs a little-endian processor");
#elif !defined(_WIN32) && !defined(__CUDACC_RTC__)  // both little-endian, and both without the macro
#error "full-w2v needs a compiler that tells the byte order (__BYTE_ORDER__), and a little-endian processor"
#endif
