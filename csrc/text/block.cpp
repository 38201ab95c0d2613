#include "text/block.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "text/token_counter.h"
#include "text/white_space.h"

namespace full_w2v {
namespace {

constexpr int64_t kTail = 4096;  // read behind a block at first, for its last token's end

// A block covers the text from one border to the next. The border at byte p of a file is p if no token
// reaches over it, else the end of the one that does: so every token belongs to one block, without a look at
// others. Here `at` is p - begin, and the border is sought in text[0] ... text[size - 1]; `size` if it lies
// beyond.
size_t border(const char* text, size_t at, size_t size) {
  for (size_t i = at - 1; i < size; ++i) {
    if (is_ascii_space(static_cast<unsigned char>(text[i]))) return std::max(i, at);
  }
  return size;
}

void read_exactly(const Block& block, FillArray<char>& buffer, int64_t begin, int64_t end) {
  const auto size = static_cast<size_t>(end - begin);
  if (size > std::numeric_limits<uint32_t>::max() - TokenCounter::kPadding) {
    throw FileError(block.file->name(), "holds a token of more than 4 GiB");
  }
  buffer.restart(size + TokenCounter::kPadding);
  if (block.file->read_at(buffer.data(), size, begin) != size) {
    throw FileError(block.file->name(), "became shorter while it was read");
  }
}

}  // namespace

TextSpan read_block(const Block& block, FillArray<char>& buffer) {
  const int64_t begin =
      block.offset > 0 ? block.offset - 1 : 0;  // one byte back tells whether a token is cut
  const int64_t end = block.offset + block.size;
  size_t first = 0, last = 0;
  for (int64_t tail = kTail; last == 0; tail *= 8) {
    const int64_t read_end = std::min(end + tail, block.file_size);
    read_exactly(block, buffer, begin, read_end);
    const auto size = static_cast<size_t>(end - begin), available = static_cast<size_t>(read_end - begin);
    first = block.offset > 0 ? border(buffer.data(), 1, size) : 0;
    last = first == size ? size : end == block.file_size ? available : border(buffer.data(), size, available);
    if (last == available && read_end < block.file_size) last = 0;  // the last token may go on
  }
  std::memset(buffer.data() + last, ' ', TokenCounter::kPadding);
  char* const text = buffer.data() + first;
  const bool begins_line = block.offset == 0 || (first > 0 && text[-1] == '\n');
  return {text, last - first, begin + static_cast<int64_t>(first), begins_line};
}

size_t whole_tokens(const std::string& text, size_t from) {
  size_t size = text.size();
  while (size > from && !is_ascii_space(static_cast<unsigned char>(text[size - 1]))) --size;
  return size > from ? size : 0;
}

}  // namespace full_w2v
