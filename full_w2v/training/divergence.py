"""Watches a training while it goes on: absurd rows or losses end it before they reach the model."""

import math
from collections.abc import Collection

from full_w2v.backends import Backend, SpanStats
from full_w2v.config import TrainConfig
from full_w2v.errors import DivergenceError, setting

# Healthy training keeps row norms below 100, even with four words and alpha 0.5: a score of 20 makes any
# label certain (tests/training/test_divergence.py). Rows as long as this one only grow.
LARGEST_NORM = 1_000.0
USUAL_NORM = 100.0
# A pair that is wrong with a score of 50 is wrong by far; means of sane trainings are below 1.
LARGEST_LOSS = 50.0
# Rows looked at after each span: those of frequent words, where divergence begins, and in turn all others.
FREQUENT_ROWS = 1_024
# Tokens trained for each row that is looked at, so that looks take less than a hundredth of the time.
TOKENS_FOR_A_FREQUENT_ROW = 16
TOKENS_FOR_A_ROW = 32
# Settings that may be to blame.
ADJUSTABLE = ("alpha", "window", "share_negatives", "cbow_mean", "order")


class DivergenceWatch:
    """Looks at the rows that a backend trains.

    rows: of each matrix. tokens: of the corpus, which decides how many rows a span's look takes.
    adjustable: the settings that advice may name.
    """

    def __init__(
        self,
        backend: Backend,
        config: TrainConfig,
        rows: int,
        tokens: int,
        adjustable: Collection[str] = ADJUSTABLE,
    ) -> None:
        self._backend = backend
        self._config = config
        self._rows = rows
        self._tokens = tokens
        self._adjustable = adjustable
        self._next = 0
        self._checked = False  # whether nothing was trained since all rows were looked at
        self._largest = 0.0  # norm of a row when all were looked at last

    def begin_epoch(self) -> None:
        """The next spans begin with the first row again."""
        self._next = 0

    def before_span(self) -> None:
        """Rows are about to change."""
        self._checked = False

    def after_span(self, stats: SpanStats, tokens: int) -> None:
        """Looks at some rows, and at the loss.

        Each epoch checks every row once, unless the corpus is too short for that.
        stats: of the span. tokens: trained in it. Raises DivergenceError if something is absurd.
        """
        stripe = min(-(-self._rows * tokens // self._tokens), -(-tokens // TOKENS_FOR_A_ROW))
        begin, self._next = self._next, min(self._next + stripe, self._rows)
        frequent = min(FREQUENT_ROWS, self._rows, max(tokens // TOKENS_FOR_A_FREQUENT_ROW, 1))
        norm = self._backend.largest_norm(0, frequent)
        if begin < self._next:
            norm = max(norm, self._backend.largest_norm(begin, self._next))
        self._check(norm)
        loss = stats.loss / stats.pairs if stats.pairs else 0.0
        if not loss <= LARGEST_LOSS:
            raise self._error(f"the mean loss of a pair is {loss:.3g}, where less than 1 is usual")

    def check_all(self) -> None:
        """Looks at all rows. Raises DivergenceError if one is absurd."""
        if not self._checked:
            self._largest = self._backend.largest_norm(0, self._rows)
            self._check(self._largest)
            self._checked = True

    def warnings(self) -> list[str]:
        """What the user should know of vectors that are within the limits, but not as they usually are."""
        if self._largest <= USUAL_NORM:
            return []
        found = f"a vector's norm is {self._largest:.3g}, where less than {USUAL_NORM:g} is usual"
        return [f"training nearly diverged: {found}; {self._remedies()}"]

    def _check(self, norm: float) -> None:
        if norm <= LARGEST_NORM:
            return
        if norm < math.inf:
            raise self._error(f"a vector's norm is {norm:.3g}, where less than {USUAL_NORM:g} is usual")
        raise self._error("vectors hold values that are not finite")

    def _error(self, found: str) -> DivergenceError:
        return DivergenceError(f"training diverged: {found}; {self._remedies()}")

    def _remedies(self) -> str:
        """The settings that can be changed."""
        advice = self._advice()
        last = f", or {advice.pop()}" if len(advice) > 1 else ""
        return f"{', '.join(advice)}{last}"

    def _advice(self) -> list[str]:
        config = self._config
        advice = {
            "alpha": f"lower {setting('alpha')}, which was {config.alpha:g} (0.025 is usual)",
            "window": f"lower {setting('window')}, which was {config.window}" if config.window > 1 else "",
            "share_negatives": (
                f"lower {setting('share_negatives')}, which was {config.share_negatives}"
                if config.share_negatives > 1
                else ""
            ),
            "cbow_mean": (
                f"train with {setting('cbow_mean', True)}"
                if config.architecture == "cbow" and not config.cbow_mean
                else ""
            ),
            "order": _pair_order(config),
        }
        return [advice[name] for name in ADJUSTABLE if name in self._adjustable and advice[name]]


def _pair_order(config: TrainConfig) -> str:
    """Advice to train in pair order, where that is possible."""
    exact = config.row_precision == "float32" and config.score_precision == "float32"
    plain = config.architecture == "skip-gram" and not config.hierarchical_softmax
    if config.order == "pair" or not exact or not plain:
        return ""
    alone = f" and {setting('share_negatives', 1)}" if config.share_negatives > 1 else ""
    return f"train with {setting('order', 'pair')}{alone}"
