"""Formats of word vectors, by the suffix of a file's name: those of the package, and others that register.

Names cost nothing here; a format's module is imported when a file is written or read.
"""

from dataclasses import dataclass
from pathlib import Path

from full_w2v.any_path import AnyPath
from full_w2v.errors import ConfigError


@dataclass(frozen=True)
class FileFormat:
    """A format's names.

    suffix: the end of its files' names, in lower case.
    implementation: "module:name" of its `full_w2v.formats.format.Format`.
    holds: what such a file is, for a corpus reader that passes it over in a folder; "" if its content has to
        tell, because a corpus may have the same suffix.
    """

    suffix: str
    implementation: str
    holds: str = "word vectors"


_TEXT = "full_w2v.formats.word2vec_text:FORMAT"
_registered = {
    one.suffix: one
    for one in (
        FileFormat(".txt", _TEXT, holds=""),
        FileFormat(".vec", _TEXT),
        FileFormat(".bin", "full_w2v.formats.word2vec_binary:FORMAT", "binary word vectors"),
        FileFormat(".kv", "full_w2v.formats.keyed_vectors:FORMAT", "word vectors of gensim"),
        FileFormat(".safetensors", "full_w2v.formats.model_file:FORMAT", "a model"),
        FileFormat(".glove.txt", "full_w2v.formats.word2vec_text:GLOVE"),
        FileFormat(".npz", "full_w2v.formats.numpy_archive:FORMAT"),
        FileFormat(".parquet", "full_w2v.formats.parquet:FORMAT", holds=""),
        FileFormat(".tsv", "full_w2v.formats.projector:FORMAT", holds=""),
        FileFormat(".model2vec", "full_w2v.formats.static_model:FORMAT", "a model"),
        FileFormat(".usearch", "full_w2v.formats.nearest_index:FORMAT", "an index of vectors"),
    )
}


def register(one: FileFormat) -> None:
    """Makes a format known. Raises ConfigError if its suffix is another one's."""
    if one.suffix in _registered:
        raise ConfigError(f"a format with the suffix {one.suffix!r} is already registered")
    _registered[one.suffix] = one


def unregister(one: FileFormat) -> None:
    """Forgets a format that was registered."""
    del _registered[one.suffix]


def suffixes() -> tuple[str, ...]:
    """Ends of the names of files that can be written and read."""
    return tuple(_registered)


def known_suffix(path: AnyPath) -> str | None:
    """The longest suffix that a name ends in; None if it has no known one."""
    name = Path(path).name.lower()
    found = [suffix for suffix in _registered if name.endswith(suffix) and name != suffix]
    return max(found, key=len, default=None)


def format_of(suffix: str) -> FileFormat:
    """The format with this suffix of `suffixes`."""
    return _registered[suffix]
