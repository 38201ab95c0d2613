"""TensorBoard's Embedding Projector: x.tsv with one vector per line, x.metadata.tsv with its word.

With known counts the metadata has a second column, and a first line that names both, as the projector asks.
"""

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError, shown
from full_w2v.formats.format import Format, files
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.word2vec_text import digits
from full_w2v.formats.words import check_beginning, encoded, without_mark
from full_w2v.word_vectors import WordVectors

HEADER = b"word\tcount"


def metadata_path(path: Path) -> Path:
    """The file that holds the words of a file of vectors."""
    return path.with_suffix(".metadata.tsv")


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that a line or a column cannot hold."""
    for word in words:
        if not word.strip() or word.splitlines() != [word] or "\t" in word:
            raise FormatError(
                f"the word {shown(word)} is empty, or contains a tab or a line's end, which the projector's "
                "files cannot hold; save as .safetensors"
            )
    check_beginning(words)
    encoded(words)


def save(embeddings: WordVectors, path: Path) -> None:
    """Writes both files; raises FormatError for words that a line or a column cannot hold."""
    check(embeddings.words)
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


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads both files; raises FormatError if they are damaged or do not fit together."""
    words, counts = _metadata(metadata_path(path), options)
    vectors = _vectors(path, options)
    if len(vectors) != len(words):
        raise FormatError(
            f"expected a vector for each of the {len(words)} words in {metadata_path(path).name}, "
            f"got {len(vectors)}"
        )
    return options.vectors(words, vectors, counts)


def _metadata(path: Path, options: LoadOptions) -> tuple[list[str], list[int] | None]:
    """Words, and counts if there is a column of them."""
    words: list[str] = []
    counts: list[int] = []
    with path.open("rb") as file:
        first = without_mark(file.readline())
        has_counts = first.rstrip(b"\r\n") == HEADER
        for number, line in enumerate(file if has_counts else chain([first], file), 1 + has_counts):
            word, _, count = (
                line.rstrip(b"\r\n").partition(b"\t") if has_counts else (line.rstrip(b"\r\n"), b"", b"")
            )
            place = f"{path.name}: line {number}"
            if has_counts:
                if not count.isdigit() or len(count) > 18:
                    raise FormatError(f"{place}: expected a word, a tab and its count, got {shown(line)}")
                counts.append(int(count))
            words.append(options.decoded(word, place))
            if len(words) == options.limit:
                break
    return words, counts if has_counts else None


def _vectors(path: Path, options: LoadOptions) -> NDArray[np.float32]:
    with path.open("rb") as file:
        first = without_mark(file.readline())
        if not first:
            raise FormatError("holds no vectors")
        try:
            lines = islice(chain([first], file), options.limit)
            vectors: NDArray[np.float32] = np.loadtxt(
                lines, np.float32, delimiter="\t", ndmin=2, comments=None
            )
        except (ValueError, OverflowError) as error:
            raise FormatError(f"expected numbers, as many on each line ({error})") from error
    return vectors


FORMAT = Format(files(save), load, check, second_file=metadata_path)
