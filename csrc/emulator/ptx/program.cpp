#include "emulator/ptx/program.h"

#include <cxxabi.h>

#include <cstdlib>
#include <regex>
#include <stdexcept>

namespace emulator::ptx {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string demangled(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  const std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

bool is_number(const std::string& text) {
  return !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-');
}

// 12, -1, 0x7f, 0f3F800000 (a float's bits), 0d... (a double's).
uint64_t bits_of(const std::string& number) {
  const bool floating = number.size() > 2 && number[0] == '0' && (number[1] == 'f' || number[1] == 'd');
  if (floating) return std::strtoull(number.c_str() + 2, nullptr, 16);
  return number[0] == '-' ? static_cast<uint64_t>(std::strtoll(number.c_str(), nullptr, 0))
                          : std::strtoull(number.c_str(), nullptr, 0);
}

int64_t size_of(const std::string& type) {
  return std::stoi(type.substr(type.find_first_of("0123456789"))) / 8;
}

// Reads the body of one kernel.
class BodyReader {
 public:
  explicit BodyReader(Kernel& kernel) : kernel_(kernel) {}

  void read(const std::string& body, int line) {
    std::string statement;
    for (const char c : body) {
      if (c == '\n') ++line;
      if (c == ';') {
        take(statement, line);
        statement.clear();
      } else {
        statement += c;
      }
      if (c == ':' && trimmed(statement)[0] == '$') {
        const std::string label = trimmed(statement);
        labels_[label.substr(0, label.size() - 1)] = static_cast<int>(kernel_.instructions.size());
        statement.clear();
      }
    }
    link();
  }

 private:
  void take(const std::string& raw, int line) {
    std::string text = trimmed(raw);
    while (!text.empty() && (text[0] == '{' || text[0] == '}')) text = trimmed(text.substr(1));
    if (text.rfind(".local", 0) == 0) {
      const auto open = text.find('[');
      kernel_.local_bytes += std::atoll(text.c_str() + open + 1);
    }
    if (text.empty() || text[0] == '.') return;
    Instruction instruction;
    instruction.line = line;
    if (text[0] == '@') text = take_guard(text, instruction);
    const auto end = text.find_first_of(" \t\n");
    instruction.opcode = text.substr(0, end);
    try {
      operands(instruction, end == std::string::npos ? "" : trimmed(text.substr(end)));
    } catch (const std::exception& error) {
      throw std::invalid_argument("PTX line " + std::to_string(line) + ", '" + text + "': " + error.what());
    }
    kernel_.instructions.push_back(instruction);
  }

  std::string take_guard(const std::string& text, Instruction& instruction) {
    const auto space = text.find_first_of(" \t");
    instruction.negated = text[1] == '!';
    instruction.guard =
        predicate(text.substr(instruction.negated ? 2 : 1, space - (instruction.negated ? 2 : 1)));
    return trimmed(text.substr(space));
  }

  void operands(Instruction& one, const std::string& text) {
    const std::string& opcode = one.opcode;
    if (opcode == "bra" || opcode == "bra.uni") {
      one.flow = Flow::branch;
      one.kind = Class::control;
      branches_.push_back({kernel_.instructions.size(), text});
      return;
    }
    if (opcode == "ret") {
      one.flow = Flow::exit;
      one.kind = Class::control;
      return;
    }
    if (opcode == "bar.sync") {
      one.flow = Flow::block_barrier;
      one.kind = Class::control;
      one.meets = true;
      return;
    }
    const Meaning meaning = meaning_of(opcode);
    one.action = meaning.action;
    one.kind = meaning.kind;
    one.meets = opcode.find(".sync") != std::string::npos;
    const bool stores = opcode.rfind("st.", 0) == 0 || opcode.rfind("red.", 0) == 0;
    const bool nothing = stores || opcode == "bar.warp.sync";
    const std::vector<std::string> parts = split(text);
    for (size_t i = 0; i < parts.size(); ++i) {
      operand(parts[i], i == 0 && !nothing, one);
    }
  }

  // Splits at the commas outside of braces and brackets.
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    int depth = 0;
    for (const char c : text) {
      depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      if (c == ',' && depth == 0) {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    for (std::string& part : parts) part = trimmed(part);
    return parts;
  }

  void operand(const std::string& text, bool result, Instruction& one) {
    std::vector<int>& list = result ? one.to : one.from;
    if (text[0] == '[') {
      const auto plus = text.find('+');
      const std::string base =
          trimmed(text.substr(1, (plus == std::string::npos ? text.find(']') : plus) - 1));
      if (plus != std::string::npos) one.offset = std::atoi(text.c_str() + plus + 1);
      one.from.insert(one.from.begin(), value(base));
      return;
    }
    if (text[0] == '{') {
      for (const std::string& part : split(text.substr(1, text.find('}') - 1))) list.push_back(value(part));
      return;
    }
    const auto bar = text.find('|');  // a shuffle's second result tells whether the lane was in range
    list.push_back(text == "_" ? -1 : value(text.substr(0, bar)));
  }

  // The number of a register or predicate, of a constant's register, of a special value's.
  int value(const std::string& text) {
    if (text.rfind("%p", 0) == 0 && text.size() > 2 && std::isdigit(static_cast<unsigned char>(text[2]))) {
      return predicate(text);
    }
    const auto known = registers_.find(text);
    if (known != registers_.end()) return known->second;
    const int number = kernel_.registers++;
    registers_[text] = number;
    static const std::map<std::string, Special> specials = {{"%tid.x", Special::thread},
                                                            {"%ctaid.x", Special::block},
                                                            {"%ntid.x", Special::threads},
                                                            {"%nctaid.x", Special::blocks},
                                                            {"%laneid", Special::lane}};
    if (const auto special = specials.find(text); special != specials.end()) {
      kernel_.specials.push_back({number, special->second});
    } else if (is_number(text)) {
      kernel_.constants.push_back({number, bits_of(text)});
    } else if (text[0] != '%') {
      kernel_.constants.push_back({number, 0});  // a parameter, or an array in shared or local memory
    }
    return number;
  }

  int predicate(const std::string& text) {
    const int number = std::atoi(text.c_str() + 2);
    kernel_.predicates = std::max(kernel_.predicates, number + 1);
    return number;
  }

  void link() {
    kernel_.leads.assign(kernel_.instructions.size() + 1, false);
    for (const auto& [at, label] : branches_) {
      const auto found = labels_.find(label);
      if (found == labels_.end())
        throw std::invalid_argument("PTX branches to " + label + ", which is not there");
      kernel_.instructions[at].target = found->second;
      kernel_.leads[static_cast<size_t>(found->second)] = true;
    }
  }

  Kernel& kernel_;
  std::unordered_map<std::string, int> registers_;
  std::unordered_map<std::string, int> labels_;
  std::vector<std::pair<size_t, std::string>> branches_;
};

int64_t parameter_bytes(const std::string& list) {
  static const std::regex parameter(R"(\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+\w+(?:\[(\d+)\])?)");
  int64_t bytes = 0;
  for (auto it = std::sregex_iterator(list.begin(), list.end(), parameter); it != std::sregex_iterator();
       ++it) {
    const int64_t size = size_of((*it)[1]);
    bytes = (bytes + size - 1) / size * size + size * ((*it)[2].matched ? std::stoll((*it)[2]) : 1);
  }
  return bytes;
}

std::string without_comments(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "//") == 0) i = std::min(text.find('\n', i), text.size());
    if (i < text.size()) result += text[i];
  }
  return result;
}

}  // namespace

const char* name(Class kind) {
  static const char* const names[kClasses] = {"fp32",   "integer", "select",  "special", "shuffle", "shared",
                                              "global", "atomic",  "control", "other",   "matrix"};
  return names[static_cast<int>(kind)];
}

std::map<std::string, Kernel> parse(const std::string& source) {
  const std::string text = without_comments(source);
  std::map<std::string, Kernel> kernels;
  for (size_t at = text.find(".entry"); at != std::string::npos; at = text.find(".entry", at + 1)) {
    const size_t open = text.find('(', at), close = text.find(')', open);
    const size_t begin = text.find("\n{", close), end = text.find("\n}", begin);
    if (end == std::string::npos) throw std::invalid_argument("PTX ends inside a kernel");
    Kernel kernel;
    kernel.name = trimmed(text.substr(at + 6, open - at - 6));
    kernel.parameter_bytes = parameter_bytes(text.substr(open + 1, close - open - 1));
    const int line =
        static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(begin), '\n')) + 2;
    BodyReader(kernel).read(text.substr(begin + 2, end - begin - 2), line);
    kernels[demangled(kernel.name)] = kernel;
  }
  if (kernels.empty()) throw std::invalid_argument("the PTX has no kernel");
  return kernels;
}

}  // namespace emulator::ptx
