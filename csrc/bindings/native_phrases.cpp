#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/native.h"
#include "bindings/poll.h"
#include "text/phrases.h"

namespace py = pybind11;

namespace full_w2v {
namespace {

// A corpus whose offsets do not leave its ids, and whose ids are not negative.
CorpusView checked_corpus(const Array<int32_t>& ids, const Array<int64_t>& offsets) {
  require_shape("ids", ids, {-1});
  require_shape("offsets", offsets, {-1});
  if (offsets.size() < 1) throw std::invalid_argument("offsets must not be empty");
  const int64_t* const at = offsets.data();
  const int64_t sentences = offsets.size() - 1;
  bool rising = at[0] == 0 && at[sentences] == ids.size();
  for (int64_t i = 0; i < sentences; ++i) rising = rising && at[i] <= at[i + 1];
  if (!rising) throw std::invalid_argument("offsets must rise from 0 to the number of ids");
  return {ids.data(), at, sentences};
}

template <class T, class Value>
py::array_t<T> column(const std::vector<PairCount>& pairs, Value value) {
  py::array_t<T> values(static_cast<py::ssize_t>(pairs.size()));
  T* out = values.mutable_data();
  for (const PairCount& pair : pairs) *out++ = value(pair);
  return values;
}

py::tuple count_all_pairs(const Array<int32_t>& ids, const Array<int64_t>& offsets, int64_t min_count,
                          int threads, int64_t parts, const py::object& progress) {
  const CorpusView corpus = checked_corpus(ids, offsets);
  if (threads < 1) throw std::invalid_argument("threads must be positive, got " + std::to_string(threads));
  if (parts < 1) throw std::invalid_argument("parts must be positive, got " + std::to_string(parts));
  std::atomic<int64_t> done{0};
  const Poll poll = make_poll(progress, [&done] { return done.load(); });
  int64_t all_pairs = 0;
  std::vector<PairCount> pairs;
  {
    const py::gil_scoped_release release;
    pairs = count_pairs(corpus, min_count, threads, parts, all_pairs, done, poll);
  }
  return py::make_tuple(column<int32_t>(pairs, [](const PairCount& pair) { return pair.first; }),
                        column<int32_t>(pairs, [](const PairCount& pair) { return pair.second; }),
                        column<int64_t>(pairs, [](const PairCount& pair) { return pair.count; }), all_pairs);
}

class PhraseJoiner {
 public:
  PhraseJoiner(const Array<int32_t>& first, const Array<int32_t>& second, int32_t first_id) {
    require_shape("first", first, {-1});
    require_shape("second", second, {first.size()});
    for (py::ssize_t i = 0; i < first.size(); ++i) {
      const auto high = static_cast<uint64_t>(static_cast<uint32_t>(first.data()[i]));
      pairs_[high << 32 | static_cast<uint32_t>(second.data()[i])] = first_id + static_cast<int32_t>(i);
    }
  }

  std::pair<py::array, py::array_t<int64_t>> join(const Array<int32_t>& ids,
                                                  const Array<int64_t>& offsets) const {
    const CorpusView corpus = checked_corpus(ids, offsets);
    py::array_t<int32_t> joined(ids.size());
    py::array_t<int64_t> lengths(corpus.sentences);
    int32_t* const begin = joined.mutable_data();
    int64_t* const length = lengths.mutable_data();
    int32_t* out = begin;
    const py::none none;
    const Poll signals_only = make_poll(none, [] { return 0; });
    {
      const py::gil_scoped_release release;
      for (int64_t i = 0; i < corpus.sentences; ++i) {
        const int64_t at = corpus.offsets[i];
        length[i] = join_pairs(corpus.ids + at, corpus.offsets[i + 1] - at, pairs_, out, signals_only);
        out += length[i];
      }
    }
    return {joined[py::slice(0, out - begin, 1)], lengths};
  }

 private:
  JoinedPairs pairs_;
};

}  // namespace

void bind_phrases(py::module_& module) {
  module.def(
      "count_pairs", &count_all_pairs, py::arg("ids").noconvert(), py::arg("offsets").noconvert(),
      py::kw_only(), py::arg("min_count"), py::arg("threads"), py::arg("parts"),
      py::arg("progress") = py::none(),
      "Frequent pairs of neighbours: (first, second, counts, number of different pairs). progress(tokens) "
      "is called now and then; every part counts all tokens.");
  py::class_<PhraseJoiner>(module, "PhraseJoiner", "Replaces pairs of words by words of their own.")
      .def(py::init<const Array<int32_t>&, const Array<int32_t>&, int32_t>(), py::arg("first").noconvert(),
           py::arg("second").noconvert(), py::kw_only(), py::arg("first_id"))
      .def("join", &PhraseJoiner::join, py::arg("ids").noconvert(), py::arg("offsets").noconvert(),
           "Joins the pairs of each sentence: (ids, lengths of the sentences).");
}

}  // namespace full_w2v
