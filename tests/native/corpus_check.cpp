// Counts and encodes random text and tokens on several threads, with blocks and spills of every size, and
// compares each word and sentence with a plain count. Built by test_corpus_threads.py.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "text/corpus_counter.h"
#include "text/encoder.h"
#include "text/separators.h"
#include "text/text_kernels.h"
#include "text/white_space.h"

using namespace full_w2v;
using Sentences = std::vector<std::vector<std::string>>;

namespace {

const Poll kNoPoll = [] {};

void require(bool condition, const char* what, unsigned seed) {
  if (condition) return;
  std::fprintf(stderr, "%s, seed %u\n", what, seed);
  std::exit(1);
}

// Few words of 1 to 40 bytes, so that they repeat; a separator between them, at times a sentence's end.
std::string random_text(std::mt19937& random) {
  const std::string separators[] = {" ", " ", "\n", "\r\n", "\t", "\xc2\xa0", "\xe3\x80\x80", "  "};
  std::string text;
  for (unsigned tokens = random() % 400; tokens > 0; --tokens) {
    const unsigned word = random() % 30;
    text += std::string(1 + word * word % 40, static_cast<char>('a' + word % 26)) + separators[random() % 8];
  }
  if (random() % 2) text += "\xed\x95\x9c";
  return text;
}

Sentences plain_sentences(const std::string& text) {
  Sentences sentences(1);
  std::string token;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at <= end; ++at) {
    const size_t wide = at < end ? wide_space(at, end) : 0;
    if (at < end && wide == 0 && !is_ascii_space(static_cast<unsigned char>(*at))) {
      token += *at;
      continue;
    }
    if (!token.empty()) sentences.back().push_back(std::exchange(token, {}));
    if (at < end && *at == '\n') sentences.emplace_back();
    if (wide) at += wide - 1;
  }
  sentences.erase(std::remove_if(sentences.begin(), sentences.end(), [](auto& s) { return s.empty(); }),
                  sentences.end());
  return sentences;
}

Sentences encoded_sentences(const CountedWords& words) {
  const std::vector<uint32_t> numbers = words.select(1);
  const File file = File::temporary("/tmp");
  const int64_t offsets_at = words.tokens() * int64_t{sizeof(int32_t)};
  std::atomic<int64_t> done{0};
  const EncodedSize size = encode(words, words.places(numbers), {file, 0, offsets_at}, 0, 3,
                                  choose_text_kernels(""), done, kNoPoll);
  std::vector<int32_t> ids(static_cast<size_t>(size.tokens));
  std::vector<int64_t> offsets(static_cast<size_t>(size.sentences) + 1);
  file.read_at(ids.data(), ids.size() * sizeof(int32_t), 0);
  file.read_at(offsets.data(), offsets.size() * sizeof(int64_t), offsets_at);
  Sentences sentences(static_cast<size_t>(size.sentences));
  for (size_t s = 0; s < sentences.size(); ++s) {
    for (int64_t i = offsets[s]; i < offsets[s + 1]; ++i) {
      sentences[s].emplace_back(words.word(numbers[static_cast<size_t>(ids[static_cast<size_t>(i)])]));
    }
  }
  return sentences;
}

void check_counts(const CountedWords& words, const Sentences& sentences, unsigned seed) {
  std::map<std::string, uint64_t> counts;
  for (const auto& sentence : sentences) {
    for (const auto& token : sentence) ++counts[token];
  }
  require(words.words() == counts.size(), "number of words", seed);
  for (const auto& [word, count] : counts) {
    const uint32_t number = words.find(word);
    require(number != kNoWord && words.count(number) == count, "count of a word", seed);
  }
}

void feed_in_pieces(CorpusCounter& counter, const std::string& text, std::mt19937& random) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = std::min<size_t>(1 + random() % 50, text.size() - at);
    counter.feed(text.data() + at, size, kNoPoll);
    at += size;
  }
}

void add_as_file(CorpusCounter& counter, const std::string& text, const std::string& path) {
  std::ofstream(path, std::ios::binary) << text;
  counter.add_file(path, kNoPoll);
}

void check_text(unsigned seed, const std::string& path) {
  std::mt19937 random(seed);
  CounterSettings settings;
  settings.threads = 1 + static_cast<int>(random() % 4);
  settings.simd = std::vector<const char*>{"", "avx2", "scalar"}[random() % 3];
  settings.directory = "/tmp";
  settings.spill_memory = random() % 2000;
  settings.block_bytes = 1 + random() % 300;
  CorpusCounter counter(settings);
  Sentences sentences;
  for (unsigned source = random() % 3 + 1; source > 0; --source) {
    const std::string text = random_text(random);
    counter.begin_source();
    if (random() % 2) {
      feed_in_pieces(counter, text, random);
    } else {
      add_as_file(counter, text, path + std::to_string(source));
    }
    counter.end_source(kNoPoll);
    for (auto& sentence : plain_sentences(text)) sentences.push_back(std::move(sentence));
  }
  const auto words = counter.finish(kNoPoll);
  check_counts(*words, sentences, seed);
  require(encoded_sentences(*words) == sentences, "sentences", seed);
}

// Any bytes at all: an error or a result, but nothing that a sanitizer minds.
void check_bytes(unsigned seed) {
  std::mt19937 random(seed);
  CounterSettings settings;
  settings.threads = 2;
  settings.directory = "/tmp";
  settings.block_bytes = 1 + random() % 300;
  settings.errors = static_cast<TextErrors>(random() % 3);
  CorpusCounter counter(settings);
  std::string bytes;
  const bool high = random() % 2;
  for (unsigned size = random() % 1000; size > 0; --size) {
    bytes += static_cast<char>(high ? 0x80 + random() % 0x80 : random() % 0x100);
  }
  try {
    counter.begin_source();
    feed_in_pieces(counter, bytes, random);
    counter.end_source(kNoPoll);
    encoded_sentences(*counter.finish(kNoPoll));
  } catch (const InvalidText& error) {
    require(settings.errors == TextErrors::strict && error.line >= 1 &&
                static_cast<unsigned char>(bytes[static_cast<size_t>(error.offset)]) == error.byte,
            "place of a fault", seed);
  }
}

void check_scan(unsigned seed) {
  std::mt19937 random(seed);
  char text[kScanBytes];
  for (char& byte : text) byte = static_cast<char>(random() % (random() % 2 ? 0x30 : 0x100));
  const uint64_t bits = separator_bits(text), line_feeds = line_feed_bits(text);
  for (int i = 0; i < kScanBytes; ++i) {
    require((bits >> i & 1) == is_ascii_space(static_cast<unsigned char>(text[i])), "a separator", seed);
    require((line_feeds >> i & 1) == (text[i] == '\n'), "a line feed", seed);
  }
  uint32_t positions[kScanBytes + 8];
  const uint32_t* const end = append_bits(bits, 100, positions);
  uint64_t again = 0;
  for (const uint32_t* at = positions; at < end; ++at) again |= uint64_t{1} << (*at - 100);
  require(again == bits && end - positions == __builtin_popcountll(bits), "positions of separators", seed);
}

struct Scanned {
  std::vector<uint64_t> spaces, line_feeds;
  std::vector<uint32_t> positions, line_ends, ids, moved_ends;
  std::vector<ptrdiff_t> homes;
  std::vector<uint64_t> counts;
  std::vector<TokenKey> keys;
  std::vector<int32_t> renamed;

  bool operator==(const Scanned& other) const {
    return spaces == other.spaces && line_feeds == other.line_feeds && positions == other.positions &&
           line_ends == other.line_ends && homes == other.homes && keys == other.keys && ids == other.ids &&
           counts == other.counts && renamed == other.renamed && moved_ends == other.moved_ends;
  }
};

void scan_lines(const TextKernels& kernels, Scanned& found) {
  found.line_ends.resize(found.line_feeds.size() * kBlockBytes + 1);
  const uint32_t* const last = kernels.append_line_ends(found.line_feeds.data(), found.spaces.data(),
                                                        found.spaces.size(), 5, found.line_ends.data());
  found.line_ends.resize(static_cast<size_t>(last - found.line_ends.data()));
}

// Counts a batch's tokens twice: when the first are added, and when all are known.
void count_all(const TextKernels& kernels, const std::string& text, size_t count, WordTable& table,
               const TokenBatch& batch, Scanned& found) {
  found.ids.resize(count);
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; (i = kernels.count_at_home(batch, i, count, found.ids.data())) < count; ++i) {
      const char* const token = text.data() + batch.starts[i];
      WordTable::Slot& slot = table.find_or_add(batch.keys[i], token, batch.ends[i] - batch.starts[i]);
      ++slot.count;
      found.ids[i] = slot.id;
    }
  }
  found.counts = table.counts();
}

// What a level makes of a text whose tokens are all that lies between two separators, empty or not.
Scanned scan(const TextKernels& kernels, const std::string& text) {
  constexpr size_t kBlocks = TokenBatch::kTextBytes / kBlockBytes;
  constexpr size_t kRoomBehind = 16;
  static TokenBatch batch;
  WordTable table(size_t{1} << 12);
  Scanned found;
  found.spaces.resize(kBlocks);
  found.line_feeds.resize(kBlocks);
  kernels.classify(text.data(), kBlocks, found.spaces.data(), found.line_feeds.data());
  found.positions.resize(TokenBatch::kTextBytes + kRoomBehind);
  const uint32_t* const last =
      kernels.append_positions(found.spaces.data(), kBlocks, 7, found.positions.data());
  found.positions.resize(static_cast<size_t>(last - found.positions.data()));
  const size_t count = std::min(found.positions.size(), TokenBatch::kTokens);
  for (size_t i = 0; i < count; ++i) {
    batch.starts[i] = i == 0 ? 0 : found.positions[i - 1] - 6;
    batch.ends[i] = found.positions[i] - 7;
  }
  std::fill_n(batch.starts + count, 8, 0u);
  std::fill_n(batch.ends + count, 8, 0u);
  kernels.make_keys(text.data(), count, table, batch);
  found.keys.assign(batch.keys, batch.keys + count);
  for (size_t i = 0; i < count; ++i) {
    const bool nowhere = batch.homes[i] == &batch.nowhere;
    found.homes.push_back(nowhere ? -1 : batch.homes[i] - table.slots());
  }
  scan_lines(kernels, found);
  count_all(kernels, text, count, table, batch, found);
  std::vector<int32_t> renaming(table.size());
  for (size_t i = 0; i < renaming.size(); ++i) renaming[i] = i % 3 ? static_cast<int32_t>(i) : -1;
  found.renamed.resize(count + kRoomBehind);
  std::vector<KeptIds> kept(count / kIdsAtOnce + 1);
  const int32_t* const end =
      kernels.rename(found.ids.data(), count, renaming.data(), found.renamed.data(), kept.data());
  found.renamed.resize(static_cast<size_t>(end - found.renamed.data()));
  std::vector<uint32_t> ends(count + 1);
  std::iota(ends.begin(), ends.end(), 0u);
  found.moved_ends.resize(ends.size());
  kernels.move_ends(kept.data(), ends.data(), ends.size(), found.moved_ends.data());
  return found;
}

void check_levels(unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  const unsigned longest = 1 + seed % 40;
  while (text.size() < TokenBatch::kTextBytes) {
    for (unsigned left = random() % longest; left > 0; --left)
      text += static_cast<char>('!' + random() % 0x80);
    text += "\t\n \x1c\r"[random() % 5];
  }
  text.resize(TokenBatch::kTextBytes);
  text.append(TokenCounter::kPadding, ' ');
  const Scanned expected = scan(kPortableTextKernels, text);
  for (const TextKernels* level : available_text_kernels()) {
    require(scan(*level, text) == expected, level->name, seed);
  }
}

}  // namespace

// The argument is the beginning of paths of files to write.
int main(int, char** arguments) {
  for (unsigned seed = 0; seed < 2000; ++seed) check_scan(seed);
  for (unsigned seed = 0; seed < 200; ++seed) check_levels(seed);
  for (unsigned seed = 0; seed < 100; ++seed) check_text(seed, arguments[1]);
  for (unsigned seed = 0; seed < 200; ++seed) check_bytes(seed);
  std::puts("ok");
}
