#include "corpus/token_counter.h"

#include <algorithm>
#include <string>
#include <vector>

#include "corpus/separators.h"
#include "corpus/white_space.h"

namespace full_w2v {
namespace {

// Bytes of text, and tokens at most, that are hashed before they are looked up: enough to hide a table's
// memory behind prefetching, few enough that they stay in the first-level cache.
constexpr size_t kBatch = 2048;
static_assert(kBatch % kScanBytes == 0, "a batch is scanned in whole steps");
static_assert(TokenCounter::kPadding >= kScanBytes + kKeyPadding,
              "the last step may find a token's end anywhere");

// Writes the offsets of all ASCII white space in text[begin] ... text[end - 1]; returns one past the last.
// `end - begin` is rounded up to a multiple of kScanBytes.
const uint32_t* find_separators(const char* text, size_t begin, size_t end, uint32_t* separators) {
  for (size_t at = begin; at < end; at += kScanBytes) {
    separators = append_bits(separator_bits(text + at), static_cast<uint32_t>(at), separators);
  }
  return separators;
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
  uint32_t separators[kBatch + 8];
  Token tokens[kBatch];
  out.ids.restart(size / 2 + 1);
  out.ends.restart(size + 1);
  uint32_t start = 0;
  // The text's last token ends at the padding, so that the scan goes on until it has seen the padding's
  // start.
  for (size_t begin = 0; begin <= size; begin += kBatch) {
    const size_t end = begin + kBatch <= size ? begin + kBatch : size + 1;
    const uint32_t* const last = find_separators(text, begin, end, separators);
    const size_t first_token = out.ids.size(), first_end = out.ends.size();
    const size_t count = hash_tokens(text, separators, last, start, tokens, out);
    const uint32_t ids = look_up(tokens, count, text, out, [&](WordTable::Slot& slot, const Token& token) {
      return check_new(slot, {text + token.start, token.length}, token.start, errors);
    });
    if (ids & WordTable::kAlias) expand(first_token, first_end, errors, out);
  }
}

void TokenCounter::count_tokens(TokenBlock& block, CountedBlock& out) {
  Token tokens[kBatch];
  block.bytes.append(kKeyPadding, ' ');
  const char* const bytes = block.bytes.data();
  out.ids.restart(block.lengths.size());
  out.ends.restart(block.ends.size());
  for (const uint32_t end : block.ends) out.ends.push(end);
  uint32_t start = 0;
  for (size_t begin = 0; begin < block.lengths.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, block.lengths.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t length = block.lengths[begin + i];
      const TokenKey key = token_key(bytes + start, length);
      tokens[i] = {key, hash_key(key), start, length};
      table_.prefetch(tokens[i].hash);
      start += length;
    }
    look_up(tokens, count, bytes, out, [](const WordTable::Slot& slot, const Token&) { return slot.id; });
  }
}

// Hashes the tokens that end at the given separators and notes where lines end. `start` is where the first
// token begins, and is left where the one after the last begins. Returns how many tokens are not empty.
size_t TokenCounter::hash_tokens(const char* text, const uint32_t* separators, const uint32_t* last,
                                 uint32_t& start, Token* tokens, CountedBlock& out) const {
  const auto before = static_cast<uint32_t>(out.ids.size());
  uint32_t* end_of_line = out.ends.data() + out.ends.size();
  uint32_t count = 0, begin = start;
  for (; separators < last; ++separators) {
    const uint32_t end = *separators, length = end - begin;
    const TokenKey key = token_key(text + begin, length);
    const uint64_t hash = hash_key(key);
    table_.prefetch(hash);
    // Written without branches: a value that does not count is overwritten by the next one.
    tokens[count] = {key, hash, begin, length};
    count += length != 0;
    *end_of_line = before + count;
    end_of_line += text[end] == '\n';
    begin = end + 1;
  }
  start = begin;
  out.ends.resize(static_cast<size_t>(end_of_line - out.ends.data()));
  return count;
}

// Counts tokens and appends their ids; `check_new(slot, token)` gives the id of one that is new. Returns all
// ids or-ed together.
template <class CheckNew>
uint32_t TokenCounter::look_up(const Token* tokens, size_t count, const char* text, CountedBlock& out,
                               CheckNew check_new) {
  table_.reserve(kBatch);
  uint32_t* const ids = out.ids.data() + out.ids.size();
  uint32_t all = 0;
  for (size_t i = 0; i < count; ++i) {
    const Token& token = tokens[i];
    WordTable::Slot& slot = table_.find_or_add(token.key, token.hash, text + token.start, token.length);
    ids[i] = slot.count++ == 0 ? check_new(slot, token) : slot.id;
    all |= ids[i];
  }
  out.ids.resize(out.ids.size() + count);
  return all;
}

// The id of a token of text that was just added: an alias if it must be split or repaired. An alias's words
// are added at once, so that ids keep the order of appearance.
uint32_t TokenCounter::check_new(WordTable::Slot& slot, std::string_view token, size_t offset,
                                 TextErrors errors) {
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
      table_.reserve(kBatch + 1);  // the batch that is being looked up relies on its room
      take(table_.find_or_add(key, hash_key(key), begin, length));
    }
    at += space - 1;
    begin = at + 1;
  }
}

}  // namespace full_w2v
