"""The model in training: the two matrices, with the vocabulary and the settings that they belong to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from full_w2v.config import TrainConfig
from full_w2v.vocabulary import Vocabulary


@dataclass(eq=False)
class Model:
    """Input and output rows of skip-gram with negative sampling, float32, shape [vocabulary, vector_size].

    input: the word vectors (gensim's wv.vectors, word2vec.c's syn0).
    output: the rows that words are predicted with (syn1neg in both).
    locks: the share of its change that each input row takes, float32, shape [vocabulary]: 0 keeps a row as it
        is (gensim's vectors_lockf); None where all rows take all of it.
    """

    vocabulary: Vocabulary
    config: TrainConfig
    input: NDArray[np.float32]
    output: NDArray[np.float32]
    locks: NDArray[np.float32] | None = None

    @classmethod
    def initialize(cls, vocabulary: Vocabulary, config: TrainConfig) -> "Model":
        """A model before training: input uniform in (-1 / d, 1 / d) as in gensim, output zero.

        word2vec.c's interval is half as wide; gensim's scores higher on MEN (CHANGELOG.md).
        """
        shape = (len(vocabulary), config.vector_size)
        vectors = np.random.default_rng(config.seed).random(shape, dtype=np.float32)
        vectors *= 2.0
        vectors -= 1.0
        vectors /= config.vector_size
        return cls(vocabulary, config, vectors, np.zeros(shape, np.float32))
