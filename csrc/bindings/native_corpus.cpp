#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/native_token_collector.h"
#include "bindings/poll.h"
#include "bindings/sole_use.h"
#include "text/corpus_counter.h"
#include "text/encoder.h"
#include "text/mapped_file.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

TextErrors text_errors(const std::string& errors) {
  if (errors == "strict") return TextErrors::strict;
  if (errors == "replace") return TextErrors::replace;
  if (errors == "ignore") return TextErrors::ignore;
  throw std::invalid_argument("errors must be one of strict, replace, ignore, got '" + errors + "'");
}

// The counter as Python sees it: it also takes lists of lists of str. It serves one call at a time, its own
// callbacks' included, and none after finish().
class PythonCounter {
 public:
  explicit PythonCounter(CounterSettings settings) : counter_(std::move(settings)) {}

  void begin_source() {
    const SoleUse use(busy_, kName);
    require_unfinished();
    begun_ = true;
    counter_.begin_source();
    tokens_.begin_source();
  }

  void add_file(const std::string& path, const py::object& progress) {
    const SoleUse use(busy_, kName);
    require_source();
    const int64_t before = counter_.bytes_counted();
    const Poll poll = make_poll(progress, [this, before] { return counter_.bytes_counted() - before; });
    const py::gil_scoped_release release;
    counter_.add_file(path, poll);
  }

  void feed(const py::buffer& chunk) {
    const SoleUse use(busy_, kName);
    require_source();
    const py::buffer_info info = chunk.request();
    if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1)) {
      throw std::invalid_argument("chunk must be contiguous bytes");
    }
    const py::gil_scoped_release release;
    counter_.feed(static_cast<const char*>(info.ptr), static_cast<size_t>(info.size), signals_only_);
  }

  void feed_sentences(const py::list& sentences, const py::object& spell) {
    const SoleUse use(busy_, kName);
    require_source();
    tokens_.add(sentences, spell);
  }

  void end_source() {
    const SoleUse use(busy_, kName);
    require_source();
    tokens_.flush();
    const py::gil_scoped_release release;
    counter_.end_source(signals_only_);
  }

  std::unique_ptr<CountedWords> finish() {
    const SoleUse use(busy_, kName);
    require_unfinished();
    const py::gil_scoped_release release;
    std::unique_ptr<CountedWords> words = counter_.finish(signals_only_);
    finished_ = true;
    return words;
  }

 private:
  static constexpr char kName[] = "counter";

  void require_unfinished() const {
    if (finished_) {
      throw std::invalid_argument("the counter is finished; count another corpus with a new one");
    }
  }
  void require_source() const {
    require_unfinished();
    if (!begun_) throw std::invalid_argument("there is no source to add to; call begin_source first");
  }

  std::atomic<bool> busy_{false};
  bool begun_ = false, finished_ = false;
  const py::none none_;
  const Poll signals_only_ = make_poll(none_, [] { return 0; });
  CorpusCounter counter_;
  TokenCollector tokens_{counter_.settings().block_bytes, [this](TokenBlock block) {
                           const py::gil_scoped_release release;
                           counter_.feed_tokens(std::move(block), signals_only_);
                         }};
};

py::array_t<uint32_t> to_array(const std::vector<uint32_t>& values) {
  return py::array_t<uint32_t>(static_cast<py::ssize_t>(values.size()), values.data());
}

std::vector<uint32_t> checked_numbers(const CountedWords& words, const Array<uint32_t>& numbers) {
  require_shape("numbers", numbers, {-1});
  std::vector<uint32_t> copy(numbers.data(), numbers.data() + numbers.size());
  for (const uint32_t number : copy) {
    if (number != kNoWord && number >= words.numbers()) {
      throw std::invalid_argument("numbers must be below " + std::to_string(words.numbers()) + ", got " +
                                  std::to_string(number));
    }
  }
  return copy;
}

py::list words_of(const CountedWords& words, const Array<uint32_t>& numbers) {
  constexpr size_t kAhead = 16;  // words lie anywhere in memory
  std::vector<std::string_view> found;
  for (const uint32_t number : checked_numbers(words, numbers)) {
    found.push_back(number == kNoWord ? std::string_view() : words.word(number));
  }
  py::list texts(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (i + kAhead < found.size()) __builtin_prefetch(found[i + kAhead].data());
    const std::string_view word = found[i];
    PyObject* const text = PyUnicode_DecodeUTF8(word.data(), static_cast<py::ssize_t>(word.size()), nullptr);
    if (!text) throw py::error_already_set();
    PyList_SET_ITEM(texts.ptr(), static_cast<py::ssize_t>(i), text);  // a new list, which takes the text
  }
  return texts;
}

py::array_t<int64_t> counts_of(const CountedWords& words, const Array<uint32_t>& numbers) {
  const std::vector<uint32_t> checked = checked_numbers(words, numbers);
  py::array_t<int64_t> counts(static_cast<py::ssize_t>(checked.size()));
  auto out = counts.mutable_unchecked<1>();
  for (size_t i = 0; i < checked.size(); ++i) {
    out(i) = checked[i] == kNoWord ? 0 : static_cast<int64_t>(words.count(checked[i]));
  }
  return counts;
}

py::array_t<uint32_t> find_all(const CountedWords& words, const py::list& texts) {
  std::vector<uint32_t> numbers;
  numbers.reserve(texts.size());
  for (const py::handle text : texts) numbers.push_back(words.find(text.cast<std::string_view>()));
  return to_array(numbers);
}

std::pair<int64_t, int64_t> encode_words(const CountedWords& words, const Array<uint32_t>& numbers,
                                         int descriptor, const py::bytes& name, int64_t ids_at,
                                         int64_t offsets_at, int64_t span, int threads,
                                         const py::object& progress, const std::string& simd) {
  const std::vector<uint32_t> checked = checked_numbers(words, numbers);
  if (threads < 1) throw std::invalid_argument("threads must be positive, got " + std::to_string(threads));
  if (span < 0) throw std::invalid_argument("span must not be negative, got " + std::to_string(span));
  std::atomic<int64_t> done{0};
  const Poll poll = make_poll(progress, [&done] { return done.load(); });
  const File file = File::duplicate(descriptor, name);
  const py::gil_scoped_release release;
  const EncodedSize size = encode(words, words.places(checked), {file, ids_at, offsets_at}, span, threads,
                                  choose_text_kernels(simd), done, poll);
  return {size.tokens, size.sentences};
}

// Text that holds a path, which may be of any bytes, as Python spells it (os.fsdecode).
py::str path_text(const std::string& text) {
  PyObject* const decoded =
      PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<py::ssize_t>(text.size()));
  if (!decoded) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

py::buffer_info bytes_of(const MappedFile& file) {
  return {static_cast<const uint8_t*>(file.data()), static_cast<py::ssize_t>(file.size())};
}

std::unique_ptr<PythonCounter> make_counter(int threads, const std::string& errors,
                                            const py::bytes& directory, size_t spill_memory,
                                            size_t block_bytes, size_t memory_limit, uint64_t min_count,
                                            const py::list& only, const std::string& simd) {
  if (threads < 1) throw std::invalid_argument("threads must be positive, got " + std::to_string(threads));
  if (block_bytes < 1 || block_bytes > size_t{1} << 30) {
    throw std::invalid_argument("block_bytes must be between 1 and 2^30, got " + std::to_string(block_bytes));
  }
  if (memory_limit > 0) spill_memory = std::min(spill_memory, memory_limit);
  std::unordered_set<std::string> kept;
  for (const py::handle word : only) kept.insert(word.cast<std::string>());
  return std::make_unique<PythonCounter>(CounterSettings{threads, text_errors(errors), directory,
                                                         spill_memory, block_bytes, memory_limit, min_count,
                                                         std::move(kept), simd});
}

void bind_exceptions(py::module_& module) {
  static py::handle invalid_text, file_error;
  file_error = py::exception<FileError>(module, "FileError").release();
  py::register_local_exception<InvalidSentence>(module, "SentenceError", PyExc_ValueError);
  invalid_text = py::exception<InvalidText>(module, "InvalidTextError").release();
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      std::rethrow_exception(pointer);
    } catch (const InvalidText& error) {
      const auto args = py::make_tuple(error.source, error.line, error.offset, error.byte);
      PyErr_SetObject(invalid_text.ptr(), args.ptr());
    } catch (const FileError& error) {
      PyErr_SetObject(file_error.ptr(), path_text(error.what()).ptr());
    }
  });
}

}  // namespace

void bind_corpus(py::module_& module) {
  bind_exceptions(module);
  const CounterSettings defaults;
  py::class_<PythonCounter>(module, "CorpusCounter",
                            "Counts words on native threads; sources come in one by one, in order.")
      .def(py::init(&make_counter), py::kw_only(), py::arg("threads"), py::arg("errors"),
           py::arg("directory"), py::arg("spill_memory") = defaults.spill_memory,
           py::arg("block_bytes") = defaults.block_bytes, py::arg("memory_limit") = 0,
           py::arg("min_count") = 0, py::arg("only") = py::list(), py::arg("simd") = "")
      .def("begin_source", &PythonCounter::begin_source)
      .def(
          "add_file", &PythonCounter::add_file, py::arg("path"), py::arg("progress") = py::none(),
          "Reads a plain file on all threads; paths are bytes, as os.fsencode gives them. progress(bytes) is "
          "called now and then.")
      .def("feed", &PythonCounter::feed, py::arg("chunk"), "Takes the next bytes of a text.")
      .def("feed_sentences", &PythonCounter::feed_sentences, py::arg("sentences"),
           py::arg("spell") = py::none(),
           "Takes a list of sentences, each a list of str; spell(token) is the str for any other token.")
      .def("end_source", &PythonCounter::end_source)
      .def("finish", &PythonCounter::finish, "Waits for the threads and returns what they counted.");
  py::class_<CountedWords>(module, "CountedWords",
                           "Words of a counted corpus, by number, and its text as ids.")
      .def_property_readonly("tokens", &CountedWords::tokens)
      .def("sentences", &CountedWords::sentences, "Number of sentences that hold a token.")
      .def("__len__", &CountedWords::words)
      .def("least_count", &CountedWords::least_count, py::arg("words"))
      .def(
          "select", [](const CountedWords& words, uint64_t least) { return to_array(words.select(least)); },
          py::arg("min_count"), "Numbers of frequent words: most frequent first, ties by first appearance.")
      .def(
          "in_order", [](const CountedWords& words) { return to_array(words.in_order()); },
          "Numbers of all words by first appearance.")
      .def("words", &words_of, py::arg("numbers").noconvert())
      .def("counts", &counts_of, py::arg("numbers").noconvert())
      .def("find", &find_all, py::arg("words"), "Number of each word; 2^32 - 1 where there is none.")
      .def("encode", &encode_words, py::arg("numbers").noconvert(), py::kw_only(), py::arg("descriptor"),
           py::arg("name"), py::arg("ids_at"), py::arg("offsets_at"), py::arg("span"), py::arg("threads"),
           py::arg("progress") = py::none(), py::arg("simd") = "",
           "Writes ids and offsets into an open file: (tokens, sentences).");
  py::class_<MappedFile>(module, "MappedFile", py::buffer_protocol(),
                         "A file in memory that may shrink meanwhile: its lost pages read as zeros.")
      .def(py::init([](int descriptor, const py::bytes& name) {
             return std::make_unique<MappedFile>(descriptor, std::string(name));
           }),
           py::arg("descriptor"), py::arg("name"))
      .def_buffer(&bytes_of)
      .def_property_readonly("name", [](const MappedFile& file) { return path_text(file.name()); })
      .def("release", &MappedFile::release, "Lets its pages go from this process's memory.")
      .def("intact", &MappedFile::intact, "Whether the file is still complete.");
}

}  // namespace full_w2v
