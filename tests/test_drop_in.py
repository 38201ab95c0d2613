"""What gensim's users do around training: odd words, odd rates, callbacks, files, copies."""

import copy
import itertools
import logging
import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
import two_groups
from gensim.models.word2vec import LineSentence, PathLineSentences
from gensim.utils import RULE_DEFAULT, RULE_DISCARD

from full_w2v import Word2Vec
from full_w2v.callbacks import Callback, Checkpoint, StopTraining
from full_w2v.errors import ConfigError
from full_w2v.trainer import Progress

TINY: dict[str, Any] = {"vector_size": 8, "sg": 1, "workers": 1, "epochs": 2, "sample": 0, "seed": 3}
SENTENCES = two_groups.sentences()
TOKENS = len(SENTENCES) * two_groups.WORDS_PER_SENTENCE


def built(**settings: Any) -> Word2Vec:
    model = Word2Vec(**{**TINY, **settings})
    model.build_vocab(SENTENCES)
    return model


def equal_models(one: Any, other: Any) -> bool:
    return one.wv.index_to_key == other.wv.index_to_key and all(
        np.array_equal(matrix(one), matrix(other))
        for matrix in (lambda model: model.wv.vectors, lambda model: model.syn1neg)
    )


# Vocabularies


def zipf_sentences() -> list[list[str]]:
    """Sentences with frequent words, rare ones, ties, empty sentences and words of many alphabets."""
    draw = random.Random(5)
    words = [f"w{i}" for i in range(300)] + ["naïve", "東京", "new york", "", "\u00a0", "😀"]
    weights = [1 / (1 + i) for i in range(len(words))]
    return [draw.choices(words, weights, k=draw.randrange(30)) for _ in range(400)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"min_count": 1},
        {"min_count": 20},
        {"sorted_vocab": 0},
        {"max_final_vocab": 50},
        {"max_vocab_size": 60},
        {"null_word": 1},
        {"sample": 1e-3},
        {"ns_exponent": -0.5},
        {"hs": 1, "negative": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("as_file", [False, True], ids=["list", "file"])
def test_build_vocab_makes_what_gensims_does(tmp_path: Path, settings: dict[str, Any], as_file: bool) -> None:
    corpus: dict[str, Any] = {"corpus_iterable": zipf_sentences()}
    if as_file:
        path = tmp_path / "corpus.txt"
        path.write_text("\n".join(map(" ".join, zipf_sentences())), encoding="utf-8")
        corpus = {"corpus_file": str(path)}
    ours, theirs = (kind(**{**TINY, **settings}) for kind in (Word2Vec, gensim.models.Word2Vec))
    for model in (ours, theirs):
        model.build_vocab(keep_raw_vocab=True, **corpus)
    assert list(ours.raw_vocab.items()) == list(theirs.raw_vocab.items())
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    assert (ours.corpus_count, ours.corpus_total_words) == (theirs.corpus_count, theirs.corpus_total_words)
    for name in ("count", "sample_int"):
        np.testing.assert_array_equal(ours.wv.expandos[name], theirs.wv.expandos[name])
    np.testing.assert_array_equal(ours.wv.vectors, theirs.wv.vectors)
    if ours.negative:
        # NumPy's power and Python's may differ in the last bit of 53, which 2^31 - 1 steps do not show twice.
        assert np.abs(ours.cum_table.astype(np.int64) - theirs.cum_table).max() <= 1


def test_a_trim_rule_chooses_words() -> None:
    def rule(word: str, count: int, min_count: int) -> int:
        assert count >= 1
        assert min_count == 5
        return RULE_DISCARD if word.startswith("a") else RULE_DEFAULT

    model = Word2Vec(SENTENCES, trim_rule=rule, **TINY)
    assert sorted(model.wv.index_to_key) == sorted(two_groups.GROUPS["b"])


class ByItself:
    """A word whose only equal is itself."""


def test_words_may_be_any_hashable_objects() -> None:
    pool: list[Any] = [1, 2.5, ("a", 1), None, "text", "\0", "\ud800", "\x000", ByItself(), frozenset({1})]
    draw = random.Random(3)
    sentences = [draw.choices(pool, k=12) for _ in range(200)]
    ours, theirs = Word2Vec(**TINY), gensim.models.Word2Vec(**TINY)
    for model in (ours, theirs):
        model.build_vocab(sentences)
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    before = ours.wv.vectors.copy()
    assert ours.train(sentences, total_examples=200, epochs=1) == (2400, 2400)
    assert (before != ours.wv.vectors).any(axis=1).all()


def test_numbers_of_words_train_like_their_texts() -> None:
    numbers = [[int(word[1:]) + 100 * (word[0] == "b") for word in sentence] for sentence in SENTENCES]
    arrays = [np.array(sentence) for sentence in numbers]
    texts = [list(map(str, sentence)) for sentence in numbers]
    expected = Word2Vec(texts, **TINY)
    for sentences in (numbers, arrays):
        model = Word2Vec(sentences, **TINY)
        assert list(map(str, model.wv.index_to_key)) == expected.wv.index_to_key
        np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)


def test_sentences_that_are_strings_are_warned_of_and_taken_apart(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(["GATTACA", "CATTAG"] * 20, **TINY)
    assert sorted(model.wv.index_to_key) == ["A", "C", "G", "T"]
    assert "Each 'sentences' item should be a list of words" in caplog.text
    assert "pass sentence.split() for words" in caplog.text


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_gensims_readers_of_lines_are_read_as_the_files_they_name(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bz2
    import gzip

    pack: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress}
    folder = tmp_path / "corpus"
    folder.mkdir()
    half = len(SENTENCES) // 2
    for name, part in (("1.txt", SENTENCES[:half]), ("2.txt", SENTENCES[half:])):
        text = "\n".join(map(" ".join, part)).encode()
        (folder / f"{name}{suffix}").write_bytes(pack.get(suffix, bytes)(text))
    expected = Word2Vec(SENTENCES, **TINY)
    monkeypatch.setattr(PathLineSentences, "__iter__", lambda _: pytest.fail("read line by line"))
    assert equal_models(Word2Vec(PathLineSentences(str(folder)), **TINY), expected)


def test_a_reader_of_some_lines_is_iterated_over(tmp_path: Path) -> None:
    path = str(two_groups.write(tmp_path / "corpus.txt"))
    some = Word2Vec(LineSentence(path, limit=100), **TINY)
    assert some.corpus_count == 100
    short = Word2Vec(LineSentence(path, max_sentence_length=6), **TINY)
    assert short.corpus_count == 2 * len(SENTENCES)


def test_the_constructor_reads_its_corpus_once() -> None:
    class Counting:
        readings = 0

        def __iter__(self) -> Iterator[list[str]]:
            self.readings += 1
            return iter(SENTENCES)

    sentences = Counting()
    model = Word2Vec(sentences, **TINY)
    assert sentences.readings == 1
    assert equal_models(model, Word2Vec(SENTENCES, **TINY))
    model.train(sentences, total_examples=model.corpus_count, epochs=3)
    assert sentences.readings == 2


def test_a_corpus_without_known_words_trains_nothing(caplog: pytest.LogCaptureFixture) -> None:
    model = built()
    before = model.wv.vectors.copy()
    assert model.train([["unknown"], []], total_examples=2, epochs=3) == (0, 3)
    np.testing.assert_array_equal(model.wv.vectors, before)
    assert "holds no word of the vocabulary" in caplog.text


# Learning rates


class Rates(Callback):
    """Rates at the end of each batch and epoch."""

    def __init__(self) -> None:
        self.batches: list[Progress] = []
        self.epochs: list[float] = []

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
        assert model.epochs == progress.epochs
        self.batches.append(progress)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self.epochs.append(model.min_alpha_yet_reached)


def test_the_rate_falls_by_the_share_that_the_corpus_is_of_the_announced_one() -> None:
    for count in ({"total_examples": 4 * len(SENTENCES)}, {"total_words": 4 * TOKENS}):
        rates = Rates()
        model = built()
        model.train(SENTENCES, epochs=2, start_alpha=0.02, end_alpha=0.01, callbacks=[rates], **count)
        # Epochs begin at 0.02 and 0.015, and fall by a quarter of 0.005.
        assert rates.epochs == pytest.approx([0.01875, 0.01375])
        assert rates.batches[-1].learning_rate == pytest.approx(0.01375)


def test_a_corpus_in_pieces_trains_at_the_rates_of_the_whole() -> None:
    rates = Rates()
    model = built()
    for piece in (SENTENCES[:600], SENTENCES[600:]):
        model.train(piece, total_examples=1200, epochs=1, callbacks=[rates])
    assert rates.epochs == pytest.approx([0.01255, 0.01255])  # half way from 0.025 to 0.0001, twice


def test_more_sentences_than_announced_train_on_at_the_least_rate() -> None:
    rates = Rates()
    model = built()
    trained = model.train(SENTENCES, total_examples=100, epochs=2, callbacks=[rates])
    assert trained == (2 * TOKENS, 2 * TOKENS)
    assert rates.batches[-1].learning_rate == pytest.approx(model.min_alpha)


# Callbacks


def test_batches_report_progress_and_loss() -> None:
    rates = Rates()
    model = Word2Vec(SENTENCES, compute_loss=True, callbacks=[rates], **TINY)
    assert [progress.epoch for progress in rates.batches] == sorted(p.epoch for p in rates.batches)
    words = [progress.words for progress in rates.batches]
    assert words == sorted(words)
    assert words[-1] == rates.batches[-1].total_words == 2 * TOKENS
    assert rates.batches[-1].loss is not None
    assert model.get_latest_training_loss() > 0


class StopsAt(Callback):
    """Stops at the first call of one hook, and remembers what the vectors were and which hooks followed."""

    def __init__(self, hook: str, epoch: int = 0) -> None:
        self._hook, self._epoch = hook, epoch
        self._ended = 0
        self.vectors = np.empty(0)
        self.later: list[str] = []

    def _hooked(self, hook: str, model: Word2Vec) -> None:
        if self.vectors.size:
            self.later.append(hook)
        elif hook == self._hook and self._ended >= self._epoch:
            model.sync_vectors()
            self.vectors = model.wv.vectors.copy()
            raise StopTraining("enough")

    def on_train_begin(self, model: Word2Vec) -> None:
        self._hooked("train begin", model)

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self._hooked("epoch begin", model)

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
        assert progress.words > 0
        self._hooked("batch end", model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self._ended += 1
        self._hooked("epoch end", model)

    def on_train_end(self, model: Word2Vec) -> None:
        self._hooked("train end", model)


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("train begin", 0),
        ("epoch begin", 0),
        ("batch end", None),
        ("epoch end", TOKENS),
        ("train end", 5 * TOKENS),
    ],
)
def test_a_callback_can_stop_training_at_every_hook(
    hook: str, words: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    model = built()
    stop = StopsAt(hook)
    with caplog.at_level(logging.INFO):
        trained, _ = model.train(SENTENCES, total_examples=1200, epochs=5, callbacks=[stop])
    if words is None:
        assert 0 < trained < TOKENS
    else:
        assert trained == words
    np.testing.assert_array_equal(model.wv.vectors, stop.vectors)
    assert stop.later == ([] if hook == "train end" else ["train end"])
    assert "a callback stopped training in epoch" in caplog.text
    assert model.train_count == 1
    assert model.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_a_checkpoint_can_be_loaded_and_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "words.model"
    model = built()
    with pytest.raises(KeyboardInterrupt):
        model.train(
            SENTENCES, total_examples=1200, epochs=4, callbacks=[Checkpoint(path), _Interrupt(after=3)]
        )
    saved = Word2Vec.load(str(path))
    np.testing.assert_array_equal(saved.wv.vectors, model.wv.vectors)
    assert saved.min_alpha_yet_reached == pytest.approx(0.025 - 0.75 * 0.0249)
    rates = Rates()
    saved.train(
        SENTENCES, total_examples=1200, epochs=1, start_alpha=saved.min_alpha_yet_reached, callbacks=[rates]
    )
    assert rates.epochs == pytest.approx([saved.min_alpha])


class _Interrupt(Callback):
    def __init__(self, after: int) -> None:
        self._left = after

    def on_epoch_end(self, model: Word2Vec) -> None:
        assert model.running_training_loss == 0
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def test_checkpoints_come_every_so_many_epochs_or_seconds(tmp_path: Path) -> None:
    class Saves(Checkpoint):
        saved = 0

        def _save(self, model: Word2Vec) -> None:
            super()._save(model)
            self.saved += 1

    third, always = Saves(tmp_path / "third", epochs=3), Saves(tmp_path / "always", seconds=0)
    model = built()
    model.train(SENTENCES, total_examples=1200, epochs=7, callbacks=[third, always])
    assert third.saved == 2
    assert always.saved > 7
    for settings in ({"epochs": 0}, {"seconds": -1}):
        with pytest.raises(ConfigError):
            Checkpoint(tmp_path / "never", **settings)


# Files and copies


@pytest.fixture(params=["ours", "gensim's"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model that one of the two classes has trained and saved."""
    kind = Word2Vec if request.param == "ours" else gensim.models.Word2Vec
    path = tmp_path / "saved.model"
    kind(SENTENCES, comment="a note", **TINY).save(str(path), sep_limit=1)
    return path


@pytest.mark.parametrize("kind", [Word2Vec, gensim.models.Word2Vec])
@pytest.mark.parametrize("mmap", [None, "r"])
def test_either_class_loads_and_trains_what_either_has_saved(
    saved: Path, kind: Any, mmap: str | None
) -> None:
    model = kind.load(str(saved), mmap=mmap)
    assert type(model) is kind
    assert model.comment == "a note"
    assert (model.corpus_count, model.train_count, model.epochs) == (1200, 1, 2)
    if mmap and kind is gensim.models.Word2Vec:
        return  # gensim cannot train mapped vectors
    before = model.wv.vectors.copy()
    model.build_vocab([["new", *SENTENCES[0]]] * 5, update=True)
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert not np.array_equal(model.wv.vectors[: len(before)], before)
    assert "new" in model.wv


def test_a_saved_model_names_no_class_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "saved.model"
    Word2Vec(SENTENCES, **TINY).save(str(path))
    assert b"full_w2v" not in path.read_bytes()


def test_a_subclass_is_saved_and_loaded_as_itself(tmp_path: Path) -> None:
    model = Named(SENTENCES, **TINY)
    model.save(str(tmp_path / "model"))
    assert type(Named.load(str(tmp_path / "model"))) is Named


class Named(Word2Vec):
    """A user's own class."""


def test_saving_again_over_mapped_arrays_keeps_them(tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    Word2Vec(SENTENCES, **TINY).save(path, sep_limit=1)
    model = Word2Vec.load(path, mmap="r")
    before = model.wv.vectors.copy()
    model.save(path, sep_limit=1)
    np.testing.assert_array_equal(Word2Vec.load(path).wv.vectors, before)
    arrays = ("syn1neg", "wv.vectors", "wv.vectors_lockf")
    assert {file.name for file in tmp_path.iterdir()} == {"model", *(f"model.{name}.npy" for name in arrays)}


def test_the_corpus_is_not_overwritten(tmp_path: Path) -> None:
    corpus = two_groups.write(tmp_path / "corpus.txt")
    model = Word2Vec(corpus_file=str(corpus), **TINY)
    (tmp_path / "link").symlink_to(corpus)
    for path in (corpus, tmp_path / "link"):
        with pytest.raises(ConfigError, match="is the corpus and would be overwritten; choose another path"):
            model.save(str(path))
    assert corpus.read_text() == two_groups.text()


def test_a_model_can_be_saved_into_an_open_file(tmp_path: Path) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    with (tmp_path / "model").open("wb") as file:
        model.save(file)
    assert equal_models(Word2Vec.load(str(tmp_path / "model")), model)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_train_on_their_own(copied: Callable[[Word2Vec], Word2Vec], tmp_path: Path) -> None:
    corpus = two_groups.write(tmp_path / "corpus.txt")
    model = Word2Vec(corpus_file=str(corpus), **TINY)
    other = copied(model)
    assert type(other) is Word2Vec
    assert equal_models(other, model)
    for each in (model, other):
        each.train(SENTENCES, total_examples=1200, epochs=1)
    assert equal_models(other, model)
    other.train(SENTENCES, total_examples=1200, epochs=1)
    assert not equal_models(other, model)


def test_a_callback_may_copy_the_model() -> None:
    class Copies(Callback):
        def __init__(self) -> None:
            self.copies: list[Word2Vec] = []

        def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
            assert progress.epochs == 2
            self.copies.append(copy.deepcopy(model))

    callback = Copies()
    Word2Vec(SENTENCES, callbacks=[callback], **TINY)
    assert callback.copies[0].train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


# Around the model


def test_borrowed_vocabularies_train() -> None:
    model, other = built(), built(vector_size=4)
    other.reset_from(model)
    assert other.wv.key_to_index is model.wv.key_to_index
    assert other.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_output_words_are_predicted_from_the_trained_matrices() -> None:
    model = Word2Vec(SENTENCES, **{**TINY, "vector_size": 16, "epochs": 10})
    for group in "ab":
        predicted = [word for word, _ in model.predict_output_word([f"{group}1", f"{group}2"], topn=10)]
        assert sum(word.startswith(group) for word in predicted) >= 9
    assert model.predict_output_word(["unknown"]) is None


def test_memory_is_estimated_as_gensim_does() -> None:
    ours, theirs = built(), gensim.models.Word2Vec(**TINY)
    theirs.build_vocab(SENTENCES)
    assert ours.estimate_memory() == theirs.estimate_memory()
    assert ours.estimate_memory(vocab_size=10**6)["syn1neg"] == 10**6 * 8 * 4


def test_progress_is_logged_in_gensims_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = built()
        # Long enough for a line of progress, which comes after a second at the earliest.
        for _ in itertools.takewhile(lambda _: "PROGRESS: at 1" not in caplog.text, range(8)):
            model.train(SENTENCES * 60, total_examples=72_000, epochs=1)
    lines = [record.getMessage() for record in caplog.records]
    assert "collecting all words and their counts" in lines
    assert f"collected 40 word types from a corpus of {TOKENS} raw words and 1200 sentences" in lines
    assert any(line.startswith("PROGRESS: at sentence #") for line in lines)
    assert any(
        line.startswith("EPOCH 0: training on 864000 raw words (864000 effective words) took")
        for line in lines
    )
