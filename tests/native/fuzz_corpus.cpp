// libFuzzer target for the native corpus path: any bytes, fed as text in pieces of any size or as tokens,
// counted with and without a memory limit, encoded and joined. The first bytes choose how. Not part of the
// test suite, which replays some inputs (tests/encoding/test_fuzz_seeds.py):
//
//   clang++ -std=c++17 -g -O1 -D_GLIBCXX_ASSERTIONS -fsanitize=fuzzer,address,undefined -Icsrc
//       csrc/text/*.cpp tests/native/fuzz_corpus.cpp -o /tmp/fuzz_corpus &&
//       /tmp/fuzz_corpus -max_total_time=300 -max_len=1024
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/corpus_counter.h"
#include "text/encoder.h"
#include "text/phrases.h"

namespace {

using namespace full_w2v;

const Poll kNoPoll = [] {};

void feed(CorpusCounter& counter, const char* bytes, size_t size, size_t piece, bool as_tokens) {
  counter.begin_source();
  for (size_t at = 0; at < size; at += piece) {
    const size_t taken = std::min(piece, size - at);
    if (as_tokens) {
      TokenBlock block;
      block.bytes.assign(bytes + at, taken);
      block.lengths.push_back(static_cast<uint32_t>(taken));
      block.ends.push_back(1);
      counter.feed_tokens(std::move(block), kNoPoll);
    } else {
      counter.feed(bytes + at, taken, kNoPoll);
    }
  }
  counter.end_source(kNoPoll);
}

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_encoding(const CountedWords& words, int64_t span) {
  const std::vector<uint32_t> numbers = words.select(1);
  int64_t tokens = 0;
  for (const uint32_t number : numbers) tokens += static_cast<int64_t>(words.count(number));
  const File file = File::temporary("/tmp");
  const int64_t offsets_at = (tokens + 2) * 4;
  std::atomic<int64_t> done{0};
  const EncodedSize size = encode(words, words.places(numbers), {file, 0, offsets_at}, span, 2,
                                  choose_text_kernels(""), done, kNoPoll);
  expect(size.tokens == tokens);
  std::vector<int32_t> ids(static_cast<size_t>(size.tokens) + 1);
  std::vector<int64_t> offsets(static_cast<size_t>(size.sentences) + 1);
  expect(file.read_at(ids.data(), static_cast<size_t>(tokens) * 4, 0) == static_cast<size_t>(tokens) * 4);
  expect(file.read_at(offsets.data(), offsets.size() * 8, offsets_at) == offsets.size() * 8);
  expect(offsets.front() == 0 && offsets.back() == tokens);
  for (int64_t i = 0; i < tokens; ++i) expect(ids[i] >= 0 && ids[i] < static_cast<int32_t>(numbers.size()));
  int64_t all_pairs = 0;
  const auto pairs =
      count_pairs({ids.data(), offsets.data(), size.sentences}, 1, 1, 2, all_pairs, done, kNoPoll);
  expect(all_pairs == static_cast<int64_t>(pairs.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  CounterSettings settings;
  settings.threads = 1 + data[0] % 2;
  settings.errors = static_cast<TextErrors>(data[0] / 2 % 3);
  settings.directory = "/tmp";
  settings.spill_memory = data[0] & 64 ? 0 : 4096;
  settings.block_bytes = 1 + data[1];
  settings.memory_limit = data[0] & 128 ? 1 : 0;  // a run for every block
  settings.min_count = settings.memory_limit;
  try {
    CorpusCounter counter(settings);
    feed(counter, reinterpret_cast<const char*>(data) + 4, size - 4, 1 + data[2], data[0] & 32);
    const auto words = counter.finish(kNoPoll);
    check_encoding(*words, data[3] & 1 ? data[3] : 0);
  } catch (const InvalidText&) {
    expect(settings.errors == TextErrors::strict);
  }
  return 0;
}
