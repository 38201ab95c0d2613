// Collects the tokens of Python's sentences in blocks that the counting threads take.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "text/counted_block.h"

namespace full_w2v {

// Thrown for what is not a sentence of tokens. A class of its own: what the user's iterables raise,
// ValueError included, must be told apart from it.
class InvalidSentence : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

class TokenCollector {
 public:
  using Take = std::function<void(TokenBlock)>;

  // `take` is called, with the GIL, for each full block; one is full with about `block_bytes` of text.
  TokenCollector(size_t block_bytes, Take take);

  // Sentences are numbered from here, for messages.
  void begin_source() { sentences_ = 0; }

  // Adds sentences: lists, or other iterables, of str. `spell` is None or a callable that names a token which
  // is not plain text. Throws InvalidSentence for anything but sentences and tokens, and what Python raises.
  void add(const pybind11::list& sentences, const pybind11::object& spell);

  // Hands over what was collected.
  void flush();

 private:
  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void refuse_token(const pybind11::handle& token, pybind11::ssize_t index) const;
  void add_sentence(const pybind11::handle& sentence, const pybind11::object& spell);
  void add_token(PyObject* token, pybind11::ssize_t index, const pybind11::object& spell);
  void add_other_token(const pybind11::object& token, pybind11::ssize_t index, const pybind11::object& spell);
  std::string_view text_of(const pybind11::handle& token);
  char* room_for(size_t bytes);
  void append(std::string_view text);
  void append_short_ascii(std::string_view text);
  void end_token(size_t length);

  const size_t block_bytes_;
  const Take take_;
  TokenBlock block_;
  size_t used_ = 0;  // of the block's bytes, which are longer, so that a short token can be stored whole
  std::string utf8_;
  int64_t sentences_ = 0;
};

}  // namespace full_w2v
