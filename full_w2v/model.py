"""The model in training: its matrices, with the vocabulary and the settings that they belong to."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from full_w2v import objectives
from full_w2v.config import TrainConfig
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.vocabulary import Vocabulary


@dataclass(eq=False)
class Model:
    """The matrices that the settings' objectives train, float32, shape [vocabulary, vector_size].

    input: the word vectors (gensim's wv.vectors, word2vec.c's syn0).
    output: the rows that words are predicted with (syn1neg in both).
    inner: the rows of the Huffman tree's inner nodes (syn1 in both; the last row is unused), zero if not
        given; None without hierarchical softmax.
    tree: the Huffman tree, of the vocabulary's counts if not given; None without hierarchical softmax.
    locks: the share of its change that each input row takes, float32, shape [vocabulary]: 0 keeps a row as it
        is (gensim's vectors_lockf); None where all rows take all of it.
    further: matrices of objectives that have no field here, by name; zero if not given.
    """

    vocabulary: Vocabulary
    config: TrainConfig
    input: NDArray[np.float32]
    output: NDArray[np.float32]
    inner: NDArray[np.float32] | None = None
    tree: HuffmanTree | None = None
    locks: NDArray[np.float32] | None = None
    further: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for matrix in objectives.matrices_of(self.config):
            if matrix.name == "inner" and self.inner is None:
                self.inner = np.zeros_like(self.input)
            elif not hasattr(self, matrix.name):
                self.further.setdefault(matrix.name, np.zeros_like(self.input))
        if "tree" in objectives.tables_of(self.config) and self.tree is None:
            self.tree = HuffmanTree.from_counts(self.vocabulary.counts)

    def matrix(self, name: str) -> NDArray[np.float32]:
        """A matrix in training by the name that its objective gives it."""
        found: NDArray[np.float32] = self.further[name] if name in self.further else getattr(self, name)
        return found

    @property
    def matrices(self) -> list[NDArray[np.float32]]:
        """All matrices in training: input, output and, with hierarchical softmax, inner."""
        return [self.matrix(matrix.name) for matrix in objectives.matrices_of(self.config)]

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, config: TrainConfig, matrices: dict[str, NDArray[np.float32]]
    ) -> "Model":
        """A model of matrices by name, which its objectives give them."""
        further = dict(matrices)
        fields = further.pop("input"), further.pop("output"), further.pop("inner", None)
        return cls(vocabulary, config, *fields, further=further)

    @classmethod
    def initialize(cls, vocabulary: Vocabulary, config: TrainConfig) -> "Model":
        """A model before training: input uniform in (-1 / d, 1 / d) as in gensim, the others zero.

        word2vec.c's interval is half as wide; gensim's scores higher on MEN (CHANGELOG.md).
        """
        shape = (len(vocabulary), config.vector_size)
        vectors = np.random.default_rng(config.seed).random(shape, dtype=np.float32)
        vectors *= 2.0
        vectors -= 1.0
        vectors /= config.vector_size
        return cls(vocabulary, config, vectors, np.zeros(shape, np.float32))
