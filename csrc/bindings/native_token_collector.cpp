#include "bindings/native_token_collector.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace py = pybind11;

namespace full_w2v {
namespace {

constexpr size_t kTokensPerBlock = size_t{1} << 17;
constexpr size_t kShortToken = 16;      // bytes that are stored at once
constexpr py::ssize_t kFetchAhead = 6;  // tokens; a list of words made apart is scattered over memory
constexpr uint32_t kFirstSurrogate = 0xd800, kLastSurrogate = 0xdfff;

std::string type_name(const py::handle& object) { return Py_TYPE(object.ptr())->tp_name; }

// Writes the UTF-8 of a code point and returns one past it.
char* put_utf8(uint32_t point, char* out) {
  const auto continuation = [&out](uint32_t bits) { *out++ = static_cast<char>(0x80 | (bits & 0x3f)); };
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xc0 | point >> 6);
    continuation(point);
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xe0 | point >> 12);
    continuation(point >> 6);
    continuation(point);
  } else {
    *out++ = static_cast<char>(0xf0 | point >> 18);
    continuation(point >> 12);
    continuation(point >> 6);
    continuation(point);
  }
  return out;
}

// The UTF-8 of `count` code points, in `out`; false if one is a lone surrogate. Python's own function would
// keep the UTF-8 in the str, and so in the user's memory.
template <class Unit>
bool to_utf8(const Unit* points, size_t count, std::string& out) {
  out.resize(4 * count);
  char* end = out.data();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t point = points[i];
    if (point >= kFirstSurrogate && point <= kLastSurrogate) return false;
    end = put_utf8(point, end);
  }
  out.resize(static_cast<size_t>(end - out.data()));
  return true;
}

bool to_utf8(PyObject* text, std::string& out) {
#if PY_VERSION_HEX < 0x030c0000  // later versions have no str that is not ready
  if (PyUnicode_READY(text) != 0) throw py::error_already_set();
#endif
  const auto count = static_cast<size_t>(PyUnicode_GET_LENGTH(text));
  switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
      return to_utf8(PyUnicode_1BYTE_DATA(text), count, out);
    case PyUnicode_2BYTE_KIND:
      return to_utf8(PyUnicode_2BYTE_DATA(text), count, out);
    default:
      return to_utf8(PyUnicode_4BYTE_DATA(text), count, out);
  }
}

// Whether a str is ASCII, its characters right behind its header.
bool is_compact_ascii(PyObject* token) { return PyUnicode_Check(token) && PyUnicode_IS_COMPACT_ASCII(token); }

std::string_view ascii_of(PyObject* token) {
  return {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(token)),
          static_cast<size_t>(PyUnicode_GET_LENGTH(token))};
}

}  // namespace

TokenCollector::TokenCollector(size_t block_bytes, Take take)
    : block_bytes_(block_bytes), take_(std::move(take)) {}

void TokenCollector::add(const py::list& sentences, const py::object& spell) {
  for (const py::handle sentence : sentences) {
    add_sentence(sentence, spell);
    ++sentences_;
  }
}

void TokenCollector::flush() {
  if (block_.lengths.empty() && block_.ends.empty()) return;
  block_.bytes.resize(used_);
  used_ = 0;
  take_(std::exchange(block_, {}));
}

void TokenCollector::refuse(const std::string& what) const {
  throw InvalidSentence("sentence " + std::to_string(sentences_) + " " + what);
}

void TokenCollector::refuse_token(const py::handle& token, py::ssize_t index) const {
  const std::string place = " at " + std::to_string(index);
  if (PyUnicode_Check(token.ptr())) {
    refuse("has a token with a lone surrogate" + place + ", which UTF-8 cannot hold");
  }
  refuse("has a token of type " + type_name(token) + place + "; expected str, such as str(token)");
}

void TokenCollector::add_sentence(const py::handle& sentence, const py::object& spell) {
  if (PyUnicode_Check(sentence.ptr()) || PyBytes_Check(sentence.ptr())) {
    refuse("is a plain string, " + py::repr(sentence).cast<std::string>().substr(0, 60) +
           "; expected a list of tokens, such as sentence.split()");
  }
  if (!PyList_Check(sentence.ptr()) && !py::isinstance<py::iterable>(sentence)) {
    refuse("is of type " + type_name(sentence) + "; expected a list of tokens");
  }
  const auto list = py::reinterpret_steal<py::object>(PySequence_Fast(sentence.ptr(), "not iterable"));
  if (!list) throw py::error_already_set();
  // The size is read again each time: another thread may change the list while a block is handed over.
  for (py::ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.ptr()); ++i) {
    if (i + kFetchAhead < PySequence_Fast_GET_SIZE(list.ptr())) {
      __builtin_prefetch(PySequence_Fast_GET_ITEM(list.ptr(), i + kFetchAhead));
    }
    add_token(PySequence_Fast_GET_ITEM(list.ptr(), i), i, spell);
  }
  block_.ends.push_back(static_cast<uint32_t>(block_.lengths.size()));
}

void TokenCollector::add_token(PyObject* token, py::ssize_t index, const py::object& spell) {
  if (is_compact_ascii(token)) {
    const std::string_view text = ascii_of(token);
    if (text.size() - 1 < kShortToken && text[0] != '\0') return append_short_ascii(text);
  }
  add_other_token(py::reinterpret_borrow<py::object>(token), index, spell);
}

// `spell` names whatever is not a plain token: other types, a str that UTF-8 cannot hold or that begins like
// a name.
void TokenCollector::add_other_token(const py::object& token, py::ssize_t index, const py::object& spell) {
  std::string_view text = text_of(token);
  if (!spell.is_none() && (!text.data() || (!text.empty() && text[0] == '\0'))) {
    const auto name = py::reinterpret_steal<py::object>(PyObject_CallOneArg(spell.ptr(), token.ptr()));
    if (!name) throw py::error_already_set();
    text = text_of(name);
    if (text.data()) return append(text);  // while the name lives
  }
  if (!text.data()) refuse_token(token, index);
  append(text);
}

// The text of a str; its data is null for any other object and for a str that UTF-8 cannot hold. Valid until
// the next call, while the token lives.
std::string_view TokenCollector::text_of(const py::handle& token) {
  if (is_compact_ascii(token.ptr())) return ascii_of(token.ptr());
  if (!PyUnicode_Check(token.ptr()) || !to_utf8(token.ptr(), utf8_)) return {};
  return utf8_;
}

// Where the next `bytes` of the block go.
char* TokenCollector::room_for(size_t bytes) {
  if (block_.bytes.size() < used_ + bytes) {
    block_.bytes.resize(std::max({2 * block_.bytes.size(), used_ + bytes, block_bytes_ + kShortToken}));
    block_.lengths.reserve(std::min(block_bytes_, kTokensPerBlock));
  }
  return block_.bytes.data() + used_;
}

void TokenCollector::append(std::string_view text) {
  if (text.size() >= uint64_t{1} << 31) refuse("has a token of 2 GiB or more");
  std::memcpy(room_for(text.size()), text.data(), text.size());
  end_token(text.size());
}

// Appends 1 to kShortToken characters without a branch on their number: the 16 bytes up to their end, which
// begin in the header of the str, are shifted to their beginning.
void TokenCollector::append_short_ascii(std::string_view text) {
  static_assert(sizeof(PyASCIIObject) >= kShortToken, "a short token is read from within its object");
  unsigned __int128 last;
  std::memcpy(&last, text.data() + text.size() - kShortToken, sizeof last);
  last >>= 8 * (kShortToken - text.size());
  std::memcpy(room_for(kShortToken), &last, sizeof last);
  end_token(text.size());
}

void TokenCollector::end_token(size_t length) {
  used_ += length;
  block_.lengths.push_back(static_cast<uint32_t>(length));
  if (used_ >= block_bytes_ || block_.lengths.size() + block_.ends.size() >= kTokensPerBlock) flush();
}

}  // namespace full_w2v
