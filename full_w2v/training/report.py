"""What a training tells while it runs, and when it is done."""

from dataclasses import dataclass, field
from typing import Any

from full_w2v.errors import as_python, setting, spelled


@dataclass(frozen=True)
class Progress:
    """Progress of a training. Words are raw: tokens of the corpus before rare and frequent words are dropped.

    learning_rate: of the next span. loss: mean per pair in this epoch so far, None unless asked for.
    seconds: since training began.
    """

    epoch: int
    epochs: int
    words: int
    total_words: int
    learning_rate: float
    loss: float | None
    seconds: float


@dataclass(frozen=True)
class TrainReport:
    """What training did.

    raw_words: tokens read in all epochs, before rare and frequent words are dropped.
    trained_words: centre words trained. pairs: (context, output) pairs trained.
    seconds: duration of each phase. loss: mean loss per pair of each epoch; empty unless asked for.
    warnings: what the user should know, such as that nothing was trained; for `errors.spelled`.
    """

    settings: dict[str, Any]
    backend: str
    raw_words: int
    trained_words: int
    pairs: int
    seconds: dict[str, float]
    loss: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def words_per_second(self) -> float:
        """Raw words trained per second, without the time for vocabulary, encoding and saving."""
        return self.raw_words / self.seconds["train"] if self.seconds["train"] > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return {
            "settings": self.settings,
            "backend": self.backend,
            "raw_words": self.raw_words,
            "trained_words": self.trained_words,
            "pairs": self.pairs,
            "seconds": self.seconds,
            "words_per_second": self.words_per_second,
            "loss": self.loss,
            "warnings": [spelled(message, as_python) for message in self.warnings],
        }


def nothing_trained(words: int, sample: float) -> str:
    """A warning for a training without a single pair, with settings for `errors.spelled`.

    words: that survived subsampling in all epochs. sample: the threshold of subsampling.
    """
    larger = f"raise {setting('sample')}, which was {sample:g} and drops frequent words (0 keeps them all)"
    if words == 0:
        return f"nothing was trained: subsampling dropped every word, and the vectors are random; {larger}"
    remedies = ["put the words of a sentence, basket or walk on one line"]
    if sample > 0:
        remedies.append(larger)
    remedies.append(f"lower {setting('min_count')}")
    left = f"of {words} words left by {setting('min_count')} and {setting('sample')}"
    return (
        f"nothing was trained: {left} none had another one in its sentence, and the vectors are random; "
        f"{', or '.join(remedies)}"
    )
