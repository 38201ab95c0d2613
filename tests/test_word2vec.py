import hashlib
import inspect
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pytest
import two_groups
from gensim.models.callbacks import CallbackAny2Vec

from full_w2v import Word2Vec
from full_w2v.errors import BackendError, ConfigError, CorpusError
from full_w2v.word2vec import Word2Vec as Word2VecOfModule

TINY: dict[str, Any] = {"vector_size": 8, "sg": 1, "workers": 1, "epochs": 2, "sample": 0, "seed": 3}
TOKENS = 1200 * two_groups.WORDS_PER_SENTENCE
SENTENCES = two_groups.sentences()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return two_groups.write(tmp_path / "corpus.txt")


@pytest.fixture
def no_gensim_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes gensim's own training fail."""

    def fail(*_: object, **__: object) -> None:
        pytest.fail("gensim trained")

    for name in ("_train_epoch", "_train_epoch_corpusfile", "_do_train_job", "train"):
        monkeypatch.setattr(gensim.models.Word2Vec, name, fail)


class Recorder(CallbackAny2Vec):
    """Every call with the vectors and the loss of that moment."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.vectors: list[np.ndarray] = []
        self.losses: list[float] = []

    def _record(self, name: str, model: Word2Vec) -> None:
        self.calls.append(name)
        self.vectors.append(model.wv.vectors.copy())
        self.losses.append(model.get_latest_training_loss())

    def on_train_begin(self, model: Word2Vec) -> None:
        self._record("train begins", model)

    def on_epoch_begin(self, model: Word2Vec) -> None:
        self._record("epoch begins", model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        self._record("epoch ends", model)

    def on_train_end(self, model: Word2Vec) -> None:
        self._record("train ends", model)


# The same class to its users


def test_the_class_is_gensims_with_the_same_parameters() -> None:
    assert Word2Vec is Word2VecOfModule
    assert issubclass(Word2Vec, gensim.models.Word2Vec)
    assert inspect.signature(Word2Vec) == inspect.signature(gensim.models.Word2Vec)
    ours, theirs = (inspect.signature(kind.train).parameters for kind in (Word2Vec, gensim.models.Word2Vec))
    assert [(name, ours[name].kind, ours[name].default) for name in ours] == [
        (name, theirs[name].kind, theirs[name].default) for name in theirs
    ]


class Restartable:
    def __iter__(self) -> Iterator[list[str]]:
        return iter(SENTENCES)


@pytest.mark.usefixtures("no_gensim_training")
@pytest.mark.parametrize("source", ["list", "tuples", "restartable", "line sentence", "corpus file"])
def test_sentences_may_come_in_every_form(corpus: Path, source: str) -> None:
    sources: dict[str, dict[str, object]] = {
        "list": {"sentences": SENTENCES},
        "tuples": {"sentences": tuple(map(tuple, SENTENCES))},
        "restartable": {"sentences": Restartable()},
        "line sentence": {"sentences": gensim.models.word2vec.LineSentence(str(corpus))},
        "corpus file": {"corpus_file": str(corpus)},
    }
    model = Word2Vec(**sources[source], **TINY)
    assert isinstance(model.wv, gensim.models.KeyedVectors)
    expected = Word2Vec(SENTENCES, **TINY)
    assert model.wv.index_to_key == expected.wv.index_to_key
    np.testing.assert_array_equal(model.wv.vectors, expected.wv.vectors)
    np.testing.assert_array_equal(model.syn1neg, expected.syn1neg)


@pytest.mark.usefixtures("no_gensim_training")
def test_a_vocabulary_can_be_built_first() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    untrained = model.wv.vectors.copy()
    words = model.train(SENTENCES, total_examples=model.corpus_count, epochs=model.epochs)
    assert words == (2 * TOKENS, 2 * TOKENS)  # sample=0 and no rare word: all are trained
    assert not np.array_equal(model.wv.vectors, untrained)
    np.testing.assert_array_equal(model.wv.vectors, Word2Vec(SENTENCES, **TINY).wv.vectors)


def test_the_vocabulary_and_first_vectors_are_gensims() -> None:
    ours, theirs = Word2Vec(**TINY), gensim.models.Word2Vec(**TINY)
    for model in (ours, theirs):
        model.build_vocab(SENTENCES)
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    np.testing.assert_array_equal(ours.wv.vectors, theirs.wv.vectors)


@pytest.mark.usefixtures("no_gensim_training")
def test_words_of_a_group_become_neighbours() -> None:
    model = Word2Vec(SENTENCES, vector_size=16, sg=1, epochs=10, sample=0, workers=1, seed=1)
    shares = [
        two_groups.share_of_companions(model.wv.most_similar(word, topn=10), word)
        for word in model.wv.index_to_key
    ]
    # With 19 companions for each word, 10 neighbours can all be companions; by chance half of them would be.
    assert np.mean(shares) > 0.95


def test_loss_and_vectors_are_like_gensims() -> None:
    # At a small rate it matters little in which order pairs are trained, which is where we differ; what is
    # left is chance, in window sizes and negatives: about 1.5 % of the loss and 3 % of the lengths here.
    settings = {**TINY, "epochs": 5, "compute_loss": True, "window": 3, "alpha": 0.003, "min_alpha": 0.003}
    ours, theirs = Word2Vec(SENTENCES, **settings), gensim.models.Word2Vec(SENTENCES, **settings)
    assert ours.get_latest_training_loss() == pytest.approx(theirs.get_latest_training_loss(), rel=0.05)
    for matrix in (lambda model: model.wv.vectors, lambda model: model.syn1neg):
        lengths = [np.linalg.norm(matrix(model), axis=1).mean() for model in (ours, theirs)]
        assert lengths[0] == pytest.approx(lengths[1], rel=0.1)


def test_training_is_logged_as_gensim_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = Word2Vec(SENTENCES, **TINY)
    epochs = [record.getMessage() for record in caplog.records if record.getMessage().startswith("EPOCH")]
    assert [line.split(" took")[0] for line in epochs] == [
        f"EPOCH {i}: training on {TOKENS} raw words ({TOKENS} effective words)" for i in range(2)
    ]
    events = [event["msg"] for event in model.lifecycle_events if event["event"] == "train"]
    assert events[0] == (
        "training model with 1 workers on 40 vocabulary and 8 features, "
        "using sg=1 hs=0 sample=0 negative=5 window=5 shrink_windows=True"
    )
    assert events[1].startswith(f"training on {2 * TOKENS} raw words ({2 * TOKENS} effective words) took")


# Other ways to train


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("negative", [0, 5])
def test_hierarchical_softmax_trains_natively_and_like_gensims(
    sg: int, negative: int, request: pytest.FixtureRequest
) -> None:
    # At a small rate the order of updates matters little; what is left is chance, in windows and negatives.
    settings = {
        **TINY,
        "sg": sg,
        "hs": 1,
        "negative": negative,
        "epochs": 5,
        "alpha": 0.001,
        "min_alpha": 0.001,
    }
    theirs = gensim.models.Word2Vec(SENTENCES, **settings)
    request.getfixturevalue("no_gensim_training")
    ours = Word2Vec(SENTENCES, **settings)
    for name in ("point", "code"):
        for found, expected in zip(ours.wv.expandos[name], theirs.wv.expandos[name], strict=True):
            np.testing.assert_array_equal(found, expected)
    for found, expected in ((ours.syn1, theirs.syn1), (ours.wv.vectors, theirs.wv.vectors)):
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.1)
    if not negative:
        assert not hasattr(ours, "syn1neg")
        scores = [model.score(SENTENCES[:50], total_sentences=50).mean() for model in (ours, theirs)]
        assert scores[0] == pytest.approx(scores[1], rel=0.05)


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.usefixtures("no_gensim_training")
def test_locked_vectors_stay_as_they_are(sg: int) -> None:
    model = Word2Vec(**{**TINY, "sg": sg})
    model.build_vocab(SENTENCES)
    model.wv.vectors_lockf = np.array([0.0, 1.0], np.float32)  # repeated: every other word is locked
    before = model.wv.vectors.copy()
    model.train(SENTENCES, total_examples=model.corpus_count, epochs=2)
    changed = (model.wv.vectors != before).any(axis=1)
    np.testing.assert_array_equal(changed, np.arange(40) % 2 == 1)
    assert model.syn1neg.any(axis=1).all()  # they are predicted all the same


# Callbacks and loss


def test_callbacks_come_in_gensims_order_and_see_current_vectors() -> None:
    ours, theirs = Recorder(), Recorder()
    model = Word2Vec(SENTENCES, callbacks=[ours], compute_loss=True, **TINY)
    gensim.models.Word2Vec(SENTENCES, callbacks=[theirs], compute_loss=True, **TINY)
    assert ours.calls == theirs.calls
    assert ours.calls == ["train begins", *["epoch begins", "epoch ends"] * 2, "train ends"]
    begin, first_begin, first_end, second_begin, second_end, end = ours.vectors
    for same, other in ((begin, first_begin), (first_end, second_begin), (second_end, end)):
        np.testing.assert_array_equal(same, other)
    assert not np.array_equal(first_begin, first_end)
    assert not np.array_equal(second_begin, second_end)
    np.testing.assert_array_equal(end, model.wv.vectors)
    assert ours.losses[0] == ours.losses[1] == 0
    assert 0 < ours.losses[2] == ours.losses[3] < ours.losses[4] == ours.losses[5]
    assert model.get_latest_training_loss() == ours.losses[5]


def test_the_vectors_at_an_epochs_end_are_those_of_that_many_epochs() -> None:
    # With a constant rate, the first of two epochs trains as the only one.
    recorder = Recorder()
    constant = {"alpha": 0.02, "min_alpha": 0.02}
    Word2Vec(SENTENCES, callbacks=[recorder], **TINY, **constant)
    only = Word2Vec(SENTENCES, **{**TINY, **constant, "epochs": 1})
    np.testing.assert_array_equal(recorder.vectors[2], only.wv.vectors)


def test_queries_in_a_callback_use_current_vectors() -> None:
    class Query(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            ((word, cosine),) = model.wv.most_similar("a1", topn=1)
            a, b = model.wv["a1"], model.wv[word]
            # Cosines in float32, of rows of 8 values.
            assert cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)

    Word2Vec(SENTENCES, callbacks=[Query()], **TINY)


def test_a_callback_may_save_the_model(tmp_path: Path) -> None:
    class Saver(CallbackAny2Vec):
        def on_epoch_end(self, model: Word2Vec) -> None:
            model.save(str(tmp_path / "epoch.model"))

    model = Word2Vec(SENTENCES, callbacks=[Saver()], **TINY)
    saved = Word2Vec.load(str(tmp_path / "epoch.model"))
    np.testing.assert_array_equal(saved.wv.vectors, model.wv.vectors)


def test_an_interrupt_leaves_the_vectors_trained_so_far() -> None:
    class Interrupt(Recorder):
        def on_epoch_end(self, model: Word2Vec) -> None:
            super().on_epoch_end(model)
            raise KeyboardInterrupt

    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    recorder = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        model.train(SENTENCES, total_examples=1200, epochs=5, callbacks=[recorder])
    assert recorder.calls == ["train begins", "epoch begins", "epoch ends"]
    np.testing.assert_array_equal(model.wv.vectors, recorder.vectors[-1])
    assert not np.array_equal(recorder.vectors[0], recorder.vectors[-1])


def test_loss_is_zero_unless_asked_for() -> None:
    assert Word2Vec(SENTENCES, **TINY).get_latest_training_loss() == 0
    # 40 words that all meet: no pair's loss is near 0, and every window has one or more of 6 losses.
    loss = Word2Vec(SENTENCES, compute_loss=True, **TINY).get_latest_training_loss()
    assert loss > 2 * TOKENS


# Rates and repeated training


def test_training_again_continues() -> None:
    model = Word2Vec(SENTENCES, **TINY)
    once = model.wv.vectors.copy()
    model.train(SENTENCES, total_examples=model.corpus_count, epochs=1)
    assert model.train_count == 2
    moved = np.linalg.norm(model.wv.vectors - once) / np.linalg.norm(once)
    assert 0 < moved < 1  # further, but not from the start


def test_each_call_of_train_draws_anew() -> None:
    # Two calls that start from equal vectors differ in nothing but their draws.
    model = Word2Vec(SENTENCES, **TINY)
    start, start_output = model.wv.vectors.copy(), model.syn1neg.copy()
    ends = []
    for _ in range(2):
        model.wv.vectors[:], model.syn1neg[:] = start, start_output
        model.train(SENTENCES, total_examples=1200, epochs=1)
        ends.append(model.wv.vectors.copy())
    assert not np.array_equal(*ends)


def test_rates_given_to_train_stay_with_the_model() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    model.train(SENTENCES, total_examples=1200, epochs=1, start_alpha=0.01, end_alpha=0.002)
    assert (model.alpha, model.min_alpha) == (0.01, 0.002)
    assert model.min_alpha_yet_reached == pytest.approx(0.002)
    fresh = Word2Vec(SENTENCES, **{**TINY, "epochs": 1, "alpha": 0.01, "min_alpha": 0.002})
    np.testing.assert_array_equal(model.wv.vectors, fresh.wv.vectors)


def test_a_rate_that_rises_again_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    assert "Effective 'alpha' higher" not in caplog.text
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert "Effective 'alpha' higher than previous training cycles" in caplog.text


def test_a_rate_below_min_alpha_is_min_alpha() -> None:
    low = Word2Vec(SENTENCES, **TINY, alpha=0.001, min_alpha=0.02)
    constant = Word2Vec(SENTENCES, **TINY, alpha=0.02, min_alpha=0.02)
    np.testing.assert_array_equal(low.wv.vectors, constant.wv.vectors)


def test_a_sample_from_1_upwards_is_a_count() -> None:
    # gensim's formula: words are kept less often above 2.618 * sample * 2.618 occurrences.
    counts = {word: sum(sentence.count(word) for sentence in SENTENCES) for word in two_groups.GROUPS["a"]}
    assert min(counts.values()) > 250
    settings = {**TINY, "epochs": 1}
    for sample, all_kept in ((1, False), (30, False), (1000, True)):
        ours, theirs = (kind(**{**settings, "sample": sample}) for kind in (Word2Vec, gensim.models.Word2Vec))
        trained = []
        for model in (ours, theirs):
            model.build_vocab(SENTENCES)
            trained.append(model.train(SENTENCES, total_examples=1200, epochs=1)[0])
        assert (trained[0] == TOKENS) is all_kept
        # Two binomial counts of at least 1,000 words: 5 standard deviations of their difference.
        assert abs(trained[0] - trained[1]) <= 5 * np.sqrt(2 * trained[1])


def test_new_words_can_be_added() -> None:
    model = Word2Vec(SENTENCES, **TINY)
    more = [["new", "words", *sentence] for sentence in SENTENCES[:100]]
    model.build_vocab(more, update=True)
    assert len(model.wv) == 42
    before = model.wv["new"].copy()
    model.train(more, total_examples=len(more), epochs=1)
    assert not np.array_equal(model.wv["new"], before)


@pytest.mark.parametrize("settings", [{"sorted_vocab": 0}, {"null_word": 1}, {"max_final_vocab": 20}])
def test_vocabularies_of_every_kind_train(settings: dict[str, Any]) -> None:
    model = Word2Vec(SENTENCES, **TINY, **settings)
    untrained = Word2Vec(**TINY, **settings)
    untrained.build_vocab(SENTENCES)
    changed = (model.wv.vectors != untrained.wv.vectors).any(axis=1)
    assert changed.sum() == len(model.wv) - settings.get("null_word", 0)


def test_sentences_of_any_length_train_whole() -> None:
    # gensim would drop all words after the first 10,000.
    line = [word for sentence in SENTENCES for word in sentence]
    assert len(line) > 10_000
    model = Word2Vec(**TINY)
    model.build_vocab([line])
    assert model.train([line], total_examples=1, epochs=1) == (TOKENS, TOKENS)


def test_counts_may_come_from_elsewhere() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab_from_freq({f"{group}{i}": 400 - i for group in "ab" for i in range(20)})
    assert model.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_train_reads_a_generator_once() -> None:
    model = Word2Vec(**TINY)
    model.build_vocab(sentence for sentence in SENTENCES)
    model.train((sentence for sentence in SENTENCES), total_examples=1200, epochs=2)
    np.testing.assert_array_equal(model.wv.vectors, Word2Vec(SENTENCES, **TINY).wv.vectors)


# Reproducibility, saving, loading


def test_one_worker_gives_equal_bits_in_another_process() -> None:
    program = (
        "import hashlib, two_groups\n"
        "from full_w2v import Word2Vec\n"
        f"model = Word2Vec(two_groups.sentences(), **{TINY!r})\n"
        "print(hashlib.sha256(model.wv.vectors.tobytes() + model.syn1neg.tobytes()).hexdigest())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    here = Word2Vec(SENTENCES, **TINY)
    expected = hashlib.sha256(here.wv.vectors.tobytes() + here.syn1neg.tobytes()).hexdigest()
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_seeds_change_the_draws() -> None:
    first, second = (Word2Vec(SENTENCES, **{**TINY, "seed": seed}).wv.vectors for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_a_seed_may_be_left_to_chance() -> None:
    first, second = (Word2Vec(SENTENCES, **{**TINY, "seed": None}).wv.vectors for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_saved_model_continues_as_if_it_had_never_been_saved(tmp_path: Path) -> None:
    model = Word2Vec(SENTENCES, **TINY)
    path = str(tmp_path / "saved.model")
    model.save(path)
    loaded = Word2Vec.load(path)
    assert type(loaded) is Word2Vec
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    assert loaded.wv.most_similar("a1") == model.wv.most_similar("a1")
    for each in (model, loaded):
        each.train(SENTENCES, total_examples=1200, epochs=1)
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    np.testing.assert_array_equal(loaded.syn1neg, model.syn1neg)


def test_a_model_of_gensims_class_can_be_loaded_and_trained(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = str(tmp_path / "saved.model")
    gensim.models.Word2Vec(SENTENCES, **TINY).save(path)
    request.getfixturevalue("no_gensim_training")
    model = Word2Vec.load(path)
    assert type(model) is Word2Vec
    before = model.wv.vectors.copy()
    model.train(SENTENCES, total_examples=1200, epochs=1)
    assert not np.array_equal(model.wv.vectors, before)


# What is refused


def built() -> Word2Vec:
    model = Word2Vec(**TINY)
    model.build_vocab(SENTENCES)
    return model


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (
            lambda _: Word2Vec(**TINY).train(SENTENCES, total_examples=1, epochs=1),
            RuntimeError,
            "you must first build vocabulary before training the model",
        ),
        (lambda _: built().train(SENTENCES, epochs=1), ValueError, "either total_examples or total_words"),
        (lambda _: built().train(SENTENCES, total_examples=1), ValueError, "an explicit epochs count"),
        (lambda _: built().train(total_examples=1, epochs=1), TypeError, "Either one of corpus_file or"),
        (
            lambda path: built().train(SENTENCES, corpus_file=path, total_examples=1, epochs=1),
            TypeError,
            "must not be provided at the same time",
        ),
        (lambda path: Word2Vec(SENTENCES, corpus_file=path, **TINY), TypeError, "at the same time"),
        (
            lambda _: Word2Vec(corpus_file="nowhere.txt", **TINY),
            TypeError,
            "must be a valid path to a file",
        ),
        (
            lambda _: built().train(SENTENCES, total_examples=1, epochs=1, learning_rate=0.1),
            TypeError,
            r"train\(\) got an unexpected keyword argument 'learning_rate'",
        ),
        (
            lambda _: Word2Vec("the cat sat", **TINY),
            TypeError,
            r"a list of sentences, got the plain string 'the cat sat'; pass \[sentence\.split\(\)\] for one",
        ),
        (
            lambda _: built().train([["a1"], "a1 a2"], total_examples=1, epochs=1),
            CorpusError,
            "sentence 1 is a plain string, 'a1 a2'; expected a list of tokens",
        ),
        (
            lambda _: Word2Vec([3, 4], **TINY),
            TypeError,
            "expected sentences that are lists of tokens, got the int 3",
        ),
        (
            lambda _: Word2Vec([["a1", ["a2"]]], **TINY),
            TypeError,
            r"expected tokens that are str or have a hash, got the list \['a2'\]",
        ),
        (lambda _: Word2Vec((s for s in SENTENCES), **TINY), TypeError, "can't support 3 passes"),
        (
            lambda _: Word2Vec(iter(SENTENCES), **TINY),
            TypeError,
            "expected sentences that can be read 3 times, such as a list, got a list_iterator",
        ),
        (
            lambda _: built().train(iter([]), total_examples=1, epochs=1),
            CorpusError,
            "the list_iterator of sentences is empty: it can be read once only, and probably build_vocab did",
        ),
        (lambda _: Word2Vec(SENTENCES, **{**TINY, "window": 0}), ConfigError, "window must be between 1"),
        (
            lambda _: Word2Vec(SENTENCES, **{**TINY, "negative": 0}),
            ValueError,
            "either 'hs' or 'negative'",
        ),
    ],
)
def test_wrong_use_is_refused(
    corpus: Path, action: Callable[[str], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        action(str(corpus))


def test_a_refused_call_leaves_the_model_usable() -> None:
    model = built()
    with pytest.raises(CorpusError):
        model.train(iter([]), total_examples=1, epochs=1)
    assert model.train(SENTENCES, total_examples=1200, epochs=1) == (TOKENS, TOKENS)


def test_the_docstring_tells_the_differences() -> None:
    documented = Word2Vec.__doc__ or ""
    for topic in ("10,000", "workers=1", "float64", "generator", "CorpusError", "Callbacks", "`load`"):
        assert topic in documented


def test_a_training_that_diverges_is_an_error() -> None:
    # A step of 10 is far beyond 1, where a pair's own gradient step stops shrinking its error.
    with pytest.raises(BackendError, match=r"training diverged: .* lower alpha, which was 10"):
        Word2Vec(SENTENCES, sg=1, vector_size=8, alpha=10.0, min_alpha=10.0, epochs=50, workers=1)
