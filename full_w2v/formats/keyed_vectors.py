"""gensim's KeyedVectors: a pickle, so a stranger's file may run the stranger's code when it is loaded."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

from full_w2v.errors import FormatError
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.word_vectors import WordVectors, gensim_parts


def check(words: Sequence[str]) -> None:
    """Any word will do."""


def save(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes one file whatever its size; given a name, gensim would put large arrays into .npy files."""
    keyed = embeddings.to_gensim(copy=False)
    keyed.lifecycle_events = None  # would write the time and the machine into every file
    keyed.save(file)


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Unpickles what gensim saved, .npy files next to it included; raises FormatError for anything else."""
    from gensim.models import KeyedVectors

    try:
        source = KeyedVectors.load(str(path))
    except OSError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        reason = shorten(f"{type(error).__name__}: {error}", 100)
        raise FormatError(f"expected gensim KeyedVectors, but unpickling ended in {reason}") from error
    return options.vectors(*gensim_parts(source))


FORMAT = Format(one_file(save), load, check)
