"""The oracle: the contract of csrc/contract/README.md, with a small function for each of its sentences.

It computes in float64 on one thread, in the plainest way; every other backend is compared with it, number by
number. It shares only the tables with C++: generator, draws, windows and updates are implemented here again.

A single file despite its length: Numba's cache checks only the file of a function itself, so compiled callers
of functions in other files would keep using outdated versions of them.
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from full_w2v import objectives
from full_w2v.backends.base import SpanStats, largest_norm
from full_w2v.backends.schedule import learning_rate, segments
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.model import Model

Function = TypeVar("Function")
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Block = tuple[np.uint64, np.uint64, np.uint64, np.uint64]  # four 32-bit words

# Numba makes float64 of an int64 and a uint64 together, so every operand of a draw is uint64.
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
PHILOX_ROUNDS = 10
PHILOX_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
PHILOX_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

KEEP_BLOCK = 0
TOKEN_BLOCK = 1  # the first of the blocks that hold a token's own draws
WINDOW_DRAW = 0  # index of the radius among a token's own draws
FIRST_NEGATIVE_DRAW = 1

ROW_STEP, PAIR_STEP = (
    np.uint64(0x9E3779B9),
    np.uint64(0x85EBCA6B),
)  # csrc/contract/rounding.h
MIX_FACTORS = np.uint64(0x7FEB352D), np.uint64(0x846CA68B)
BF16_HALF = np.uint64(16)
KEPT_BITS, LOST_BITS = np.uint64(0xFFFF0000), np.uint64(0xFFFF)

INPUT, OUTPUT = 0, 1  # which matrix a row of bf16 is in

NO_PAIR = -1  # instead of a label: this context does not meet this output


def _compiled(function: Function) -> Function:
    """The function, compiled when first called. The machine code is cached on disk if any folder takes it."""
    try:
        return cast(Function, numba.njit(cache=True)(function))
    except RuntimeError:  # numba found no folder that it may write
        return cast(Function, numba.njit(function))


class Settings(NamedTuple):
    """What the segments of one epoch have in common.

    keep: uint32 [vocabulary], the largest draw that keeps each word.
    noise: uint32 [vocabulary, 2], threshold and alias of each slot of the negatives' alias table.
    locks: float64 [vocabulary], the share of its change that each input row takes; empty where it is all.
    path_offsets, points, codes: of the Huffman tree (full_w2v.encoding.huffman); empty without a tree.
    """

    seed: np.uint64
    epoch: int
    window: int
    shrink_windows: bool
    negative: int
    share_negatives: int
    pair_order: bool
    cbow_mean: bool
    hierarchical: bool
    keep: NDArray[np.uint32]
    noise: NDArray[np.uint32]
    path_offsets: Int64
    points: Int64
    codes: NDArray[np.uint8]
    locks: Float64 = np.empty(0)
    bf16_rows: bool = False
    tf32_scores: bool = False
    step_pairs: int = 1


class Matrices(NamedTuple):
    """The rows in training, [vocabulary, vector_size]; behind the words' output rows the inner nodes'."""

    input: Float64
    output: Float64


class Sentence(NamedTuple):
    """Tokens of a corpus (ids) and the positions, in order, of a sentence's tokens that survived (kept)."""

    ids: NDArray[np.int32]
    kept: Int64


class Tile(NamedTuple):
    """Rows that meet: inputs [n] are word ids, outputs [m] too, or vocabulary + an inner node of the tree.

    labels [n, m] holds 1, 0 or NO_PAIR. The first `targets` outputs are targets, the others negatives as
    drawn, then nodes.
    """

    inputs: Int64
    outputs: Int64
    labels: NDArray[np.int8]
    targets: int


# Trains a tile at a learning rate; returns the number of pairs and the sum of their losses.
Step = Callable[[Settings, Matrices, Tile, float], tuple[int, float]]

# Draws


@_compiled
def philox(counter: Block, key: np.uint64) -> Block:
    """Philox4x32-10 (Salmon et al., SC 2011) of a counter and a 64-bit key."""
    c0, c1, c2, c3 = counter
    key0, key1 = key & LOW_HALF, key >> HALF
    for _ in range(PHILOX_ROUNDS):
        product0, product1 = PHILOX_MULTIPLIERS[0] * c0, PHILOX_MULTIPLIERS[1] * c2
        c0, c2 = (product1 >> HALF) ^ c1 ^ key0, (product0 >> HALF) ^ c3 ^ key1
        c1, c3 = product1 & LOW_HALF, product0 & LOW_HALF
        key0 = (key0 + PHILOX_KEY_STEPS[0]) & LOW_HALF
        key1 = (key1 + PHILOX_KEY_STEPS[1]) & LOW_HALF
    return c0, c1, c2, c3


@_compiled
def draw_block(settings: Settings, counter: int, block: int) -> Block:
    """Four draws: the generator's counter is the low and high half of `counter`, the epoch and the block."""
    bits = np.uint64(counter)
    words = bits & LOW_HALF, bits >> HALF, np.uint64(settings.epoch), np.uint64(block)
    return philox(words, settings.seed)


@_compiled
def keep_draw(settings: Settings, position: int) -> np.uint64:
    """The draw that decides whether the token at `position` survives subsampling."""
    return draw_block(settings, position // 4, KEEP_BLOCK)[position % 4]


@_compiled
def token_draw(settings: Settings, position: int, index: int) -> np.uint64:
    """Draw `index` of the token at `position`: its radius, then its negatives."""
    return draw_block(settings, position, TOKEN_BLOCK + index // 4)[index % 4]


@_compiled
def radius(settings: Settings, position: int) -> int:
    """Window radius: uniform in 1 ... window, or the window itself where windows do not shrink."""
    if not settings.shrink_windows:
        return settings.window
    draw = token_draw(settings, position, WINDOW_DRAW)
    return 1 + int((draw * np.uint64(settings.window)) >> HALF)


@_compiled
def negatives(settings: Settings, position: int) -> Int64:
    """The negatives of the token at `position`, each from the alias table.

    The high half of draw * slots picks the slot, the low half the slot's own word or its alias.
    """
    words = np.empty(settings.negative, np.int64)
    for n in range(settings.negative):
        draw = token_draw(settings, position, FIRST_NEGATIVE_DRAW + n)
        product = draw * np.uint64(len(settings.noise))
        slot = int(product >> HALF)
        own = (product & LOW_HALF) < settings.noise[slot, 0]
        words[n] = slot if own else settings.noise[slot, 1]
    return words


# Windows


@_compiled
def survivors(settings: Settings, ids: NDArray[np.int32], begin: int, end: int) -> Int64:
    """Positions, in order, of the tokens begin ... end - 1 that survive subsampling."""
    kept = np.empty(end - begin, np.int64)
    count = 0
    for position in range(begin, end):
        if keep_draw(settings, position) <= settings.keep[ids[position]]:
            kept[count] = position
            count += 1
    return kept[:count]


@_compiled
def contexts(settings: Settings, sentence: Sentence, centre: int) -> Int64:
    """Words within the radius around kept token `centre`, in order and without the centre itself."""
    reach = radius(settings, sentence.kept[centre])
    first, last = max(centre - reach, 0), min(centre + reach, len(sentence.kept) - 1)
    words = np.empty(last - first, np.int64)
    for i in range(first, centre):
        words[i - first] = sentence.ids[sentence.kept[i]]
    for i in range(centre + 1, last + 1):
        words[i - first - 1] = sentence.ids[sentence.kept[i]]
    return words


@_compiled
def group_tile(settings: Settings, sentence: Sentence, first: int, last: int) -> Tile:
    """The tile of kept tokens first ... last - 1: their contexts, their targets, the first one's negatives.

    Outputs are the targets in order, then the negatives; a context meets its own target (label 1) and every
    negative that is not that target (label 0). One centre alone gives its plain window, and with hierarchical
    softmax the nodes of its target's path.
    """
    centres = last - first
    noise = negatives(settings, sentence.kept[first])
    reach = min(settings.window, len(sentence.kept))
    inputs = np.empty(2 * reach * centres, np.int64)
    outputs = np.empty(centres + len(noise), np.int64)
    labels = np.empty((len(inputs), len(outputs)), np.int8)
    labels.fill(NO_PAIR)
    for n in range(len(noise)):
        outputs[centres + n] = noise[n]
    count = 0
    for m in range(centres):
        outputs[m] = sentence.ids[sentence.kept[first + m]]
        for word in contexts(settings, sentence, first + m):
            inputs[count] = word
            labels[count, m] = 1
            for n in range(len(noise)):
                if noise[n] != outputs[m]:
                    labels[count, centres + n] = 0
            count += 1
    tile = Tile(inputs[:count], outputs, labels[:count], centres)
    return with_path(settings, tile, outputs[0]) if settings.hierarchical else tile


@_compiled
def with_path(settings: Settings, tile: Tile, target: int) -> Tile:
    """The tile with the nodes of the target's path as further outputs, with labels 1 - code.

    Without negatives these are the only ones: no context meets the target itself.
    """
    begin, end = settings.path_offsets[target], settings.path_offsets[target + 1]
    words = len(tile.outputs) if settings.negative > 0 else 0
    outputs = np.empty(words + end - begin, np.int64)
    labels = np.empty((len(tile.inputs), len(outputs)), np.int8)
    for o in range(len(outputs)):
        step = begin + o - words
        outputs[o] = tile.outputs[o] if o < words else len(settings.keep) + settings.points[step]
        for c in range(len(tile.inputs)):
            labels[c, o] = tile.labels[c, o] if o < words else 1 - settings.codes[step]
    return Tile(tile.inputs, outputs, labels, 1 if words > 0 else 0)


# Steps: how a tile is cut


@_compiled
def most_repeated(words: Int64) -> int:
    """How often the most frequent of these words occurs; 1 if there are none."""
    most = 1
    for word in words:
        most = max(most, int((words == word).sum()))
    return most


@_compiled
def strip_end(settings: Settings, tile: Tile, begin: int) -> int:
    """Where the strip of contexts that begins with context `begin` ends."""
    further = len(tile.outputs) - tile.targets
    noise = tile.outputs[tile.targets : tile.targets + settings.negative]
    longest = max(1, settings.step_pairs // most_repeated(noise))
    repeats = max(1, settings.step_pairs // max(1, min(further, settings.step_pairs)))
    end = begin + 1
    while end < len(tile.inputs) and end - begin < longest:
        if (tile.inputs[begin:end] == tile.inputs[end]).sum() == repeats:
            break
        end += 1
    return end


@_compiled
def block_end(tile: Tile, begin: int, most: int) -> int:
    """Where a block of outputs that begins with output `begin` ends: `most` of them are not targets."""
    return min(max(begin, tile.targets) + most, len(tile.outputs))


@_compiled
def part(tile: Tile, inputs: tuple[int, int], outputs: tuple[int, int]) -> Tile:
    """The pairs of a range of a tile's inputs with a range of its outputs."""
    labels = tile.labels[inputs[0] : inputs[1], outputs[0] : outputs[1]].copy()
    targets = max(0, tile.targets - outputs[0])
    return Tile(tile.inputs[inputs[0] : inputs[1]], tile.outputs[outputs[0] : outputs[1]], labels, targets)


# Updates


@_compiled
def dot(x: Float64, y: Float64) -> float:
    """Scalar product of two rows."""
    total = 0.0
    for k in range(len(x)):
        total += x[k] * y[k]
    return float(total)


@_compiled
def round_to_tf32(row: Float64) -> Float64:
    """A row as tensor cores read it: 10 bits of mantissa, the nearest such number, of two the larger one.

    Numbers below float32's normal range keep fewer bits there; here they do not.
    """
    rounded = np.empty_like(row)
    for k in range(len(row)):
        fraction, exponent = math.frexp(row[k])  # 0.5 <= |fraction| < 1: a leading one and the mantissa
        steps = np.floor(abs(fraction) * 2.0**11 + 0.5)
        rounded[k] = math.copysign(math.ldexp(steps, exponent - 11), row[k])
    return rounded


@_compiled
def tf32_rows(rows: Float64) -> Float64:
    """`round_to_tf32` of each row."""
    rounded = np.empty_like(rows)
    for i in range(len(rows)):
        rounded[i] = round_to_tf32(rows[i])
    return rounded


@_compiled
def sigmoid(score: float) -> float:
    """1 / (1 + exp(-score))."""
    return float(1.0 / (1.0 + np.exp(-score)))


@_compiled
def pair_loss(score: float, label: int) -> float:
    """-log sigmoid(score) for label 1, -log sigmoid(-score) for label 0; finite for any score."""
    toward = score if label == 1 else -score
    return float(max(-toward, 0.0) + np.log1p(np.exp(-abs(toward))))


@_compiled
def copy_rows(matrix: Float64, words: Int64) -> Float64:
    """The rows of `words`, in order, as they are now."""
    rows = np.empty((len(words), matrix.shape[1]))
    for i in range(len(words)):
        for k in range(matrix.shape[1]):
            rows[i, k] = matrix[words[i], k]
    return rows


@_compiled
def add_scaled(row: Float64, scale: float, change: Float64) -> None:
    """Adds scale * change to a row."""
    for k in range(len(row)):
        row[k] += scale * change[k]


@_compiled
def window_step(matrices: Matrices, tile: Tile, rate: float, tf32_scores: bool) -> tuple[int, float]:
    """One step: x_c += sum_o g*y_o and y_o += sum_c g*x_c, all from the rows as they were before it.

    s = sigmoid(x_c . y_o), g = rate * (label - s): one step down the gradient of the tile's loss (Mikolov et
    al. 2013, eq. 4). With tf32_scores the rows are rounded for s, and for nothing else. Returns the number of
    pairs and the sum of their losses.
    """
    x, y = copy_rows(matrices.input, tile.inputs), copy_rows(matrices.output, tile.outputs)
    scored_x, scored_y = (tf32_rows(x), tf32_rows(y)) if tf32_scores else (x, y)
    pairs, loss = 0, 0.0
    for c in range(len(x)):
        for o in range(len(y)):
            label = tile.labels[c, o]
            if label != NO_PAIR:
                score = dot(scored_x[c], scored_y[o])
                g = rate * (label - sigmoid(score))
                add_scaled(matrices.input[tile.inputs[c]], g, y[o])
                add_scaled(matrices.output[tile.outputs[o]], g, x[c])
                pairs += 1
                loss += pair_loss(score, label)
    return pairs, loss


@_compiled
def window_steps(settings: Settings, matrices: Matrices, tile: Tile, rate: float) -> tuple[int, float]:
    """Trains a tile: block by block of its outputs, strip by strip of its contexts."""
    pairs, loss = 0, 0.0
    block = 0
    while block < len(tile.outputs):
        outputs = block, block_end(tile, block, settings.step_pairs)
        strip = 0
        while strip < len(tile.inputs):
            inputs = strip, strip_end(settings, tile, strip)
            step_pairs, step_loss = window_step(
                matrices, part(tile, inputs, outputs), rate, settings.tf32_scores
            )
            pairs += step_pairs
            loss += step_loss
            strip = inputs[1]
        block = outputs[1]
    return pairs, loss


@_compiled
def pair_step(matrices: Matrices, tile: Tile, rate: float) -> tuple[int, float]:
    """Trains a tile output by output, context by context, each pair from the rows that the last one left.

    s and g as in `window_step`; x += g*y and y += g*x, both rows as they were before this pair.
    """
    pairs, loss = 0, 0.0
    for o in range(len(tile.outputs)):
        y = matrices.output[tile.outputs[o]]
        for c in range(len(tile.inputs)):
            label = tile.labels[c, o]
            if label != NO_PAIR:
                x = matrices.input[tile.inputs[c]]
                score = dot(x, y)
                g = rate * (label - sigmoid(score))
                y_before = y.copy()
                add_scaled(y, g, x)
                add_scaled(x, g, y_before)
                pairs += 1
                loss += pair_loss(score, label)
    return pairs, loss


@_compiled
def skip_gram_steps(settings: Settings, matrices: Matrices, tile: Tile, rate: float) -> tuple[int, float]:
    """Trains a tile of skip-gram in the order that the settings ask for."""
    if settings.pair_order:
        return pair_step(matrices, tile, rate)
    return window_steps(settings, matrices, tile, rate)


@_compiled
def cbow_step(matrices: Matrices, tile: Tile, rate: float, mean: bool, share: float) -> tuple[int, float]:
    """One step of a window: its contexts' mean or sum h meets each output, from the rows before it.

    s = sigmoid(h . y_o), g = rate * (label - s), e = sum_o g*y_o; y_o += g*h; x_c += share * e for the mean,
    share * e / C for the sum of C contexts, as in gensim. Returns the number of outputs met and the sum of
    their losses.
    """
    contexts = len(tile.inputs)
    hidden, error = np.zeros((2, matrices.input.shape[1]))
    y = copy_rows(matrices.output, tile.outputs)
    for word in tile.inputs:
        add_scaled(hidden, 1.0 / contexts if mean else 1.0, matrices.input[word])
    pairs, loss = 0, 0.0
    for o in range(len(y)):
        label = tile.labels[0, o]  # every context has this one
        if label != NO_PAIR:
            score = dot(hidden, y[o])
            g = rate * (label - sigmoid(score))
            add_scaled(error, g, y[o])
            add_scaled(matrices.output[tile.outputs[o]], g, hidden)
            pairs += 1
            loss += pair_loss(score, label)
    for word in tile.inputs:
        add_scaled(matrices.input[word], share if mean else share / contexts, error)
    return pairs, loss


@_compiled
def cbow_steps(settings: Settings, matrices: Matrices, tile: Tile, rate: float) -> tuple[int, float]:
    """Trains the window of one centre, block by block of its outputs."""
    pairs, loss = 0, 0.0
    if len(tile.inputs) == 0:
        return pairs, loss
    repeated = most_repeated(tile.inputs)
    most = max(1, settings.step_pairs // repeated)
    share = min(1.0, settings.step_pairs / repeated)
    block = 0
    while block < len(tile.outputs):
        outputs = block, block_end(tile, block, most)
        step = part(tile, (0, len(tile.inputs)), outputs)
        step_pairs, step_loss = cbow_step(matrices, step, rate, settings.cbow_mean, share)
        pairs += step_pairs
        loss += step_loss
        block = outputs[1]
    return pairs, loss


@_compiled
def hold_back(locks: Float64, rows: Float64, inputs: Int64, before: Float64) -> None:
    """Lets each input row of a tile keep locks[word] times its change since `before`, its rows."""
    for i in range(len(before)):
        for k in range(rows.shape[1] if (inputs[:i] != inputs[i]).all() else 0):  # once a row
            rows[inputs[i], k] = before[i, k] + locks[inputs[i]] * (rows[inputs[i], k] - before[i, k])


# Rows of bf16


@_compiled
def mix_bits(x: np.uint64) -> np.uint64:
    """A 32-bit hash: a bijection that flips about half of the bits for each bit of x."""
    x = ((x ^ (x >> np.uint64(16))) * MIX_FACTORS[0]) & LOW_HALF
    x = ((x ^ (x >> np.uint64(15))) * MIX_FACTORS[1]) & LOW_HALF
    return x ^ (x >> np.uint64(16))


@_compiled
def rounding_bits(draw: np.uint64, matrix: int, row: int, pair: int) -> np.uint64:
    """Random bits of values 2 * pair (the low half) and 2 * pair + 1 (the high half) of a row."""
    key = draw + (np.uint64(2) * np.uint64(row) + np.uint64(matrix)) * ROW_STEP
    return mix_bits((key + np.uint64(pair) * PAIR_STEP) & LOW_HALF)


@_compiled
def round_rows(matrix: Float64, words: Int64, draw: np.uint64, which: int) -> None:
    """Rounds the rows of `words` to bf16, the upper half of a float32, at random.

    16 random bits are added to the lower half, which is then cut off: away from zero with a probability in
    proportion to it. Rows that are bf16 stay as they are.
    """
    for word in words:
        row = matrix[word].astype(np.float32)
        bits = row.view(np.uint32)
        for k in range(len(row)):
            random = rounding_bits(draw, which, word, k // 2) >> (BF16_HALF * np.uint64(k % 2))
            bits[k] = (np.uint64(bits[k]) + (random & LOST_BITS)) & KEPT_BITS
        matrix[word] = row


@_compiled
def nearest_bf16(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest values of bf16, ties to even."""
    rounded = matrix.copy()
    for row in rounded:
        bits = row.view(np.uint32)
        for k in range(len(row)):
            exact = np.uint64(bits[k])
            tie = np.uint64(0x7FFF) + ((exact >> BF16_HALF) & np.uint64(1))
            bits[k] = (exact + tie) & KEPT_BITS
    return rounded


def train_segment(
    settings: Settings,
    matrices: Matrices,
    sentence: Sentence,
    segment: tuple[int, int],
    rate: float,
    step: Step,
) -> tuple[int, float]:
    """Trains a segment, the kept tokens segment[0] ... segment[1] - 1 of a sentence, tile by tile.

    step: the architecture's. Returns the number of pairs and the sum of their losses.
    """
    pairs, loss = 0, 0.0
    for first in range(segment[0], segment[1], settings.share_negatives):
        tile = group_tile(settings, sentence, first, min(first + settings.share_negatives, segment[1]))
        before = copy_rows(matrices.input, tile.inputs if len(settings.locks) else tile.inputs[:0])
        tile_pairs, tile_loss = step(settings, matrices, tile, rate)
        hold_back(settings.locks, matrices.input, tile.inputs, before)
        if settings.bf16_rows:
            draw = token_draw(settings, sentence.kept[first], FIRST_NEGATIVE_DRAW + settings.negative)
            round_rows(matrices.input, tile.inputs, draw, INPUT)
            round_rows(matrices.output, tile.outputs, draw, OUTPUT)
        pairs += tile_pairs
        loss += tile_loss
    return pairs, loss


class ReferenceBackend:
    """The contract in float64 on one thread: slow, exact and the same everywhere.

    input, output: the matrices in training, float64, shape [vocabulary, vector_size]; with hierarchical
        softmax the inner nodes' rows follow those of the words in `output`.
    """

    name = "reference"
    input: Float64
    output: Float64

    @staticmethod
    def hardware() -> str:
        """What the oracle needs: numba."""
        return f"numba {numba.__version__}, float64, one core; for checking the others"

    @staticmethod
    def refusal(config: TrainConfig) -> str:
        """Which objective has no step here; empty for all that the contract names."""
        return objectives.refusal("reference", config)

    @property
    def description(self) -> str:
        """What it computes with."""
        return "float64, 1 thread"

    def load(self, model: Model) -> None:
        """Takes the model's matrices, its vocabulary's tables and its settings."""
        counts = model.vocabulary.counts
        self._config = model.config
        module, function = objectives.step_of(model.config).split(":")
        self._step: Step = getattr(import_module(module), function)
        self._keep = keep_thresholds(counts, model.config.sample)
        self._noise = noise_table(counts, model.config.ns_exponent)
        self._locks = np.asarray(() if model.locks is None else model.locks, np.float64)
        start = [np.ascontiguousarray(matrix) for matrix in model.matrices]
        if model.config.row_precision == "bf16":
            start = [nearest_bf16(matrix) for matrix in start]
        self.input = start[0].astype(np.float64)
        self.output = np.vstack(start[1:]).astype(np.float64)
        self._tree = model.tree or HuffmanTree.from_paths([], [])

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        """Trains every segment that begins at a token in begin ... end - 1, in epoch 0, 1, ...

        Raises ValueError for an id that is not in the vocabulary.
        """
        settings, ids, offsets = self.settings(epoch), _read_only(corpus.ids), corpus.offsets
        stats = SpanStats()
        sentence = int(np.searchsorted(offsets, begin, side="right")) - 1
        self._check_ids(ids[offsets[sentence] : offsets[np.searchsorted(offsets[:-1], end)]])
        while sentence < corpus.sentences and offsets[sentence] < end:
            tokens = int(offsets[sentence]), int(offsets[sentence + 1])
            survived = Sentence(ids, survivors(settings, ids, *tokens))
            for segment in segments(*tokens):
                if begin <= segment[0] < end:
                    rate = learning_rate(self._config, corpus.tokens, epoch, segment[0])
                    stats += self._train_segment(settings, survived, segment, float(rate))
            sentence += 1
        return stats

    def settings(self, epoch: int) -> Settings:
        """What every segment of an epoch has in common, for the functions above."""
        c = self._config
        return Settings(
            seed=np.uint64(c.seed),
            epoch=epoch,
            window=c.window,
            shrink_windows=c.shrink_windows,
            negative=c.negative,
            share_negatives=c.share_negatives,
            pair_order=c.order == "pair",
            cbow_mean=c.cbow_mean,
            hierarchical="tree" in objectives.tables_of(c),
            keep=self._keep,
            noise=self._noise,
            locks=self._locks,
            path_offsets=self._tree.offsets,
            points=self._tree.points,
            codes=self._tree.codes,
            bf16_rows=c.row_precision == "bf16",
            tf32_scores=c.score_precision == "tf32",
            step_pairs=c.step_pairs,
        )

    def largest_norm(self, begin: int, end: int) -> float:
        """Largest norm of rows begin ... end - 1 of all matrices; infinity if a value is not finite."""
        matrices = [self.input, *np.split(self.output, len(self.output) // len(self.input))]
        return largest_norm([matrix[begin:end] for matrix in matrices])

    def read(self, model: Model) -> None:
        """Copies the matrices as they now are into the model's, rounded to float32."""
        model.input[:] = self.input
        others = model.matrices[1:]
        for matrix, rows in zip(others, np.split(self.output, len(others)), strict=True):
            matrix[:] = rows

    def close(self) -> None:
        """Frees the matrices."""
        del self.input, self.output

    def _check_ids(self, ids: NDArray[np.int32]) -> None:
        # Compiled code reads rows without looking at their bounds.
        words = len(self.input)
        if ids.size and not 0 <= ids.min() <= ids.max() < words:
            wrong = ids[(ids < 0) | (ids >= words)][0]
            raise ValueError(f"word ids must be between 0 and {words - 1}, got {wrong}")

    def _train_segment(
        self, settings: Settings, sentence: Sentence, tokens: tuple[int, int], rate: float
    ) -> SpanStats:
        first, last = (int(i) for i in np.searchsorted(sentence.kept, tokens))
        matrices = Matrices(self.input, self.output)
        pairs, loss = train_segment(settings, matrices, sentence, (first, last), rate, self._step)
        return SpanStats(last - first, pairs, loss if self._config.loss else 0.0)


def _read_only(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    # One numba type for arrays and memory maps, so that nothing is compiled twice.
    view = np.ascontiguousarray(ids, np.int32).view()
    view.flags.writeable = False
    return view
