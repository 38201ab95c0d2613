// What each PTX instruction does to the registers and the memory of a warp.
//
// A single file despite its length: a table of all instructions, together with the functions that it names.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "emulator/ptx/warp.h"

namespace emulator::ptx {
namespace {

template <class T>
T get(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
uint64_t put(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <class Body>
inline void for_lanes(uint32_t mask, Body body) {
  if (mask == ~0u) {
    for (int lane = 0; lane < kLanes; ++lane) body(lane);
    return;
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    if (mask >> lane & 1) body(lane);
  }
}

template <class T, class R, R (*function)(T)>
void unary(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]);
  for_lanes(mask, [&](int l) { to[l] = put<R>(function(get<T>(a[l]))); });
}
template <class T, class R, R (*function)(T, T)>
void binary(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  for_lanes(mask, [&](int l) { to[l] = put<R>(function(get<T>(a[l]), get<T>(b[l]))); });
}
template <class T, class R, R (*function)(T, T, R)>
void ternary(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]),
        &c = warp.value(one.from[2]);
  for_lanes(mask, [&](int l) { to[l] = put<R>(function(get<T>(a[l]), get<T>(b[l]), get<R>(c[l]))); });
}

template <class T>
T same(T a) {
  return a;
}
template <class T, class R>
R converted(T a) {
  return static_cast<R>(a);
}
template <class T>
T add(T a, T b) {
  return a + b;
}
template <class T>
T sub(T a, T b) {
  return a - b;
}
template <class T>
T mul(T a, T b) {
  return a * b;
}
template <class T>
T quotient(T a, T b) {
  return a / b;
}
template <class T>
T remainder(T a, T b) {
  return a % b;
}
template <class T>
T least(T a, T b) {
  return std::min(a, b);
}
template <class T>
T most(T a, T b) {
  return std::max(a, b);
}
template <class T>
T both(T a, T b) {
  return static_cast<T>(a & b);
}
template <class T>
T either(T a, T b) {
  return static_cast<T>(a | b);
}
template <class T>
T differ(T a, T b) {
  return static_cast<T>(a ^ b);
}
template <class T>
T inverted(T a) {
  return static_cast<T>(~a);
}
template <class T>
T negative(T a) {
  return -a;
}
template <class T, class R>
R wide(T a, T b) {
  return static_cast<R>(a) * static_cast<R>(b);
}
template <class T, class R>
R multiply_add(T a, T b, R c) {
  return static_cast<R>(a) * static_cast<R>(b) + c;
}
float fused(float a, float b, float c) { return std::fma(a, b, c); }
double fused(double a, double b, double c) { return std::fma(a, b, c); }

// Rounded down, and toward zero: the sum is exact in float64 but for rare cases, where it is rounded twice.
float fused_down(float a, float b, float c) {
  const double exact = static_cast<double>(a) * b + c;
  const auto near = static_cast<float>(exact);
  return near > exact ? std::nextafter(near, -std::numeric_limits<float>::infinity()) : near;
}
float add_toward_zero(float a, float b) {
  const double exact = static_cast<double>(a) + b;
  const auto near = static_cast<float>(exact);
  return std::fabs(near) > std::fabs(exact) ? std::nextafter(near, 0.0f) : near;
}
float saturated(float a) { return std::min(std::max(a, 0.0f), 1.0f); }
float power_of_two(float a) { return std::exp2(a); }
float reciprocal(float a) { return 1.0f / a; }
uint32_t votes(uint32_t a) { return static_cast<uint32_t>(__builtin_popcount(a)); }
uint32_t votes_of_two(uint64_t a) { return static_cast<uint32_t>(__builtin_popcountll(a)); }
uint32_t round_to_unsigned(uint64_t a) { return static_cast<uint32_t>(a); }

template <class T>
void shift_left(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  for_lanes(mask, [&](int l) {
    const auto by = static_cast<uint32_t>(b[l]);
    to[l] = by < sizeof(T) * 8 ? put<T>(static_cast<T>(get<T>(a[l]) << by)) : 0;
  });
}
// By the type's width or more nothing is left but the sign.
template <class T>
void shift_right(WarpState& warp, const Instruction& one, uint32_t mask) {
  constexpr uint32_t kWidth = sizeof(T) * 8;
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  for_lanes(mask, [&](int l) {
    const auto by = static_cast<uint32_t>(b[l]);
    const bool nothing = std::is_unsigned_v<T> && by >= kWidth;
    to[l] = nothing ? 0 : put<T>(static_cast<T>(get<T>(a[l]) >> std::min(by, kWidth - 1)));
  });
}

// bfi: `length` bits of a, put into b from bit `begin` on.
void insert_bits(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]),
        &begin = warp.value(one.from[2]), &length = warp.value(one.from[3]);
  for_lanes(mask, [&](int l) {
    const uint64_t field = ((uint64_t{1} << (length[l] & 63)) - 1) << (begin[l] & 63);
    to[l] = static_cast<uint32_t>((b[l] & ~field) | (a[l] << (begin[l] & 63) & field));
  });
}

template <class T, bool (*holds)(T, T)>
void compare(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  uint32_t found = 0;
  for_lanes(mask, [&](int l) { found |= uint32_t{holds(get<T>(a[l]), get<T>(b[l]))} << l; });
  uint32_t& to = warp.predicate(one.to[0]);
  to = (to & ~mask) | found;
}
template <class T>
bool equal(T a, T b) {
  return a == b;
}
template <class T>
bool unequal(T a, T b) {
  return a != b;
}
template <class T>
bool below(T a, T b) {
  return a < b;
}
template <class T>
bool at_most(T a, T b) {
  return a <= b;
}
template <class T>
bool above(T a, T b) {
  return a > b;
}
template <class T>
bool at_least(T a, T b) {
  return a >= b;
}

template <uint32_t (*function)(uint32_t, uint32_t)>
void combine_predicates(WarpState& warp, const Instruction& one, uint32_t mask) {
  uint32_t& to = warp.predicate(one.to[0]);
  to = (to & ~mask) | (function(warp.predicate(one.from[0]), warp.predicate(one.from[1])) & mask);
}
void invert_predicate(WarpState& warp, const Instruction& one, uint32_t mask) {
  uint32_t& to = warp.predicate(one.to[0]);
  to = (to & ~mask) | (~warp.predicate(one.from[0]) & mask);
}
// From another predicate's register, or from the constant 0 or -1.
void set_predicate(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes& a = warp.value(one.from[0]);
  uint32_t& to = warp.predicate(one.to[0]);
  to = (to & ~mask) | (a[0] != 0 ? mask : 0);
}
void select(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  const uint32_t chosen = warp.predicate(one.from[2]);
  for_lanes(mask, [&](int l) { to[l] = chosen >> l & 1 ? a[l] : b[l]; });
}

void shuffle_xor(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  Lanes given;
  std::copy(std::begin(a), std::end(a), given);
  for_lanes(mask, [&](int l) { to[l] = given[(static_cast<uint64_t>(l) ^ b[l]) & 31]; });
}
void shuffle_index(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]), &b = warp.value(one.from[1]);
  Lanes given;
  std::copy(std::begin(a), std::end(a), given);
  for_lanes(mask, [&](int l) { to[l] = given[b[l] & 31]; });
}
void ballot(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes& to = warp.value(one.to[0]);
  const uint32_t votes = warp.predicate(one.from[0]) & mask;
  for_lanes(mask, [&](int l) { to[l] = votes; });
}
// Tensor cores read the upper 19 bits.
float cut_to_tf32(uint64_t bits) { return get<float>(bits & 0xffffe000u); }

// mma.m16n8k8 of TF32: lane 4 g + q has of the first matrix rows g and g + 8 in columns q (registers 0, 1)
// and q + 4 (2, 3), of the second one rows q and q + 4 of column g; of the sums rows g (0, 1) and g + 8 (2,
// 3) in columns 2 q and 2 q + 1.
void multiply_tf32(WarpState& warp, const Instruction& one, uint32_t) {
  float sums[4][kLanes];
  for (int l = 0; l < kLanes; ++l) {
    for (int i = 0; i < 4; ++i) {
      const int column = l % 4 * 2 + i % 2;
      float sum = get<float>(warp.value(one.from[static_cast<size_t>(6 + i)])[l]);
      for (int k = 0; k < 8; ++k) {
        const auto row_register = static_cast<size_t>(i / 2 + k / 4 * 2);
        const auto column_register = static_cast<size_t>(4 + k / 4);
        sum += cut_to_tf32(warp.value(one.from[row_register])[l / 4 * 4 + k % 4]) *
               cut_to_tf32(warp.value(one.from[column_register])[column * 4 + k % 4]);
      }
      sums[i][l] = sum;
    }
  }
  for (size_t i = 0; i < 4; ++i) {
    for (int l = 0; l < kLanes; ++l) warp.value(one.to[i])[l] = put(sums[i][l]);
  }
}
void nothing(WarpState&, const Instruction&, uint32_t) {}

template <class T>
uint32_t request_bytes(size_t count) {
  return static_cast<uint32_t>(sizeof(T) * count);
}

enum class Space { shared, global, local, parameter };

template <Space space>
void request(WarpState& warp, const Instruction& one, uint32_t mask, uint32_t bytes, Access access,
             char** at) {
  if constexpr (space == Space::shared) {
    warp.shared_request(one, mask, bytes, access, at);
  } else if constexpr (space == Space::global) {
    warp.global_request(one, mask, bytes, access, at);
  } else {
    Lanes& address = warp.value(one.from[0]);
    const auto offset = static_cast<uint64_t>(static_cast<int64_t>(one.offset));
    for_lanes(mask, [&](int l) {
      at[l] = space == Space::local ? warp.local(l, address[l] + offset, bytes)
                                    : const_cast<char*>(warp.parameters(address[l] + offset, bytes));
    });
  }
}

template <class T, Space space>
void load(WarpState& warp, const Instruction& one, uint32_t mask) {
  char* at[kLanes];
  request<space>(warp, one, mask, request_bytes<T>(one.to.size()), Access::load, at);
  for (size_t i = 0; i < one.to.size(); ++i) {
    Lanes& to = warp.value(one.to[i]);
    for_lanes(mask, [&](int l) {
      T value;
      std::memcpy(&value, at[l] + i * sizeof(T), sizeof(T));
      to[l] = put<T>(value);
    });
  }
}
template <class T, Space space>
void store(WarpState& warp, const Instruction& one, uint32_t mask) {
  char* at[kLanes];
  request<space>(warp, one, mask, request_bytes<T>(one.from.size() - 1), Access::store, at);
  for (size_t i = 1; i < one.from.size(); ++i) {
    Lanes& from = warp.value(one.from[i]);
    for_lanes(mask, [&](int l) {
      const T value = get<T>(from[l]);
      std::memcpy(at[l] + (i - 1) * sizeof(T), &value, sizeof(T));
    });
  }
}
// Adds to global memory; `atom` also gives the old value.
template <class T>
void add_atomically(WarpState& warp, const Instruction& one, uint32_t mask) {
  char* at[kLanes];
  warp.global_request(one, mask, request_bytes<T>(one.from.size() - 1), Access::atomic, at);
  for (size_t i = 1; i < one.from.size(); ++i) {
    Lanes& from = warp.value(one.from[i]);
    for_lanes(mask, [&](int l) {
      T value;
      char* const place = at[l] + (i - 1) * sizeof(T);
      std::memcpy(&value, place, sizeof(T));
      if (!one.to.empty() && one.to[0] >= 0) warp.value(one.to[0])[l] = put<T>(value);
      value += get<T>(from[l]);
      std::memcpy(place, &value, sizeof(T));
    });
  }
}

// Two values of bf16 in a word, rounded to the nearest; the second operand in its lower half.
uint32_t bf16_bits(float value) {
  const auto bits = get<uint32_t>(put(value));
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}
uint32_t bf16_pair(float high, float low) { return bf16_bits(high) << 16 | bf16_bits(low); }
float bf16_value(uint32_t bits) { return get<float>(put(bits << 16)); }

void add_bf16_pairs(WarpState& warp, const Instruction& one, uint32_t mask) {
  char* at[kLanes];
  warp.global_request(one, mask, request_bytes<uint32_t>(one.from.size() - 1), Access::atomic, at);
  for (size_t i = 1; i < one.from.size(); ++i) {
    Lanes& from = warp.value(one.from[i]);
    for_lanes(mask, [&](int l) {
      char* const place = at[l] + (i - 1) * sizeof(uint32_t);
      uint32_t word;
      std::memcpy(&word, place, sizeof word);
      const auto added = static_cast<uint32_t>(from[l]);
      word = bf16_pair(bf16_value(word >> 16) + bf16_value(added >> 16),
                       bf16_value(word & 0xFFFF) + bf16_value(added & 0xFFFF));
      std::memcpy(place, &word, sizeof word);
    });
  }
}

void compare_and_swap(WarpState& warp, const Instruction& one, uint32_t mask) {
  char* at[kLanes];
  warp.global_request(one, mask, sizeof(uint32_t), Access::atomic, at);
  Lanes &to = warp.value(one.to[0]), &expected = warp.value(one.from[1]), &value = warp.value(one.from[2]);
  for_lanes(mask, [&](int l) {
    uint32_t found;
    std::memcpy(&found, at[l], sizeof found);
    if (found == static_cast<uint32_t>(expected[l])) {
      const auto word = static_cast<uint32_t>(value[l]);
      std::memcpy(at[l], &word, sizeof word);
    }
    to[l] = found;
  });
}

void to_generic(WarpState& warp, const Instruction& one, uint32_t mask) {
  Lanes &to = warp.value(one.to[0]), &a = warp.value(one.from[0]);
  for_lanes(mask, [&](int l) { to[l] = a[l] + warp.shared_base(); });
}

using Table = std::map<std::string, Meaning>;

template <class T>
void integers(Table& table, const std::string& type) {
  using U = std::make_unsigned_t<T>;  // wraps around without undefined behaviour
  const auto put = [&](const char* name, Action action) { table[name + type] = {action, Class::integer}; };
  put("add.", binary<U, U, add<U>>);
  put("sub.", binary<U, U, sub<U>>);
  put("mul.lo.", binary<U, U, mul<U>>);
  put("mad.lo.", ternary<U, U, multiply_add<U, U>>);
  put("div.", binary<T, T, quotient<T>>);
  put("rem.", binary<T, T, remainder<T>>);
  put("min.", binary<T, T, least<T>>);
  put("max.", binary<T, T, most<T>>);
  put("shr.", shift_right<T>);
  put("neg.", unary<U, U, negative<U>>);
}

template <class T>
void bits(Table& table, const std::string& type) {
  const auto put = [&](const char* name, Action action) { table[name + type] = {action, Class::integer}; };
  put("and.", binary<T, T, both<T>>);
  put("or.", binary<T, T, either<T>>);
  put("xor.", binary<T, T, differ<T>>);
  put("not.", unary<T, T, inverted<T>>);
  put("shl.", shift_left<T>);
}

template <class T>
void comparisons(Table& table, const std::string& type, Class kind) {
  const auto put = [&](const char* name, Action action) { table[name + type] = {action, kind}; };
  put("setp.eq.", compare<T, equal<T>>);
  put("setp.ne.", compare<T, unequal<T>>);
  put("setp.neu.", compare<T, unequal<T>>);
  put("setp.lt.", compare<T, below<T>>);
  put("setp.le.", compare<T, at_most<T>>);
  put("setp.gt.", compare<T, above<T>>);
  put("setp.ge.", compare<T, at_least<T>>);
}

template <class T>
void moves(Table& table, const std::string& type) {
  table["mov." + type] = {unary<T, T, same<T>>, Class::integer};
  table["selp." + type] = {select, Class::select};
}

// Loads and stores of a type from every space, alone and as vectors.
template <class T>
void memory(Table& table, const std::string& type) {
  for (const std::string vector : {"", "v2.", "v4."}) {
    const std::string end = vector + type;
    table["ld.shared." + end] = {load<T, Space::shared>, Class::shared};
    table["st.shared." + end] = {store<T, Space::shared>, Class::shared};
    for (const std::string cache : {"", "cg.", "nc."}) {
      table["ld.global." + cache + end] = {load<T, Space::global>, Class::global};
    }
    table["st.global." + end] = {store<T, Space::global>, Class::global};
    table["ld." + end] = {load<T, Space::global>, Class::global};
    table["st." + end] = {store<T, Space::global>, Class::global};
    table["ld.local." + end] = {load<T, Space::local>, Class::other};
    table["st.local." + end] = {store<T, Space::local>, Class::other};
    table["ld.param." + end] = {load<T, Space::parameter>, Class::other};
    table["red.global.add." + end] = {add_atomically<T>, Class::atomic};
  }
  table["atom.global.add." + type] = {add_atomically<T>, Class::atomic};
}

template <class T>
void floating(Table& table, const std::string& type, Class kind) {
  const auto put = [&](const std::string& name, Action action) { table[name + type] = {action, kind}; };
  put("add.", binary<T, T, add<T>>);
  put("sub.", binary<T, T, sub<T>>);
  put("mul.", binary<T, T, mul<T>>);
  put("div.rn.", binary<T, T, quotient<T>>);
  put("max.", binary<T, T, most<T>>);
  put("min.", binary<T, T, least<T>>);
  put("neg.", unary<T, T, negative<T>>);
  put("abs.", unary<T, T, static_cast<T (*)(T)>(std::fabs)>);
  put("fma.rn.", ternary<T, T, static_cast<T (*)(T, T, T)>(fused)>);
}

void conversions(Table& table) {
  const auto put = [&](const char* name, Action action) { table[name] = {action, Class::integer}; };
  put("cvt.u32.u64", unary<uint64_t, uint32_t, round_to_unsigned>);
  put("cvt.u64.u32", unary<uint32_t, uint64_t, converted<uint32_t, uint64_t>>);
  put("cvt.s64.s32", unary<int32_t, int64_t, converted<int32_t, int64_t>>);
  put("cvt.u32.u16", unary<uint16_t, uint32_t, converted<uint16_t, uint32_t>>);
  put("cvt.u16.u32", unary<uint32_t, uint16_t, converted<uint32_t, uint16_t>>);
  put("cvt.rn.f32.s32", unary<int32_t, float, converted<int32_t, float>>);
  put("cvt.rzi.s32.f32", unary<float, int32_t, converted<float, int32_t>>);
  put("cvt.rn.f64.s32", unary<int32_t, double, converted<int32_t, double>>);
  put("cvt.rn.f64.s64", unary<int64_t, double, converted<int64_t, double>>);
  put("cvt.f64.f32", unary<float, double, converted<float, double>>);
  put("cvt.rn.f32.f64", unary<double, float, converted<double, float>>);
  put("cvt.sat.f32.f32", unary<float, float, saturated>);
  put("cvta.to.global.u64", unary<uint64_t, uint64_t, same<uint64_t>>);
  put("cvta.shared.u64", to_generic);
  put("mul.wide.u32", binary<uint32_t, uint64_t, wide<uint32_t, uint64_t>>);
  put("mul.wide.s32", binary<int32_t, int64_t, wide<int32_t, int64_t>>);
  put("mul.wide.u16", binary<uint16_t, uint32_t, wide<uint16_t, uint32_t>>);
  put("mad.wide.u32", ternary<uint32_t, uint64_t, multiply_add<uint32_t, uint64_t>>);
  put("mad.wide.s32", ternary<int32_t, int64_t, multiply_add<int32_t, int64_t>>);
  put("popc.b32", unary<uint32_t, uint32_t, votes>);
  put("popc.b64", unary<uint64_t, uint32_t, votes_of_two>);
  put("bfi.b32", insert_bits);
}

Table make_table() {
  Table table;
  integers<int32_t>(table, "s32");
  integers<uint32_t>(table, "u32");
  integers<int64_t>(table, "s64");
  integers<uint64_t>(table, "u64");
  bits<uint16_t>(table, "b16");
  bits<uint32_t>(table, "b32");
  bits<uint64_t>(table, "b64");
  comparisons<int16_t>(table, "s16", Class::integer);
  comparisons<uint16_t>(table, "u16", Class::integer);
  comparisons<int32_t>(table, "s32", Class::integer);
  comparisons<uint32_t>(table, "u32", Class::integer);
  comparisons<uint32_t>(table, "b32", Class::integer);
  comparisons<int64_t>(table, "s64", Class::integer);
  comparisons<uint64_t>(table, "u64", Class::integer);
  comparisons<float>(table, "f32", Class::fp32);
  comparisons<double>(table, "f64", Class::other);
  for (const char* type : {"u16", "s16", "b16"}) moves<uint16_t>(table, type);
  for (const char* type : {"u32", "s32", "b32", "f32"}) moves<uint32_t>(table, type);
  for (const char* type : {"u64", "s64", "b64", "f64"}) moves<uint64_t>(table, type);
  memory<uint8_t>(table, "u8");
  memory<uint16_t>(table, "u16");
  for (const char* type : {"u32", "s32", "b32"}) memory<uint32_t>(table, type);
  for (const char* type : {"u64", "s64", "b64"}) memory<uint64_t>(table, type);
  memory<float>(table, "f32");
  memory<double>(table, "f64");
  floating<float>(table, "f32", Class::fp32);
  floating<double>(table, "f64", Class::other);
  conversions(table);
  table["fma.rm.f32"] = {ternary<float, float, fused_down>, Class::fp32};
  table["add.rz.f32"] = {binary<float, float, add_toward_zero>, Class::fp32};
  table["ex2.approx.ftz.f32"] = {unary<float, float, power_of_two>, Class::special};
  table["rcp.approx.ftz.f32"] = {unary<float, float, reciprocal>, Class::special};
  for (const std::string vector : {"", "v2."}) {
    table["red.global.add.noftz." + vector + "bf16x2"] = {add_bf16_pairs, Class::atomic};
  }
  table["cvt.rn.bf16x2.f32"] = {binary<float, uint32_t, bf16_pair>, Class::integer};
  table["atom.global.cas.b32"] = {compare_and_swap, Class::atomic};
  table["and.pred"] = {combine_predicates<both<uint32_t>>, Class::integer};
  table["or.pred"] = {combine_predicates<either<uint32_t>>, Class::integer};
  table["xor.pred"] = {combine_predicates<differ<uint32_t>>, Class::integer};
  table["not.pred"] = {invert_predicate, Class::integer};
  table["mov.pred"] = {set_predicate, Class::integer};
  table["shfl.sync.bfly.b32"] = {shuffle_xor, Class::shuffle};
  table["shfl.sync.idx.b32"] = {shuffle_index, Class::shuffle};
  table["vote.sync.ballot.b32"] = {ballot, Class::integer};
  table["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = {multiply_tf32, Class::matrix};
  table["bar.warp.sync"] = {nothing, Class::control};
  return table;
}

}  // namespace

Meaning meaning_of(const std::string& opcode) {
  static const Table table = make_table();
  const auto found = table.find(opcode);
  if (found == table.end()) throw std::invalid_argument("the instruction " + opcode + " is not known");
  return found->second;
}

}  // namespace emulator::ptx
