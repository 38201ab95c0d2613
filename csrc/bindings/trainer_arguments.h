// Arguments that every trainer's binding takes: settings, tables, matrices, corpus.
#pragma once

#include <algorithm>

#include "bindings/arrays.h"
#include "contract/params.h"

namespace full_w2v {

inline void require_alias_table(const Array<uint32_t>& table) {
  require_shape("noise", table, {-1, 2});
  const auto slots = table.unchecked<2>();
  bool valid = slots.shape(0) > 0;
  for (pybind11::ssize_t slot = 0; slot < slots.shape(0); ++slot) valid &= slots(slot, 1) < slots.shape(0);
  if (!valid) throw std::invalid_argument("noise must be a table from alias_table: an alias is out of range");
}

inline void check_tables(const SgnsParams& params, const Array<uint32_t>& keep,
                         const Array<uint32_t>& noise) {
  require_shape("keep", keep, {params.vocabulary});
  require_shape("noise", noise, {params.vocabulary, 2});
  require_alias_table(noise);
}

// The paths of a Huffman tree over the words, as full_w2v/encoding/huffman.py makes them.
inline HuffmanPaths checked_paths(const SgnsParams& params, const Array<int64_t>& offsets,
                                  const Array<uint32_t>& steps) {
  require_shape("path_offsets", offsets, {params.vocabulary + 1});
  require_shape("path_steps", steps, {-1});
  const HuffmanPaths paths = {offsets.data(), steps.data()};
  bool valid = paths.offsets[0] == 0 && paths.offsets[params.vocabulary] == steps.shape(0);
  for (int32_t word = 0; word < params.vocabulary; ++word) {
    const int64_t length = paths.offsets[word + 1] - paths.offsets[word];
    valid &= length >= 0 && length <= params.longest_path;
  }
  for (pybind11::ssize_t step = 0; step < steps.shape(0); ++step) {
    valid &= paths.steps[step] / 2 < static_cast<uint32_t>(params.vocabulary);
  }
  if (!valid) throw std::invalid_argument("path_offsets and path_steps must be paths of a Huffman tree");
  return paths;
}

inline void check_matrices(const SgnsParams& params, const pybind11::array& input,
                           const pybind11::array& output) {
  require_shape("input", input, {params.vocabulary, params.dimension});
  require_shape("output", output, {params.vocabulary, params.dimension});
}

inline void check_offsets(const CorpusView& corpus, int64_t tokens) {
  bool ordered = corpus.offsets[0] == 0 && corpus.tokens() == tokens;
  for (int64_t s = 0; s < corpus.sentences; ++s) ordered &= corpus.offsets[s] <= corpus.offsets[s + 1];
  if (!ordered) {
    throw std::invalid_argument("offsets must rise from 0 to the number of ids, " + std::to_string(tokens));
  }
}

// Checks the ids of tokens begin ... end - 1.
inline void check_ids(const CorpusView& corpus, int32_t vocabulary, int64_t begin, int64_t end) {
  int32_t low = 0, high = 0;
  for (int64_t token = begin; token < end; ++token) {
    low = std::min(low, corpus.ids[token]);
    high = std::max(high, corpus.ids[token]);
  }
  if (low < 0 || high >= vocabulary) {
    throw std::invalid_argument("word ids must be between 0 and " + std::to_string(vocabulary - 1) +
                                ", got " + std::to_string(low < 0 ? low : high));
  }
}

// A view of a corpus that was checked whole: trainers rely on it. `after_piece`, which may be None, is called
// after each piece of it: a mapped file's pages can be given back before the next ones come.
inline CorpusView checked_corpus(const SgnsParams& params, const Array<int32_t>& ids,
                                 const Array<int64_t>& offsets,
                                 const pybind11::object& after_piece = pybind11::none()) {
  constexpr int64_t piece = int64_t{1} << 24;
  require_shape("ids", ids, {-1});
  require_shape("offsets", offsets, {-1});
  if (offsets.shape(0) < 1) throw std::invalid_argument("offsets must not be empty");
  const CorpusView corpus = {ids.data(), offsets.data(), offsets.shape(0) - 1};
  {
    pybind11::gil_scoped_release release;
    check_offsets(corpus, ids.shape(0));
  }
  for (int64_t begin = 0; begin < corpus.tokens(); begin += piece) {
    {
      pybind11::gil_scoped_release release;
      check_ids(corpus, params.vocabulary, begin, std::min(begin + piece, corpus.tokens()));
    }
    if (!after_piece.is_none()) after_piece();
  }
  return corpus;
}

}  // namespace full_w2v
