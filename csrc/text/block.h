// A block of the corpus on its way to a counting thread, and what is kept of it afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "text/counted_block.h"
#include "text/file_io.h"

namespace full_w2v {

struct Block {
  uint64_t sequence = 0;     // place in the corpus
  uint32_t source = 0;       // the file, stream or iterable that it comes from
  int64_t offset = 0;        // where it begins in its source, in bytes
  bool ends_source = false;  // a source's last sentence ends with it

  // One of three: a piece of a file, text that holds whole tokens, or given tokens.
  std::shared_ptr<const File> file;
  int64_t size = 0, file_size = 0;
  std::string text;
  bool begins_line = false;  // the text
  bool is_tokens = false;
  TokenBlock tokens;
};

struct BlockRecord {
  int64_t ids_at, ends_at;         // in the spill
  uint32_t tokens, ends;           // their numbers
  uint32_t table;                  // whose provisional ids they are: a thread's, or one that it has put aside
  uint32_t first_word, last_word;  // ids that were new to that table: first_word ... last_word - 1
  uint32_t source;
  uint32_t lines;  // line feeds
  bool ends_source;
};

// Text in memory, with padding behind it that may be read, and its place in its source.
struct TextSpan {
  char* data;
  size_t size;
  int64_t offset;
  bool begins_line;
};

// Reads a block of a file into `buffer`: every token that begins in the block, whole. Throws FileError if the
// file cannot be read or has become shorter.
TextSpan read_block(const Block& block, FillArray<char>& buffer);

// Length of the longest part of `text` that does not cut a token, 0 if there is none. Looks no further back
// than `from`.
size_t whole_tokens(const std::string& text, size_t from);

}  // namespace full_w2v
