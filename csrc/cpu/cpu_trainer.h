// The CPU engine: both matrices in aligned memory, trained by threads that take chunks of the corpus in turn.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "contract/params.h"
#include "cpu/aligned_memory.h"
#include "cpu/simd/level_kernels.h"

namespace full_w2v {

class CpuTrainer {
 public:
  // keep: [vocabulary], noise: [vocabulary]. paths: of the Huffman tree, read only if params.longest_path is
  // not 0. All are copied. `simd` caps the instruction set ("" for none). Throws std::invalid_argument for
  // settings out of range, std::bad_alloc when the matrices do not fit.
  CpuTrainer(const SgnsParams& params, const uint32_t* keep, const AliasSlot* noise,
             const HuffmanPaths& paths, int threads, const std::string& simd);

  // Makes room for windows in sentences of up to `longest` tokens: however large the window that was asked
  // for, no radius reaches further. Throws std::bad_alloc.
  void fit_sentences(int64_t longest);

  // Copies the matrices, float [vocabulary, dimension], in or out; `inner`, the rows of inner nodes, only if
  // there is a tree. Rows of bf16 are rounded to the nearest on their way in. Nothing else can be done with
  // rows, std::invalid_argument, before they are loaded.
  void load(const float* input, const float* output, const float* inner);
  void read(float* input, float* output, float* inner) const;

  // Locks input rows from now on: row w takes locks[w] times its change, nothing for 0 and all of it for 1.
  // locks: [vocabulary]. Throws std::invalid_argument for pair order, which has no tiles,
  // and for rows of bf16.
  void lock(const float* locks);

  // Keeps thread t, while it trains, on the t-th core that the process may use. Throws std::system_error if
  // the system does not let it.
  void pin_threads();

  // Trains every segment that begins at a token in begin ... end - 1. Threads update rows without locks
  // (Hogwild: Recht et al. 2011); with one thread the result is the same bits on every run. The corpus must
  // be sound: offsets that rise from 0, ids below the vocabulary's size.
  // The caller waits and asks `interrupted` about twenty times a second: once that is true, every thread ends
  // after the tile that it is at, and what the span did is not known. Throws std::invalid_argument if the
  // span is out of range; no row has changed then.
  SpanStats train(const CorpusView& corpus, int64_t begin, int64_t end, int32_t epoch,
                  const std::function<bool()>& interrupted);

  // Largest Euclidean norm of rows begin ... end - 1 of all matrices; infinity if a value is not finite.
  // Throws std::invalid_argument if there are no such rows.
  double largest_norm(int64_t begin, int64_t end) const;

  const char* simd() const { return kernels_.name; }
  int threads() const { return static_cast<int>(threads_); }
  const SgnsParams& params() const { return params_; }

 private:
  // Calls use(first, last) for parts of the rows begin ... end - 1, on the threads that train. Pages that are
  // written for the first time come from the memory of the thread's processor: small parts, which threads
  // take in turn, spread both frequent and rare rows over all processors.
  void share_rows(int64_t begin, int64_t end, const std::function<void(int64_t, int64_t)>& use) const;
  double largest_square_of(int64_t first, int64_t last) const;
  void require_matrices(const char* call) const;

  bool rounded() const { return params_.row_precision == RowPrecision::bf16; }
  float* inner_rows() const { return output_.get() + params_.vocabulary * stride_; }

  SgnsParams params_;
  const LevelKernels& kernels_;
  int64_t stride_;
  std::vector<uint32_t> keep_;  // up to the last word that may be dropped, and one for all words behind it
  std::vector<float> locks_;    // empty if there are none
  std::vector<int64_t> path_offsets_;
  std::vector<uint32_t> path_steps_;
  AlignedArray<AliasSlot> noise_;
  AlignedArray<float> input_, output_;           // output_: rows of words, then of inner nodes
  AlignedArray<Bf16> input_bf16_, output_bf16_;  // instead of both if rows are bf16
  size_t threads_ = 0;
  std::vector<Workspace> workspaces_;  // one a thread
  bool pinned_ = false;
  bool loaded_ = false;  // whether the matrices hold rows
};

}  // namespace full_w2v
