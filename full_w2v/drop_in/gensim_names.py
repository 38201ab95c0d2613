"""Spells settings in messages as the arguments of gensim's Word2Vec."""

from collections.abc import Iterator
from contextlib import contextmanager

from full_w2v.errors import FullW2VError, as_python, spelled

NAMES = {
    ("architecture", "'cbow'"): "sg=0",
    ("architecture", "'skip-gram'"): "sg=1",
    ("hierarchical_softmax", "True"): "hs=1",
    ("hierarchical_softmax", "False"): "hs=0",
    ("cbow_mean", "True"): "cbow_mean=1",
    ("cbow_mean", "False"): "cbow_mean=0",
    ("threads", None): "workers",
}
# Word2Vec reads corpus_file as UTF-8 and has no argument for anything else.
READING = ("encoding", "errors")


def as_gensim(name: str, value: str | None) -> str:
    """How gensim names a setting."""
    if name in READING:
        return f"open(path, {as_python(name, value)})"
    return NAMES.get((name, value)) or as_python(name, value)


@contextmanager
def gensim_messages() -> Iterator[None]:
    """Makes errors from within use Word2Vec's argument names."""
    try:
        yield
    except FullW2VError as error:
        text = spelled(error.template, as_gensim)
        if any(f"open(path, {name}=" in text for name in READING) and text != str(error):
            text += ", and pass a list of its split lines as corpus_iterable"
        error.args = (text,)
        error.template = text
        raise
