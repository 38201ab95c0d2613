"""Watches a training while it goes on: absurd rows or losses end it before they reach the model."""

from full_w2v.backends import Backend, SpanStats
from full_w2v.config import TrainConfig
from full_w2v.errors import DivergenceError

# Rows of sane trainings are shorter than 100, even of four words and with rates of 0.5 (tests/test_watch.py):
# a score of 20 makes any label certain. Rows as long as this one only grow.
LARGEST_NORM = 1_000.0
# A pair that is wrong with a score of 50 is wrong by far; means of sane trainings are below 1.
LARGEST_LOSS = 50.0
# Rows looked at after each span: those of frequent words, where divergence begins, and in turn all others.
FREQUENT_ROWS = 1_024


class Watch:
    """Looks at the rows that a backend trains.

    rows: of each matrix. tokens: of the corpus, which decides how many rows a span's look takes.
    """

    def __init__(self, backend: Backend, config: TrainConfig, rows: int, tokens: int) -> None:
        self._backend = backend
        self._config = config
        self._rows = rows
        self._tokens = tokens
        self._next = 0

    def after_span(self, stats: SpanStats, tokens: int) -> None:
        """Looks at some rows, and at the loss; an epoch's spans look at every row once.

        stats: of the span. tokens: trained in it. Raises DivergenceError if something is absurd.
        """
        stripe = -(-self._rows * tokens // self._tokens)
        begin, self._next = self._next, min(self._next + stripe, self._rows)
        norm = self._backend.largest_norm(0, min(FREQUENT_ROWS, self._rows))
        if begin < self._next:
            norm = max(norm, self._backend.largest_norm(begin, self._next))
        self._check(norm)
        loss = stats.loss / stats.pairs if stats.pairs else 0.0
        if not loss <= LARGEST_LOSS:
            raise self._error(f"the mean loss of a pair is {loss:.3g}, where less than 1 is usual")

    def after_epoch(self) -> None:
        """Looks at all rows. Raises DivergenceError if one is absurd."""
        self._next = 0
        self._check(self._backend.largest_norm(0, self._rows))

    def _check(self, norm: float) -> None:
        if not norm <= LARGEST_NORM:
            what = (
                "vectors hold values that are not finite"
                if norm == float("inf")
                else f"a vector's norm is {norm:.3g}"
            )
            raise self._error(f"{what}, where less than 100 is usual" if norm < float("inf") else what)

    def _error(self, found: str) -> DivergenceError:
        """What was found, and the settings that can be changed."""
        config = self._config
        advice = [f"lower alpha, which was {config.alpha:g} (0.025 is usual)"]
        if config.window > 10:
            advice.append(f"window, which was {config.window}")
        if config.share_negatives > 1:
            advice.append(f"share_negatives, which was {config.share_negatives}")
        if (
            config.order == "window"
            and config.architecture == "skip-gram"
            and not config.hierarchical_softmax
        ):
            advice.append("or train with order='pair'")
        return DivergenceError(f"training diverged: {found}; {', '.join(advice)}")
