// Writes a counted corpus as the ids of a vocabulary: one pass over provisional ids, no text and no hashing.
#pragma once

#include <atomic>
#include <cstdint>

#include "contract/byte_order.h"
#include "text/block_queue.h"
#include "text/counted_words.h"
#include "text/text_kernels.h"

namespace full_w2v {

// Where ids (int32) and offsets (int64) go in an open file.
struct EncodedLayout {
  const File& file;
  int64_t ids_at, offsets_at;  // in bytes
};

struct EncodedSize {
  int64_t tokens, sentences;
};

// Encodes on `threads` threads. A sentence is what was given as one; with `span` > 0, every `span` tokens of
// a source, rare words included. `places` is what the words' numbers become. Dropped tokens leave no gap:
// windows reach over them, as in word2vec.c and gensim. A sentence without a kept token is left out, so that
// offsets rise. `tokens_done` counts tokens read.
EncodedSize encode(const CountedWords& words, const Renaming& places, const EncodedLayout& layout,
                   int64_t span, int threads, const TextKernels& kernels, std::atomic<int64_t>& tokens_done,
                   const Poll& poll);

}  // namespace full_w2v
