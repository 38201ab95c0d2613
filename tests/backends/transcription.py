"""The contract once more, in plain Python: what the oracle itself is tested against.

Draws come from C++ (the oracle has its own generator); a group is a list of (context, output, label) pairs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from full_w2v import _native
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table

Pair = tuple[int, int, int]
Rows = NDArray[np.float64]
Trained = tuple[int, float]  # how many (input, output) pairs, and the sum of their losses


@dataclass
class Group:
    """Centres that train together: where their segment begins, how many they are, and their pairs.

    steps: the pairs again, as the steps of order window cut them. contexts: of all windows, in order.
    """

    segment: int
    centres: int
    pairs: list[Pair]
    steps: list[list[Pair]] = field(default_factory=list)
    contexts: list[int] = field(default_factory=list)


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
                common, windows = negatives[kept[group[0]]].tolist(), []
                for i in group:
                    reach, target = radii[kept[i]], ids[kept[i]]
                    around = [j for j in range(i - reach, i + reach + 1) if 0 <= j < len(kept) and j != i]
                    windows.append((target, [ids[kept[j]] for j in around]))
                nodes = path(tree, ids[kept[group[0]]]) if config.hierarchical_softmax else []
                further = [(word, 0) for word in common] + nodes
                pairs = [pair for window in windows for pair in meet(config, [window], further)]
                contexts = [context for _, words in windows for context in words]
                yield Group(
                    segment, len(group), pairs, list(steps(config, windows, common, further)), contexts
                )


def meet(
    config: TrainConfig,
    windows: list[tuple[int, list[int]]],
    further: list[tuple[int, int]],
    first: bool = True,
) -> list[Pair]:
    """Pairs of windows' contexts with their own target, if it is the `first` block, and further outputs."""
    pairs: list[Pair] = []
    for target, contexts in windows:
        outputs = [(target, 1)] if first and config.negative > 0 else []
        outputs += [(output, label) for output, label in further if output != target]  # nodes are never words
        pairs += [(context, o, label) for o, label in outputs for context in contexts]
    return pairs


def steps(
    config: TrainConfig,
    windows: list[tuple[int, list[int]]],
    common: list[int],
    further: list[tuple[int, int]],
) -> Iterator[list[Pair]]:
    """What a group trains at once: blocks of further outputs, and within each of them strips of contexts."""
    most = config.step_pairs
    contexts = [(target, context) for target, words in windows for context in words]
    if config.architecture == "cbow":
        block, strips = max(1, most // repetition(contexts)), [windows]
    else:
        longest = max(1, most // repetition(common))
        repeats = max(1, most // min(max(len(further), 1), most))
        block, strips = most, list(cut(contexts, longest, repeats))
    for first in range(0, max(len(further), 1), block):
        for strip in strips:
            yield meet(config, strip, further[first : first + block], first == 0)


def cut(contexts: list[tuple[int, int]], longest: int, repeats: int) -> Iterator[list[tuple[int, list[int]]]]:
    """Strips of (target, context) as windows of one context; none has a context more than `repeats` times."""
    strip: list[tuple[int, list[int]]] = []
    for target, context in contexts:
        if len(strip) == longest or sum(words == [context] for _, words in strip) == repeats:
            yield strip
            strip = []
        strip.append((target, [context]))
    yield strip


def repetition(words: Sequence[object]) -> int:
    """How often the most frequent one of these occurs; 1 if there are none."""
    return max(Counter(words).values(), default=1)


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


def train_window_order(x: Rows, y: Rows, group: Group, rate: float) -> Trained:
    """Step after step: all its pairs from the old rows, then all their changes."""
    total = 0.0
    for pairs in group.steps:
        old_x, old_y = x.copy(), y.copy()
        total += loss(x, y, pairs)
        for c, o, label in pairs:
            g = rate * (label - 1 / (1 + np.exp(-old_x[c] @ old_y[o])))
            x[c] += g * old_y[o]
            y[o] += g * old_x[c]
    return len(group.pairs), total


def train_pair_order(x: Rows, y: Rows, group: Group, rate: float) -> Trained:
    """Pair after pair, each from the rows that the last one left."""
    total = 0.0
    for pair in group.pairs:
        c, o, label = pair
        total += loss(x, y, [pair])
        g = rate * (label - 1 / (1 + np.exp(-x[c] @ y[o])))
        x[c], y[o] = x[c] + g * y[o], y[o] + g * x[c]
    return len(group.pairs), total


def cbow_loss(x: Rows, y: Rows, pairs: list[Pair], mean: bool, contexts: list[int]) -> float:
    """Sum over outputs of -log sigmoid(h.y) for label 1 and -log sigmoid(-h.y) for label 0."""
    hidden = x[contexts].sum(axis=0) / (len(contexts) if mean else 1)
    outputs = [
        (output, label) for _, output, label in pairs[:: len(contexts)]
    ]  # pairs stand output by output
    return float(sum(np.logaddexp(0, -hidden @ y[o] if label else hidden @ y[o]) for o, label in outputs))


def train_cbow(x: Rows, y: Rows, group: Group, rate: float, config: TrainConfig) -> Trained:
    """One window of CBOW, each step from the old rows, by gensim's gradient."""
    contexts, mean = group.contexts, config.cbow_mean
    if not contexts:
        return 0, 0.0
    total, share = 0.0, min(1, config.step_pairs / repetition(contexts)) / (1 if mean else len(contexts))
    for pairs in group.steps:
        total, old_y = total + cbow_loss(x, y, pairs, mean, contexts), y.copy()
        hidden, error = x[contexts].sum(axis=0) / (len(contexts) if mean else 1), np.zeros(x.shape[1])
        for _, o, label in pairs[:: len(contexts)]:
            g = rate * (label - 1 / (1 + np.exp(-hidden @ old_y[o])))
            error += g * old_y[o]
            y[o] += g * hidden
        for c in contexts:
            x[c] += share * error
    return len(group.pairs) // len(contexts), total


def step(config: TrainConfig) -> Callable[[Rows, Rows, Group, float], Trained]:
    """What trains a group of the settings' architecture and order."""
    if config.architecture == "cbow":
        return partial(train_cbow, config=config)
    return train_window_order if config.order == "window" else train_pair_order
