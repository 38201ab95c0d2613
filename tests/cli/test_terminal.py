import io
import re
import sys
import time
from collections.abc import Callable

import pytest

from full_w2v.cli.terminal import PhaseBars
from full_w2v.training.report import Progress


class Screen(io.StringIO):
    """A terminal of 160 columns, in place of stderr."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What remains on each line."""
        return [line.split("\r")[-1] for line in self.getvalue().split("\n") if line]


@pytest.fixture
def new_screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Screen]:
    """Makes a screen of stderr; called within a test, as pytest sets stderr anew when one begins."""

    def new() -> Screen:
        screen = Screen()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("LINES", "40")
        return screen

    return new


def training(words: int, loss: float | None = None) -> Progress:
    return Progress(
        epoch=1, epochs=5, words=words, total_words=4000, learning_rate=0.0125, loss=loss, seconds=2.0
    )


def test_each_phase_has_a_bar_with_its_own_unit(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars() as bars:
        bars.phase("vocabulary", 500, 2000)
        bars.phase("vocabulary", 2000, 2000)
        bars.phase("encode", 300, 300)
        bars.training(training(1000))
        bars.training(training(4000))
    counting, encoding, last = screen.lines()
    assert counting.startswith("counting: 100%")
    assert "2.00k/2.00k" in counting
    assert "B/s" in counting
    assert encoding.startswith("encoding: 100%")
    assert "words/s" in encoding
    assert last.startswith("training: 100%")
    assert "4.00k/4.00k" in last


def test_training_shows_speed_time_left_rate_and_loss(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars() as bars:
        bars.training(training(0, loss=0.5))
        bars.training(training(1000, loss=0.25))
    (bar,) = screen.lines()
    assert "25%" in bar
    assert "words/s, epoch 2/5, rate 0.01250, loss 0.2500]" in bar
    assert "<00:" in bar


def test_speed_counts_from_the_end_of_the_phase_before(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars() as bars:
        bars.phase("encode", 300, 300)
        time.sleep(0.2)
        bars.training(training(4000))
    speed = re.search(r"([\d.]+)k words/s, epoch", screen.lines()[-1])
    assert speed
    assert 0 < float(speed[1]) <= 4 / 0.2


def test_loss_is_shown_only_if_it_is_on(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars() as bars:
        bars.training(training(1000))
    (bar,) = screen.lines()
    assert "rate 0.01250]" in bar
    assert "loss" not in bar


def test_a_total_that_is_unknown_is_left_out(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars() as bars:
        bars.phase("vocabulary", 1000, None)
    (bar,) = screen.lines()
    assert bar.startswith("counting: 1.00kB [")
    assert "%" not in bar


def test_an_error_finds_the_cursor_on_a_line_of_its_own(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()

    def interrupted() -> None:
        with PhaseBars() as bars:
            bars.training(training(1000))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen.getvalue().endswith("\n")


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_nothing_is_shown_where_stderr_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with PhaseBars() as bars:
        bars.phase("vocabulary", 1, 2)
        bars.training(training(1000))
    assert stream is None or stream.getvalue() == ""


def test_nothing_is_shown_if_disabled(new_screen: Callable[[], Screen]) -> None:
    screen = new_screen()
    with PhaseBars(enabled=False) as bars:
        bars.phase("vocabulary", 1, 2)
        bars.training(training(1000))
    assert screen.getvalue() == ""
