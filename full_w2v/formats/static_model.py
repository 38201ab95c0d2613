"""A folder that model2vec's StaticModel and sentence_transformers load: texts become means of word vectors.

model.safetensors   F32 `embeddings`, a row per word, and a row of zeros for unknown words
tokenizer.json      splits at white space; every word is a token, its id the row
config.json         model2vec's settings
modules.json        makes the folder a SentenceTransformer with a StaticEmbedding
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as safetensors_bytes

from full_w2v.errors import FormatError, shown
from full_w2v.formats.format import Format, folder
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.tensors import opened
from full_w2v.formats.words import encoded
from full_w2v.word_vectors import WordVectors

UNKNOWN = "[UNK]"
MODULES = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that white space would split."""
    for word in words:
        if word.split() != [word]:
            raise FormatError(
                f"the word {shown(word)} is empty or contains white space, at which the folder's tokenizer "
                "splits; save as .safetensors"
            )
    encoded(words)  # raises for a lone surrogate


def save(embeddings: WordVectors, folder: Path) -> None:
    """Writes the four files; raises FormatError for words that white space would split."""
    check(embeddings.words)
    words, vectors = list(embeddings.words), embeddings.vectors
    if UNKNOWN not in embeddings.ids:
        words.append(UNKNOWN)
        vectors = np.vstack([vectors, np.zeros((1, embeddings.dimension), np.float32)])
    # Written here: the libraries take only paths that are UTF-8.
    (folder / "tokenizer.json").write_text(_tokenizer(words).to_str(pretty=False), encoding="utf-8")
    model = safetensors_bytes({"embeddings": np.ascontiguousarray(vectors)})
    (folder / "model.safetensors").write_bytes(model)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": embeddings.dimension,
        "normalize": False,
        "embedding_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "modules.json").write_text(json.dumps(MODULES, indent=2), encoding="utf-8")


def load(folder: Path, options: LoadOptions) -> WordVectors:
    """Reads a folder that `save` or model2vec wrote, without a row of zeros for unknown words.

    A word's id is its row; rows without a word are left out. Raises FormatError if the folder is damaged or
    has a tokenizer whose vocabulary is not one of words and ids.
    """
    ids = _ids(folder / "tokenizer.json")
    with opened(folder / "model.safetensors") as file:
        if "mapping" in file:
            raise FormatError("model.safetensors maps several tokens to one row, which is not supported")
        rows = file.shape("embeddings")[0] if file.shape("embeddings") else 0
        words = _by_id(ids, rows)
        words = words[: options.rows(len(words))]
        vectors = file.read("embeddings", ("F32", "F16", "F64"), (None, None), ids[words[-1]] + 1)
    last = len(words) == len(ids) > 1 and words[-1] == UNKNOWN
    if last and not vectors[-1].any():
        words.pop()
    return options.vectors(words, vectors[[ids[word] for word in words]])


def _ids(path: Path) -> dict[str, int]:
    """The ids of the words of a tokenizer."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path.name} is not JSON ({shown(str(error))})") from error
    model = content.get("model") if isinstance(content, dict) else None
    ids = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(ids, dict):
        kind = model.get("type") if isinstance(model, dict) else None
        raise FormatError(
            f"{path.name}: expected a tokenizer whose vocabulary gives each word an id (WordLevel, WordPiece "
            f"or BPE), got {shown(kind)}"
        )
    if not ids:
        raise FormatError(f"{path.name}: the tokenizer has no words")
    return ids


def _by_id(ids: Mapping[str, int], rows: int) -> list[str]:
    """Words by rising id; raises FormatError for an id that is not a row or belongs to two words."""
    for word, found in ids.items():
        if type(found) is not int or not 0 <= found < rows:
            raise FormatError(
                f"tokenizer.json: expected an id below {rows}, the rows of the model, got {shown(found)} for "
                f"{shown(word)}"
            )
    words = sorted(ids, key=ids.__getitem__)
    for one, other in pairwise(words):
        if ids[one] == ids[other]:
            raise FormatError(f"tokenizer.json: {shown(one)} and {shown(other)} have the same id {ids[one]}")
    return words


def _tokenizer(words: list[str]) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    ids = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


FORMAT = Format(folder(save), load, check, needs="tokenizers", is_folder=True)
