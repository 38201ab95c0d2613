"""TensorBoard's Embedding Projector: x.tsv with a vector a line, x.metadata.tsv with its word.

With known counts the metadata has a second column, and a first line that names both, as the projector asks.
"""

from pathlib import Path

import numpy as np

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError, shown
from full_w2v.formats.word2vec_text import digits
from full_w2v.formats.words import encoded

HEADER = b"word\tcount"


def metadata_path(path: Path) -> Path:
    """Where the words of a file of vectors stand."""
    return path.with_suffix(".metadata.tsv")


def save(embeddings: Embeddings, path: Path) -> None:
    """Writes both files; raises FormatError for words that a line or a column cannot hold."""
    for word in embeddings.words:
        if not word.strip() or word.splitlines() != [word] or "\t" in word:
            raise FormatError(
                f"the word {shown(word)} is empty, or contains a tab or a line's end, which the projector's "
                "files cannot hold; save as .safetensors"
            )
    words = encoded(embeddings.words)
    with metadata_path(path).open("xb") as file:
        if embeddings.counts is None:
            file.write(b"\n".join(words) + b"\n")
        else:
            rows = (b"%b\t%d" % row for row in zip(words, embeddings.counts.tolist(), strict=True))
            file.write(b"\n".join([HEADER, *rows]) + b"\n")
    with path.open("xb") as file:
        for lines in digits(embeddings.vectors):
            file.write(b"".join(line.replace(b" ", b"\t") + b"\n" for line in lines))


def load(path: Path) -> Embeddings:
    """Reads both files; raises FormatError if they are damaged or do not fit together."""
    try:
        lines = metadata_path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if path.stat().st_size == 0:
            raise FormatError("holds no vectors")
        vectors = np.loadtxt(path, np.float32, delimiter="\t", ndmin=2, comments=None)
        if lines[0] != HEADER.decode():
            return Embeddings(lines, vectors)
        words, counts = zip(*(line.split("\t") for line in lines[1:]), strict=True)
        return Embeddings(words, vectors, np.array(counts, np.int64))
    except ValueError as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(
            f"expected vectors, and their words in {metadata_path(path).name} ({error})"
        ) from error
