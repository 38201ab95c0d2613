#include "text/utf8.h"

#include <cstdint>

namespace full_w2v {
namespace {

struct Character {
  size_t length;  // bytes; of a fault, those that one replacement character stands for
  bool valid;
};

// A lead byte's continuation bytes, and the range of the first of them; the others range from 0x80 to 0xbf.
struct Lead {
  int continuations;
  uint8_t low, high;
};

Lead lead_of(uint8_t byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1, 0x80, 0xbf};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {2, 0x80, 0xbf};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {3, 0x80, 0xbf};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

Character next_character(std::string_view bytes) {
  const auto byte = [bytes](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (byte(0) < 0x80) return {1, byte(0) != 0};
  const Lead lead = lead_of(byte(0));
  if (lead.continuations == 0) return {1, false};
  uint8_t low = lead.low, high = lead.high;
  for (size_t i = 1; i <= static_cast<size_t>(lead.continuations); ++i) {
    if (i == bytes.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {static_cast<size_t>(lead.continuations) + 1, true};
}

}  // namespace

size_t find_fault(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const Character character = next_character(bytes.substr(at));
    if (!character.valid) return at;
    at += character.length;
  }
  return kNoFault;
}

std::string repair(std::string_view bytes, TextErrors errors) {
  std::string text;
  while (!bytes.empty()) {
    const Character character = next_character(bytes);
    if (character.valid) {
      text += bytes.substr(0, character.length);
    } else if (errors == TextErrors::replace) {
      text += "\xef\xbf\xbd";
    }
    bytes.remove_prefix(character.length);
  }
  return text;
}

}  // namespace full_w2v
