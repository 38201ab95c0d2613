// UTF-8, as the Unicode standard's table 3-7 defines it: no overlong forms, no surrogates, none above
// U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace full_w2v {

// What happens to bytes that are not text: bytes outside UTF-8, and NUL, which tells of binary data or
// UTF-16.
enum class TextErrors {
  strict,   // they are an error
  replace,  // each becomes U+FFFD, as in Python: one for every maximal part of a character
  ignore,   // they are dropped
};

constexpr size_t kNoFault = static_cast<size_t>(-1);

// Offset of the first byte that is not text, kNoFault if there is none.
size_t find_fault(std::string_view bytes);

// `bytes` with all that is not text replaced or dropped; `errors` must not be strict.
std::string repair(std::string_view bytes, TextErrors errors);

}  // namespace full_w2v
