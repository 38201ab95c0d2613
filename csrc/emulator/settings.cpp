#include "emulator/settings.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>

namespace emulator {
namespace {

using Setter = std::function<void(Settings&, long long)>;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table = {
      {"seed", [](Settings& s, long long v) { s.seed = static_cast<uint64_t>(v); }},
      {"resident_blocks", [](Settings& s, long long v) { s.resident_blocks = static_cast<int>(v); }},
      {"check", [](Settings& s, long long v) { s.check = v != 0; }},
      {"count", [](Settings& s, long long v) { s.count = v != 0; }},
      {"devices", [](Settings& s, long long v) { s.devices = static_cast<int>(v); }},
      {"capability", [](Settings& s, long long v) { s.capability = static_cast<int>(v); }},
      {"memory_bytes", [](Settings& s, long long v) { s.memory_bytes = static_cast<size_t>(v); }},
      {"shared_bytes", [](Settings& s, long long v) { s.shared_bytes = static_cast<size_t>(v); }},
      {"fail_after_launches", [](Settings& s, long long v) { s.fail_after_launches = v; }},
  };
  return table;
}

std::string known_names() {
  std::string names;
  for (const auto& entry : setters()) names += (names.empty() ? "" : ", ") + entry.first;
  return names;
}

long long whole_number(const std::string& item, const std::string& text) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0') {
    throw std::invalid_argument("emulator setting must be name=whole number, got '" + item + "'");
  }
  return value;
}

}  // namespace

Settings Settings::parse(const std::string& text) {
  Settings result;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const auto equals = item.find('=');
    const auto setter = setters().find(item.substr(0, equals));
    if (setter == setters().end()) {
      throw std::invalid_argument("unknown emulator setting '" + item + "'; known are " + known_names());
    }
    setter->second(result, whole_number(item, equals == std::string::npos ? "" : item.substr(equals + 1)));
  }
  if (result.resident_blocks < 1) throw std::invalid_argument("resident_blocks must be at least 1");
  return result;
}

Settings& settings() {
  static Settings current = [] {
    const char* text = std::getenv("FULL_W2V_EMULATOR");
    return Settings::parse(text ? text : "");
  }();
  return current;
}

}  // namespace emulator
