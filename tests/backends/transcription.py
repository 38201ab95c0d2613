"""The contract once more, in plain Python: what the oracle itself is tested against.

Draws come from C++ (the oracle has its own generator); a group is a list of (context, output, label) pairs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus
from full_w2v.huffman import HuffmanTree
from full_w2v.vocabulary import keep_thresholds, noise_table

Pair = tuple[int, int, int]
Rows = NDArray[np.float64]
Trained = tuple[int, float]  # how many (input, output) pairs, and the sum of their losses


@dataclass
class Group:
    """Centres that train together: where their segment begins, how many they are, and their pairs."""

    segment: int
    centres: int
    pairs: list[Pair]


def groups(
    config: TrainConfig, counts: NDArray[np.int64], corpus: EncodedCorpus, epoch: int
) -> Iterator[Group]:
    """Every group of centres of an epoch, in order."""
    positions, ids = np.arange(corpus.tokens), corpus.ids.tolist()
    keep, noise = keep_thresholds(counts, config.sample), noise_table(counts, config.ns_exponent)
    tree = HuffmanTree.from_counts(counts)
    draws, radii, negatives = _native.token_draws(
        positions, config.seed, epoch, config.window, config.shrink_windows, noise, config.negative
    )
    for begin, end in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True):
        kept = [p for p in range(begin, end) if draws[p] <= keep[ids[p]]]
        for segment in range(begin, end, 1024):
            centres = [i for i, p in enumerate(kept) if segment <= p < segment + 1024]
            for first in range(0, len(centres), config.share_negatives):
                group = centres[first : first + config.share_negatives]
                common, pairs = negatives[kept[group[0]]].tolist(), []
                for i in group:
                    reach, target = radii[kept[i]], ids[kept[i]]
                    around = [j for j in range(i - reach, i + reach + 1) if 0 <= j < len(kept) and j != i]
                    outputs = [(target, 1), *((word, 0) for word in common if word != target)]
                    outputs = outputs if config.negative > 0 else []
                    if config.hierarchical_softmax:
                        outputs += path(tree, target)
                    pairs += [(ids[kept[j]], word, label) for word, label in outputs for j in around]
                yield Group(segment, len(group), pairs)


def path(tree: HuffmanTree, word: int) -> list[tuple[int, int]]:
    """Output rows and labels of a word's inner nodes, whose rows stand behind the words'."""
    steps, words = slice(*tree.offsets[word : word + 2]), len(tree.offsets) - 1
    return [(words + p, 1 - c) for p, c in zip(tree.points[steps].tolist(), tree.codes[steps], strict=True)]


def rate(config: TrainConfig, corpus_tokens: int, epoch: int, segment: int) -> float:
    """Learning rate of a segment."""
    share = (epoch * corpus_tokens + segment) / (config.epochs * corpus_tokens)
    return config.alpha - (config.alpha - config.min_alpha) * share


def loss(x: Rows, y: Rows, pairs: list[Pair]) -> float:
    """Sum over pairs of -log sigmoid(x.y) for label 1 and -log sigmoid(-x.y) for label 0."""
    inputs, outputs, labels = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    scores = np.einsum("ij,ij->i", x[inputs], y[outputs])
    return float(np.logaddexp(0, np.where(labels == 1, -scores, scores)).sum())


def train_window_order(x: Rows, y: Rows, pairs: list[Pair], rate: float) -> Trained:
    """All pairs from the old rows, then all their changes."""
    old_x, old_y, total = x.copy(), y.copy(), loss(x, y, pairs)
    for c, o, label in pairs:
        g = rate * (label - 1 / (1 + np.exp(-old_x[c] @ old_y[o])))
        x[c] += g * old_y[o]
        y[o] += g * old_x[c]
    return len(pairs), total


def train_pair_order(x: Rows, y: Rows, pairs: list[Pair], rate: float) -> Trained:
    """Pair after pair, each from the rows that the last one left."""
    total = 0.0
    for pair in pairs:
        c, o, label = pair
        total += loss(x, y, [pair])
        g = rate * (label - 1 / (1 + np.exp(-x[c] @ y[o])))
        x[c], y[o] = x[c] + g * y[o], y[o] + g * x[c]
    return len(pairs), total


def cbow_outputs(pairs: list[Pair]) -> tuple[list[int], list[tuple[int, int]]]:
    """A window's contexts and its (output, label) list: pairs stand output by output."""
    contexts = [context for context, _, _ in takewhile(lambda pair: pair[1] == pairs[0][1], pairs)]
    return contexts, [(output, label) for _, output, label in pairs[:: max(len(contexts), 1)]]


def cbow_loss(x: Rows, y: Rows, pairs: list[Pair], mean: bool) -> float:
    """Sum over outputs of -log sigmoid(h.y) for label 1 and -log sigmoid(-h.y) for label 0."""
    contexts, outputs = cbow_outputs(pairs)
    hidden = x[contexts].sum(axis=0) / (len(contexts) if mean else 1)
    return float(sum(np.logaddexp(0, -hidden @ y[o] if label else hidden @ y[o]) for o, label in outputs))


def train_cbow(x: Rows, y: Rows, pairs: list[Pair], rate: float, mean: bool) -> Trained:
    """One window of CBOW from the old rows, by gensim's gradient."""
    contexts, outputs = cbow_outputs(pairs)
    if not contexts:
        return 0, 0.0
    total, old_y = cbow_loss(x, y, pairs, mean), y.copy()
    hidden, error = x[contexts].sum(axis=0) / (len(contexts) if mean else 1), np.zeros(x.shape[1])
    for o, label in outputs:
        g = rate * (label - 1 / (1 + np.exp(-hidden @ old_y[o])))
        error += g * old_y[o]
        y[o] += g * hidden
    for c in contexts:
        x[c] += error / (1 if mean else len(contexts))
    return len(outputs), total


def step(config: TrainConfig) -> Callable[[Rows, Rows, list[Pair], float], Trained]:
    """What trains a group of the settings' architecture and order."""
    if config.architecture == "cbow":
        return partial(train_cbow, mean=config.cbow_mean)
    return train_window_order if config.order == "window" else train_pair_order
