"""Progress of reading and training, shown on stderr."""

import sys
import time
from types import TracebackType

from tqdm import tqdm

from full_w2v.training.report import Progress

# Title and unit of each phase's bar; the unit of "vocabulary" is that of corpora that are files.
PHASES = {
    "vocabulary": ("counting", "B"),
    "encode": ("encoding", " words"),
    "pairs": ("counting pairs", " words"),
    "join": ("joining", " words"),
    "write": ("writing", " words"),
    "train": ("training", " words"),
}


class PhaseBars:
    """One bar per phase on stderr; nothing where stderr is not a terminal or when not enabled.

    A bar shows the share done, units done and in all, time passed and left, and units per second.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled and sys.stderr is not None and sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._phase = ""
        self._reported = time.time()

    def __enter__(self) -> "PhaseBars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def phase(self, name: str, done: float, total: float | None) -> None:
        """Shows how far a phase of reading has come: of `total` units, if that is known."""
        self._show(name, done, total, "")

    def training(self, progress: Progress) -> None:
        """Shows words/s and time left, epoch, learning rate, and loss if it is on."""
        loss = "" if progress.loss is None else f", loss {progress.loss:.4f}"
        note = f"epoch {progress.epoch + 1}/{progress.epochs}, rate {progress.learning_rate:.5f}{loss}"
        self._show("train", progress.words, progress.total_words, note)

    def _show(self, phase: str, done: float, total: float | None, note: str) -> None:
        if not self._enabled:
            return
        if self._bar is None or self._phase != phase:
            self._close()
            self._phase = phase
            self._bar = _new_bar(phase, total, self._reported)
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)
        self._reported = time.time()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _new_bar(phase: str, total: float | None, began: float) -> tqdm:
    title, unit = PHASES[phase]
    bar = tqdm(desc=title, total=total, unit=unit, unit_scale=True, smoothing=0.1, dynamic_ncols=True)
    # The first report comes when something is done: its time counts, or short phases would look too fast.
    bar.start_t = bar.last_print_t = began
    return bar
