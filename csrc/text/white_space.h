// What separates tokens in text: what Python's str.split() takes for white space, so that our tokens are
// those of gensim's LineSentence. Only a line feed ends a sentence.
#pragma once

#include <cstddef>
#include <cstdint>

namespace full_w2v {

// Tab, line feed, vertical tab, form feed, carriage return; the four ASCII information separators; space.
inline bool is_ascii_space(unsigned char byte) {
  return static_cast<unsigned>(byte - 0x09) <= 4u || static_cast<unsigned>(byte - 0x1c) <= 4u;
}

// Bytes of the white space character above ASCII that begins at `text`, 0 if none does: U+0085, U+00A0,
// U+1680, U+2000 ... U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
inline size_t wide_space(const char* text, const char* end) {
  const auto byte = [text](int i) { return static_cast<unsigned char>(text[i]); };
  if (end - text >= 2 && byte(0) == 0xc2) return byte(1) == 0x85 || byte(1) == 0xa0 ? 2 : 0;
  if (end - text < 3) return 0;
  if (byte(0) == 0xe1) return byte(1) == 0x9a && byte(2) == 0x80 ? 3 : 0;
  if (byte(0) == 0xe3) return byte(1) == 0x80 && byte(2) == 0x80 ? 3 : 0;
  if (byte(0) != 0xe2) return 0;
  if (byte(1) == 0x81) return byte(2) == 0x9f ? 3 : 0;
  const bool space = byte(2) <= 0x8a || byte(2) == 0xa8 || byte(2) == 0xa9 || byte(2) == 0xaf;
  return byte(1) == 0x80 && byte(2) >= 0x80 && space ? 3 : 0;
}

}  // namespace full_w2v
