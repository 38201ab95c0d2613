"""A USearch index of cosines: x.usearch, whose keys are rows, and x.usearch.json, which lists the words."""

import json
from pathlib import Path

import numpy as np

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError


def words_path(path: Path) -> Path:
    """Where the words of an index stand."""
    return path.with_name(f"{path.name}.json")


def save(embeddings: Embeddings, path: Path) -> None:
    """Builds the index and writes both files; any word will do."""
    from usearch.index import Index

    index = Index(ndim=embeddings.dimension, metric="cos", dtype="f32")
    index.add(np.arange(len(embeddings), dtype=np.uint64), embeddings.vectors)
    index.save(str(path))
    words_path(path).write_text(json.dumps(embeddings.words), encoding="ascii")


def load(path: Path) -> Embeddings:
    """Reads words and vectors back; raises FormatError if the files are damaged or do not fit together."""
    from usearch.index import Index

    path.open("rb").close()  # the library's own errors name no reason
    try:
        words = json.loads(words_path(path).read_text(encoding="ascii"))
        index = Index.restore(str(path))
        vectors = None if index is None else index.get(np.arange(len(words), dtype=np.uint64))
    except (ValueError, RuntimeError) as error:
        raise FormatError(f"expected a USearch index and its words ({error})") from error
    if vectors is None or len(vectors) != len(words) or any(row is None for row in vectors):
        raise FormatError(f"expected a USearch index of the {len(words)} words in {words_path(path).name}")
    return Embeddings(words, np.asarray(vectors, np.float32))
