"""A folder that model2vec's StaticModel and sentence_transformers load: texts become means of word vectors.

model.safetensors   F32 `embeddings`, a row a word, and a row of zeros for what is no word
tokenizer.json      splits at white space; every word is a token, its id the row
config.json         model2vec's settings
modules.json        makes the folder a SentenceTransformer with a StaticEmbedding
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError, shown
from full_w2v.formats.words import encoded

UNKNOWN = "[UNK]"
MODULES = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]


def save(embeddings: Embeddings, folder: Path) -> None:
    """Writes the four files; raises FormatError for words that white space would split."""
    for word in embeddings.words:
        if word.split() != [word]:
            raise FormatError(
                f"the word {shown(word)} is empty or contains white space, at which the folder's tokenizer "
                "splits; save as .safetensors"
            )
    encoded(embeddings.words)  # raises for a lone surrogate
    words, vectors = list(embeddings.words), embeddings.vectors
    if UNKNOWN not in embeddings:
        words.append(UNKNOWN)
        vectors = np.vstack([vectors, np.zeros((1, embeddings.dimension), np.float32)])
    _tokenizer(words).save(str(folder / "tokenizer.json"), pretty=False)
    save_file({"embeddings": np.ascontiguousarray(vectors)}, folder / "model.safetensors")
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": embeddings.dimension,
        "normalize": False,
        "embedding_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "modules.json").write_text(json.dumps(MODULES, indent=2), encoding="utf-8")


def load(folder: Path) -> Embeddings:
    """Reads a folder that `save` wrote, without its row for unknown words; FormatError if it is damaged."""
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        ids = tokenizer["model"]["vocab"]
        vectors = load_file(folder / "model.safetensors")["embeddings"]
    except OSError:
        raise
    except Exception as error:  # safetensors has exceptions of its own
        raise FormatError(f"expected a folder of model2vec ({error})") from error
    words = sorted(ids, key=ids.__getitem__)
    if words[-1] == UNKNOWN and not vectors[-1].any():
        words, vectors = words[:-1], vectors[:-1]
    return Embeddings(words, vectors)


def _tokenizer(words: list[str]) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    ids = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer
