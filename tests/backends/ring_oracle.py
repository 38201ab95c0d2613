"""The contract with the context ring of the `warp`, `group` and `block` kernels, in float64 and plain NumPy.

csrc/cuda/ring.cuh says when a row enters the ring and when it leaves. Without it this is the contract itself.
"""

from dataclasses import dataclass, field

import numpy as np

from full_w2v import _native
from full_w2v.backends import reference
from full_w2v.backends.base import SpanStats
from full_w2v.config import TrainConfig
from full_w2v.encoded import EncodedCorpus
from full_w2v.model import Model
from full_w2v.schedule import learning_rate, segments
from full_w2v.vocabulary import keep_thresholds, noise_table


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@dataclass
class Draws:
    """What is drawn in one epoch, by position: keep draws [tokens], radii [tokens], negatives [tokens, N].

    rounding: what roundings of rows of bf16 are drawn from, [tokens].
    """

    keep: np.ndarray
    radius: np.ndarray
    negatives: np.ndarray
    rounding: np.ndarray


@dataclass
class RingOracle:
    """Trains a model's matrices, in float64 copies.

    ring: whether contexts are trained on copies. stats: sums over all calls of train().
    """

    model: Model
    ring: bool
    input: np.ndarray = field(init=False)
    output: np.ndarray = field(init=False)
    stats: SpanStats = field(init=False, default=SpanStats())

    def __post_init__(self):
        rows = self.model.input, self.model.output
        if self.rounds:
            rows = reference.nearest_bf16(rows[0]), reference.nearest_bf16(rows[1])
        self.input, self.output = (matrix.astype(np.float64) for matrix in rows)

    @property
    def rounds(self) -> bool:
        return self.model.config.row_precision == "bf16"

    @property
    def config(self) -> TrainConfig:
        return self.model.config

    def train(self, corpus: EncodedCorpus, epoch: int) -> None:
        """Trains the whole corpus, segment by segment."""
        draws = self.draws(corpus, epoch)
        thresholds = keep_thresholds(self.model.vocabulary.counts, self.config.sample)
        survives = draws.keep <= thresholds[corpus.ids]
        for first, last in zip(corpus.offsets, corpus.offsets[1:], strict=False):
            kept = first + np.flatnonzero(survives[first:last])
            for segment in segments(int(first), int(last)):
                rate = float(learning_rate(self.config, corpus.tokens, epoch, segment[0]))
                self._train_segment(corpus.ids, kept, segment, draws, rate)

    def draws(self, corpus: EncodedCorpus, epoch: int) -> Draws:
        config, counts = self.config, self.model.vocabulary.counts
        positions = np.arange(corpus.tokens, dtype=np.int64)
        noise = noise_table(counts, config.ns_exponent)
        shape = (config.window, config.shrink_windows, noise, config.negative)
        return Draws(
            *_native.token_draws(positions, config.seed, epoch, *shape), self._roundings(positions, epoch)
        )

    def _roundings(self, positions, epoch):
        index = reference.FIRST_NEGATIVE_DRAW + self.config.negative
        counters = np.empty((len(positions), 4), np.uint32)
        counters[:] = 0, 0, epoch, reference.TOKEN_BLOCK + index // 4
        counters[:, 0] = positions
        return _native.philox(counters, self.config.seed)[:, index % 4].astype(np.uint64)

    def _train_segment(self, ids, kept, segment, draws, rate):
        window, share = self.config.window, self.config.share_negatives
        copies, loaded = {}, {}  # the ring: rows by place in `kept`
        begin, end = np.searchsorted(kept, segment)
        for first in range(begin, end, share):
            centres = range(first, min(first + share, end))
            for place in range(max(0, first - window), min(len(kept), centres[-1] + window + 1)):
                row = self.input[ids[kept[place]]]
                if not self.ring:
                    copies[place] = row  # a view: trained in place
                elif place not in loaded:
                    copies[place], loaded[place] = row.copy(), row.copy()
            self._train_group(ids, kept, centres, copies, draws, rate)
            for centre in centres:
                draw = draws.rounding[kept[centre]]
                self._leave(ids, kept, copies, loaded, centre - window, draw)
        for place in sorted(loaded):
            self._leave(ids, kept, copies, loaded, place, draw)

    def _leave(self, ids, kept, copies, loaded, place, draw):
        if place in loaded:
            word = ids[kept[place]]
            self.input[word] += copies.pop(place) - loaded.pop(place)
            self._round(self.input, [word], draw, reference.INPUT)

    def _round(self, rows, words, draw, which):
        if self.rounds:
            reference.round_rows(rows, np.array(words, np.int64), draw, which)

    def _train_group(self, ids, kept, centres, copies, draws, rate):
        """The windows of `centres`, which share the negatives of the first: with one centre, its window."""
        windows = []
        for centre in centres:
            position, radius = kept[centre], draws.radius[kept[centre]]
            places = range(max(0, centre - radius), min(len(kept), centre + radius + 1))
            contexts = [copies[place] for place in places if place != centre]
            target, negatives = ids[position], draws.negatives[kept[centres[0]]]
            outputs = [(target, 1.0), *((word, 0.0) for word in negatives if word != target)]
            self.stats += SpanStats(words=1, pairs=len(contexts) * len(outputs))
            windows.append((contexts, outputs))
        if self.config.order == "pair":
            self._train_pairs(*windows[0], rate)
        else:
            self._train_windows(windows, rate)
        words = [word for _, outputs in windows for word, _ in outputs]
        self._round(self.output, words, draws.rounding[kept[centres[0]]], reference.OUTPUT)

    def _train_pairs(self, contexts, outputs, rate):
        for word, label in outputs:
            y = self.output[word]
            for row in contexts:
                g = self._gradient(row @ y, label, rate)
                before = row.copy()
                row[:] += g * y
                y[:] += g * before

    def _train_windows(self, windows, rate):
        changes = []
        for contexts, outputs in windows:
            if not contexts:
                continue
            old_x = np.array(contexts)
            old_y = self.output[[word for word, _ in outputs]]
            labels = np.array([label for _, label in outputs])
            if self.config.score_precision == "tf32":
                scores = reference.tf32_rows(old_x) @ reference.tf32_rows(old_y).T
            else:
                scores = old_x @ old_y.T
            g = self._gradient(scores, labels, rate)
            changes += zip(contexts, g @ old_y, strict=True)
            changes += zip((self.output[word] for word, _ in outputs), g.T @ old_x, strict=True)
        for row, change in changes:  # only now: all scores are from the rows as they were
            row[:] += change

    def _gradient(self, score, label, rate):
        # -log sigmoid(+-score), by the sign that the label gives
        self.stats += SpanStats(loss=float(np.sum(np.logaddexp(0.0, np.where(label, -score, score)))))
        return rate * (label - sigmoid(score))
