"""NumPy's .npz: arrays `words` (Unicode), `vectors` (float32) and, if they are known, `counts` (int64)."""

import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError, shown

LARGEST_WORDS_BYTES = 1 << 32  # NumPy pads every word to the longest one


def save(embeddings: Embeddings, file: BinaryIO) -> None:
    """Writes an archive that np.load reads without pickle; raises FormatError for words it cannot hold."""
    longest = max(embeddings.words, key=len)
    if 4 * len(longest) * len(embeddings) > LARGEST_WORDS_BYTES:
        raise FormatError(
            f"NumPy would pad every word to the {len(longest)} characters of {shown(longest)}; "
            "save as .safetensors or .parquet"
        )
    for word in embeddings.words:
        if word.endswith("\0"):
            raise FormatError(
                f"the word {shown(word)} ends with NUL, which NumPy drops; save as .safetensors"
            )
    arrays: dict[str, Any] = {"words": np.array(embeddings.words, np.str_), "vectors": embeddings.vectors}
    if embeddings.counts is not None:
        arrays["counts"] = embeddings.counts
    np.savez(file, **arrays)


def load(path: Path) -> Embeddings:
    """Reads the arrays, never a pickle; raises FormatError if one is missing or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Embeddings(arrays["words"].tolist(), arrays["vectors"], arrays.get("counts"))
    except OSError:
        raise
    except (KeyError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"expected a NumPy archive with words and vectors ({error})") from error
