"""The contract as the kernels of CUDA compute it: that of the oracle, but for when rows of bf16 are rounded.

A kernel with a context ring rounds an input row when it leaves the ring, and not after each window, unless
the ring holds the word twice: then it is written through (csrc/cuda/kernels/ring.cuh). Rows of float32 need
no ring.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from full_w2v.backends import reference
from full_w2v.backends.base import SpanStats
from full_w2v.backends.schedule import learning_rate, segments
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.model import Model


@dataclass
class RingOracle:
    """Trains a model's matrices, in float64 copies. stats: sums over all calls of train()."""

    model: Model
    stats: SpanStats = field(init=False, default=SpanStats())

    def __post_init__(self):
        self._oracle = reference.ReferenceBackend()
        self._oracle.load(self.model)

    @property
    def input(self) -> np.ndarray:
        return self._oracle.input

    @property
    def output(self) -> np.ndarray:
        return self._oracle.output

    def train(self, corpus: EncodedCorpus, epoch: int) -> None:
        """Trains the whole corpus, segment by segment."""
        if self.model.config.row_precision != "bf16":
            self.stats += self._oracle.train(corpus, 0, corpus.tokens, epoch)
            return
        settings = self._oracle.settings(epoch)
        for first, last in zip(corpus.offsets, corpus.offsets[1:], strict=False):
            kept = reference.survivors(settings, corpus.ids, first, last)
            sentence = reference.Sentence(corpus.ids, kept)
            for segment in segments(int(first), int(last)):
                rate = float(learning_rate(self.model.config, corpus.tokens, epoch, segment[0]))
                self._train_segment(settings, sentence, np.searchsorted(kept, segment), rate)

    def _train_segment(self, settings, sentence, segment, rate):
        words = sentence.ids[sentence.kept]
        matrices = reference.Matrices(self.input, self.output)
        window, held, draw = settings.window, Counter(), np.uint64(0)
        entered = left = max(0, segment[0] - window)
        for centre in range(*segment):
            for word in words[entered : centre + window + 1]:
                if held[word]:  # what its copy changed by is written before another one is read
                    self._round([word], draw)
                held[word] += 1
                entered += 1
            tile = reference.group_tile(settings, sentence, centre, centre + 1)
            pairs, loss = reference.window_steps(settings, matrices, tile, rate)
            self.stats += SpanStats(1, pairs, loss)
            index = reference.FIRST_NEGATIVE_DRAW + settings.negative
            draw = reference.token_draw(settings, sentence.kept[centre], index)
            reference.round_rows(self.output, tile.outputs, draw, reference.OUTPUT)
            self._round([word for word in tile.inputs if held[word] > 1], draw)
            while left <= centre - window:
                self._leave(words[left], held, draw)
                left += 1
        for word in words[left:entered]:
            self._leave(word, held, draw)

    def _leave(self, word, held, draw):
        held[word] -= 1
        if not held[word]:
            self._round([word], draw)

    def _round(self, words, draw):
        reference.round_rows(self.input, np.array(words, np.int64), draw, reference.INPUT)
