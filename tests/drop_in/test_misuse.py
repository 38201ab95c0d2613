"""What is refused, in words that say what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import SENTENCES, TINY, TOKENS, built

from full_w2v import Word2Vec
from full_w2v.drop_in.callbacks import Callback
from full_w2v.errors import ConfigError, CorpusError


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
            "the list_iterator of sentences is empty: it can be read only once, and probably build_vocab did",
        ),
        (lambda _: Word2Vec(SENTENCES, **{**TINY, "window": 0}), ConfigError, "window must be between 1"),
        (lambda _: Word2Vec(vector_size=-1), ConfigError, "vector_size must be between 1 and 65536, got -1"),
        (
            lambda _: Word2Vec(vector_size="wide"),
            ConfigError,
            "vector_size must be a whole number, got 'wide'",
        ),
        (
            lambda _: Word2Vec(callbacks=Callback()),
            TypeError,
            r"callbacks must be a list, got <.*; put a single",
        ),
        (
            lambda _: Word2Vec(callbacks=[Callback]),
            TypeError,
            r"callbacks\[0\] must be an object, got the class Ca",
        ),
        (
            lambda _: built().train(SENTENCES, total_examples=1, epochs=1, callbacks=[Callback(), print]),
            TypeError,
            r"callbacks\[1\], <built-in function print>, has no method on_train_begin; derive its class from",
        ),
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
