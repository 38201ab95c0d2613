#include "text/token_counter.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "text/separators.h"
#include "text/white_space.h"

namespace full_w2v {
namespace {

constexpr size_t kBatchBlocks = TokenBatch::kTextBytes / kBlockBytes;
constexpr size_t kKeysAtOnce = 8;  // make_keys reads so many starts and ends at a time
static_assert(TokenCounter::kPadding >= kBlockBytes + kKeyPadding,
              "the last block of bits may find a token's end anywhere");

// Where the tokens of 64 bytes begin, and the separators behind them; empty tokens have neither.
struct TokenBits {
  uint64_t starts, ends;
};

// spaces: which bytes separate. in_token: whether the byte before them belongs to a token; left as it is for
// what follows.
TokenBits token_bits(uint64_t spaces, bool& in_token) {
  const uint64_t behind_token = ~spaces << 1 | static_cast<uint64_t>(in_token);
  in_token = spaces >> 63 == 0;
  return {~spaces & ~behind_token, spaces & behind_token};
}

// Whether a token is ASCII without NUL, as most are: then it holds neither faults nor wide spaces. May read 7
// bytes behind it.
bool is_plain(std::string_view token) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kHigh = 0x8080808080808080u;
  for (size_t at = 0; at < token.size(); at += 8) {
    const uint64_t inside = low_bytes(token.size() - at);
    const uint64_t word = load_word(token.data() + at) & inside;
    const uint64_t zeros = (word | ~inside) - kOnes;  // borrows from a NUL's high bit
    if (((word | (zeros & inside)) & kHigh) != 0) return false;
  }
  return true;
}

bool has_wide_space(std::string_view token) {
  const char* const end = token.data() + token.size();
  for (const char* at = token.data(); at < end; ++at) {
    if (wide_space(at, end)) return true;
  }
  return false;
}

}  // namespace

void TokenCounter::count_text(const char* text, size_t size, TextErrors errors, CountedBlock& out) {
  out.ids.restart(size / 2 + 1);
  out.ends.restart(size + 2);
  Unfinished token;
  // The text's last token ends at the padding, so that the scan goes on until it has seen the padding's
  // start.
  for (size_t begin = 0; begin <= size; begin += TokenBatch::kTextBytes) {
    const size_t end = std::min(begin + TokenBatch::kTextBytes, size + 1);
    const size_t first_token = out.ids.size(), first_end = out.ends.size();
    const size_t count =
        find_tokens(text, static_cast<uint32_t>(begin), static_cast<uint32_t>(end), token, out);
    const uint32_t ids =
        look_up(text, count, out, [&](WordTable::Slot& slot, uint32_t start, uint32_t length) {
          return check_new(slot, {text + start, length}, start, errors);
        });
    if (ids & WordTable::kAlias) expand(first_token, first_end, errors, out);
  }
}

void TokenCounter::count_tokens(TokenBlock& block, CountedBlock& out) {
  block.bytes.append(kKeyPadding, ' ');
  out.ids.restart(block.lengths.size());
  out.ends.restart(block.ends.size());
  for (const uint32_t end : block.ends) out.ends.push(end);
  uint32_t start = 0;
  for (size_t begin = 0; begin < block.lengths.size(); begin += TokenBatch::kTokens) {
    const size_t count = std::min(TokenBatch::kTokens, block.lengths.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      batch_.starts[i] = start;
      batch_.ends[i] = start += block.lengths[begin + i];
    }
    look_up(block.bytes.data(), count, out,
            [](const WordTable::Slot& slot, uint32_t, uint32_t) { return slot.id; });
  }
}

// Finds the tokens of text[begin] ... text[end - 1] that end there, and notes where lines end. Returns how
// many there are.
size_t TokenCounter::find_tokens(const char* text, uint32_t begin, uint32_t end, Unfinished& token,
                                 CountedBlock& out) {
  uint64_t spaces[kBatchBlocks], line_feeds[kBatchBlocks], starts[kBatchBlocks], ends[kBatchBlocks];
  const size_t blocks = (end - begin + kBlockBytes - 1) / kBlockBytes;
  kernels_.classify(text + begin, blocks, spaces, line_feeds);
  batch_.starts[0] = token.start;
  uint32_t* const first_start = batch_.starts + token.exists;
  for (size_t block = 0; block < blocks; ++block) {
    const TokenBits bits = token_bits(spaces[block], token.exists);
    starts[block] = bits.starts;
    ends[block] = bits.ends;
  }
  const auto before = static_cast<uint32_t>(out.ids.size());
  const uint32_t* const last_end =
      kernels_.append_line_ends(line_feeds, ends, blocks, before, out.ends.data() + out.ends.size());
  out.ends.resize(static_cast<size_t>(last_end - out.ends.data()));
  kernels_.append_positions(starts, blocks, begin, first_start);
  const uint32_t* const last = kernels_.append_positions(ends, blocks, begin, batch_.ends);
  const auto count = static_cast<size_t>(last - batch_.ends);
  if (token.exists) token.start = batch_.starts[count];
  return count;
}

// Counts the batch's tokens and appends their ids; `check_new(slot, start, length)` gives the id of one that
// is new. Returns all ids or-ed together.
template <class CheckNew>
uint32_t TokenCounter::look_up(const char* text, size_t count, CountedBlock& out, CheckNew check_new) {
  table_.reserve(count);
  std::fill_n(batch_.starts + count, kKeysAtOnce, 0u);
  std::fill_n(batch_.ends + count, kKeysAtOnce, 0u);
  kernels_.make_keys(text, count, table_, batch_);
  uint32_t* const ids = out.ids.data() + out.ids.size();
  for (size_t i = 0; (i = kernels_.count_at_home(batch_, i, count, ids)) < count; ++i) {
    const uint32_t start = batch_.starts[i], length = batch_.ends[i] - start;
    const int shift = table_.shift();
    WordTable::Slot& slot = table_.find_or_add(batch_.keys[i], text + start, length);
    ids[i] = slot.count++ == 0 ? check_new(slot, start, length) : slot.id;
    if (table_.shift() != shift) find_homes(i + 1, count);
  }
  out.ids.resize(out.ids.size() + count);
  return std::accumulate(ids, ids + count, 0u, std::bit_or<>());
}

// Finds the homes of the batch's keys anew, as the table has grown.
void TokenCounter::find_homes(size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    batch_.homes[i] = batch_.keys[i].is_hashed() ? &batch_.nowhere : table_.home(batch_.keys[i]);
  }
}

// The id of a token of text that was just added: an alias if it must be split or repaired. An alias's words
// are added at once, so that ids keep the order of appearance.
uint32_t TokenCounter::check_new(WordTable::Slot& slot, std::string_view token, size_t offset,
                                 TextErrors errors) {
  if (is_plain(token)) return slot.id;
  const size_t fault = find_fault(token);
  if (fault != kNoFault && errors == TextErrors::strict) {
    throw NotText(offset + fault, static_cast<unsigned char>(token[fault]));
  }
  if (fault == kNoFault && !has_wide_space(token)) return slot.id;
  slot.id |= WordTable::kAlias;
  const uint32_t id = slot.id;
  split(token, errors, [](const WordTable::Slot&) {});  // may move the slots
  return id;
}

// Puts the words that aliases stand for in their places, from token `first_token` and sentence end
// `first_end` of the block on.
void TokenCounter::expand(size_t first_token, size_t first_end, TextErrors errors, CountedBlock& out) {
  const std::vector<uint32_t> ids(out.ids.data() + first_token, out.ids.data() + out.ids.size());
  out.ids.resize(first_token);
  size_t end = first_end;
  for (size_t i = 0; i <= ids.size(); ++i) {
    for (; end < out.ends.size() && out.ends[end] == first_token + i; ++end) {
      out.ends[end] = static_cast<uint32_t>(out.ids.size());
    }
    if (i == ids.size()) break;
    if (!(ids[i] & WordTable::kAlias)) {
      out.ids.push(ids[i]);
      continue;
    }
    const std::string token(table_.word(ids[i]));
    split(token, errors, [&out](WordTable::Slot& slot) {
      ++slot.count;
      out.ids.push(slot.id);
    });
  }
}

// Repairs a token, splits it at white space above ASCII and gives the slot of each word to `take`.
template <class TakePart>
void TokenCounter::split(std::string_view token, TextErrors errors, TakePart take) {
  std::string text = errors == TextErrors::strict ? std::string(token) : repair(token, errors);
  const size_t size = text.size();
  text.append(kKeyPadding, '\0');
  const char* const end = text.data() + size;
  const char* begin = text.data();
  for (const char* at = begin; at <= end; ++at) {
    const size_t space = at == end ? 1 : wide_space(at, end);
    if (space == 0) continue;
    if (at > begin) {
      const auto length = static_cast<size_t>(at - begin);
      const TokenKey key = token_key(begin, length);
      table_.reserve(TokenBatch::kTokens + 1);  // the batch that is being looked up relies on its room
      take(table_.find_or_add(key, begin, length));
    }
    at += space - 1;
    begin = at + 1;
  }
}

}  // namespace full_w2v
