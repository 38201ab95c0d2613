"""The contract in float64 and plain NumPy, with the CUDA kernels' context ring as an option.

Written for the eye, one loop a concept. The draws come from the native generator, which has tests of its own.
"""

from dataclasses import dataclass, field

import numpy as np

from full_w2v import _native
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus
from full_w2v.vocabulary import Vocabulary, keep_thresholds, noise_table

SEGMENT = 1024


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@dataclass
class Oracle:
    """Matrices in float64 that train() changes; `words`, `pairs` and `loss` are sums over all calls."""

    config: TrainConfig
    vocabulary: Vocabulary
    input: np.ndarray
    output: np.ndarray
    ring: bool
    words: int = 0
    pairs: int = 0
    loss: float = 0.0
    keep: np.ndarray = field(init=False)
    noise: np.ndarray = field(init=False)

    def __post_init__(self):
        self.input, self.output = self.input.astype(np.float64), self.output.astype(np.float64)
        self.keep = keep_thresholds(self.vocabulary.counts, self.config.sample)
        self.noise = noise_table(self.vocabulary.counts, self.config.ns_exponent)

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> None:
        """Trains the segments that begin in the span, in the order of the corpus."""
        for first, last in zip(corpus.offsets[:-1].tolist(), corpus.offsets[1:].tolist(), strict=True):
            kept = [p for p in range(first, last) if self._keeps(corpus, p, epoch)]
            for segment in range(first, last, SEGMENT):
                if begin <= segment < end:
                    self._train_segment(corpus, kept, segment, epoch)

    def windows(self, corpus: EncodedCorpus, epoch: int):
        """Every (centre position, context positions, outputs) of the corpus; outputs as (word, label) pairs."""
        for first, last in zip(corpus.offsets[:-1].tolist(), corpus.offsets[1:].tolist(), strict=True):
            kept = [p for p in range(first, last) if self._keeps(corpus, p, epoch)]
            for centre in range(len(kept)):
                contexts, outputs = self._window(corpus, kept, centre, epoch)
                yield kept[centre], [kept[c] for c in contexts], outputs

    def _block(self, epoch: int, counter: int, block: int) -> np.ndarray:
        words = np.array([[counter & 0xFFFFFFFF, counter >> 32, epoch, block]], np.uint32)
        return _native.philox(words, self.config.seed)[0]

    def _draw(self, epoch: int, position: int, index: int) -> int:
        return int(self._block(epoch, position, 1 + index // 4)[index % 4])

    def _keeps(self, corpus: EncodedCorpus, position: int, epoch: int) -> bool:
        draw = self._block(epoch, position >> 2, 0)[position & 3]
        return bool(draw <= self.keep[corpus.ids[position]])

    def _negative(self, draw: int) -> int:
        product = draw * len(self.noise)
        slot, fraction = product >> 32, product & 0xFFFFFFFF
        return slot if fraction < self.noise[slot, 0] else int(self.noise[slot, 1])

    def _window(self, corpus, kept, centre, epoch):
        position, window = kept[centre], self.config.window
        radius = 1 + (self._draw(epoch, position, 0) * window >> 32) if self.config.shrink_windows else window
        contexts = [c for c in range(max(0, centre - radius), min(len(kept), centre + radius + 1)) if c != centre]
        target = int(corpus.ids[position])
        negatives = [self._negative(self._draw(epoch, position, 1 + n)) for n in range(self.config.negative)]
        return contexts, [(target, 1.0), *((word, 0.0) for word in negatives if word != target)]

    def _train_segment(self, corpus, kept, segment, epoch):
        config, window = self.config, self.config.window
        passed = (epoch * corpus.tokens + segment) / (config.epochs * corpus.tokens)
        rate = config.alpha - (config.alpha - config.min_alpha) * passed
        centres = [i for i, p in enumerate(kept) if segment <= p < segment + SEGMENT]
        rows, loaded = {}, {}  # the ring: copies of context rows by place in `kept`
        for centre in centres:
            word = corpus.ids[kept[centre]]
            for c in range(max(0, centre - window), min(len(kept), centre + window + 1)):
                if self.ring and c not in loaded:
                    loaded[c] = self.input[corpus.ids[kept[c]]].copy()
                    rows[c] = loaded[c].copy()
                elif not self.ring:
                    rows[c] = self.input[corpus.ids[kept[c]]]  # a view: trained in place
            contexts, outputs = self._window(corpus, kept, centre, epoch)
            assert outputs[0][0] == word
            self.words += 1
            self._train_window([rows[c] for c in contexts], outputs, rate)
            if self.ring and centre - window in loaded:
                self._leave(corpus, kept, rows, loaded, centre - window)
        for c in sorted(loaded):
            self._leave(corpus, kept, rows, loaded, c)

    def _leave(self, corpus, kept, rows, loaded, c):
        self.input[corpus.ids[kept[c]]] += rows.pop(c) - loaded.pop(c)

    def _train_window(self, contexts, outputs, rate):
        if self.config.order == "pair":
            for word, label in outputs:
                for x in contexts:
                    self._train_pair(x, self.output[word], label, rate)
            return
        old = [x.copy() for x in contexts]
        changes = []
        for word, label in outputs:
            y = self.output[word].copy()
            scores = [float(x @ y) for x in old]
            for score in scores:
                self._count(score, label)
            gradients = [rate * (label - sigmoid(score)) for score in scores]
            changes.append((word, sum((g * x for g, x in zip(gradients, old, strict=True)), np.zeros_like(y))))
            for x, g in zip(contexts, gradients, strict=True):
                x += g * y
        for word, change in changes:
            self.output[word] += change

    def _train_pair(self, x, y, label, rate):
        score = float(x @ y)
        self._count(score, label)
        g = rate * (label - sigmoid(score))
        old = x.copy()
        x += g * y
        y += g * old

    def _count(self, score, label):
        self.pairs += 1
        self.loss += float(np.logaddexp(0.0, -score if label else score))
