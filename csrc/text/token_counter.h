// One thread's counting: text in, provisional ids out. A word is hashed once, here; encoding only renames
// ids.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

#include "text/counted_block.h"
#include "text/text_kernels.h"
#include "text/utf8.h"
#include "text/word_table.h"

namespace full_w2v {

// Thrown where text holds bytes that are not text (utf8.h) and errors are strict.
class NotText : public std::exception {
 public:
  NotText(size_t offset_in_block, unsigned char faulty_byte) : offset(offset_in_block), byte(faulty_byte) {}
  const char* what() const noexcept override { return "a block of the corpus is not UTF-8 text"; }

  size_t offset;
  unsigned char byte;
};

class TokenCounter {
 public:
  static constexpr size_t kPadding = 80;  // bytes behind a text that counting it may read

  explicit TokenCounter(const TextKernels& kernels) : kernels_(kernels) {}

  // Counts the tokens of `text`, which holds less than 4 GiB. Neither a token nor a character may reach over
  // its ends, and kPadding spaces must follow it. Sentences end at line feeds; what follows the last one goes
  // on in the next block. A token is checked when it is new, so that most text is never looked at twice.
  void count_text(const char* text, size_t size, TextErrors errors, CountedBlock& out);

  // Counts given tokens, which may hold any bytes. A counter takes either text or given tokens, not both.
  void count_tokens(TokenBlock& block, CountedBlock& out);

  // Words in the order of first appearance, and the tokens of text that stand for others (WordTable::kAlias).
  WordTable& table() { return table_; }

 private:
  // A token that has begun where a batch ends.
  struct Unfinished {
    bool exists = false;
    uint32_t start = 0;
  };

  size_t find_tokens(const char* text, uint32_t begin, uint32_t end, Unfinished& token, CountedBlock& out);
  template <class CheckNew>
  uint32_t look_up(const char* text, size_t count, CountedBlock& out, CheckNew check_new);
  void find_homes(size_t first, size_t last);
  uint32_t check_new(WordTable::Slot& slot, std::string_view token, size_t offset, TextErrors errors);
  void expand(size_t first_token, size_t first_end, TextErrors errors, CountedBlock& out);
  template <class TakePart>
  void split(std::string_view token, TextErrors errors, TakePart take);

  const TextKernels& kernels_;
  WordTable table_;
  TokenBatch batch_;
};

}  // namespace full_w2v
