"""Full-W2V: word2vec training on CPU threads or an NVIDIA GPU, behind gensim's interface.

    import full_w2v

    result = full_w2v.train("corpus.txt", vector_size=100, sample=1e-4)
    result.embeddings.neighbours("paris")
    result.save("vectors.bin")

Or with gensim's class: `from full_w2v import Word2Vec`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from full_w2v import version

if TYPE_CHECKING:
    from full_w2v.config import TrainConfig
    from full_w2v.drop_in.word2vec import Word2Vec
    from full_w2v.embeddings import Embeddings, load_embeddings
    from full_w2v.errors import FullW2VError
    from full_w2v.formats import load_model, save_embeddings, save_model
    from full_w2v.model import Model
    from full_w2v.pipeline import TrainResult, train
    from full_w2v.vocabulary import Vocabulary

__version__ = version.__version__

# Imported when first used: gensim and scipy take longer to import than a small corpus takes to train.
_MODULES = {
    "Embeddings": "embeddings",
    "FullW2VError": "errors",
    "Model": "model",
    "TrainConfig": "config",
    "TrainResult": "pipeline",
    "Vocabulary": "vocabulary",
    "Word2Vec": "drop_in.word2vec",
    "load_embeddings": "embeddings",
    "load_model": "formats",
    "save_embeddings": "formats",
    "save_model": "formats",
    "train": "pipeline",
}

__all__ = [
    "Embeddings",
    "FullW2VError",
    "Model",
    "TrainConfig",
    "TrainResult",
    "Vocabulary",
    "Word2Vec",
    "load_embeddings",
    "load_model",
    "save_embeddings",
    "save_model",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'full_w2v' has no attribute {name!r}")
    value = getattr(import_module(f"full_w2v.{_MODULES[name]}"), name)
    globals()[name] = value  # so that it is looked up here only once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
