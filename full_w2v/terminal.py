"""Progress of reading and training, shown on stderr."""

import sys
from types import TracebackType

from tqdm import tqdm

from full_w2v.trainer import Progress

PHASE_TITLES = {"vocabulary": "counting", "encode": "encoding"}


class PhaseBars:
    """One bar per phase on stderr; nothing where stderr is not a terminal or when not enabled."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._title = ""

    def __enter__(self) -> "PhaseBars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def phase(self, name: str, done: float, total: float | None) -> None:
        """Shows how far counting or encoding has come: of `total` units, if that is known."""
        self._show(PHASE_TITLES.get(name, name), done, total, "")

    def training(self, progress: Progress) -> None:
        """Shows words/s and time left, epoch, learning rate, and loss if it is on."""
        loss = "" if progress.loss is None else f", loss {progress.loss:.4f}"
        note = f"epoch {progress.epoch + 1}/{progress.epochs}, rate {progress.learning_rate:.5f}{loss}"
        self._show("training", progress.words, progress.total_words, note)

    def _show(self, title: str, done: float, total: float | None, note: str) -> None:
        if not self._enabled:
            return
        if self._bar is None or self._title != title:
            self._close()
            self._title = title
            unit = " words" if title == "training" else "B"
            self._bar = tqdm(
                desc=title, total=total, unit=unit, unit_scale=True, smoothing=0.1, dynamic_ncols=True
            )
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
