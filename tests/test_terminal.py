import io
import sys
from collections.abc import Callable

import pytest

from full_w2v.terminal import PhaseBars
from full_w2v.trainer import Progress


Screen = Callable[[], str]


@pytest.fixture
def screen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Makes stderr a terminal; returns a function that gives what was written to it."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda: capsys.readouterr().err


def training(words: int, loss: float | None = None) -> Progress:
    return Progress(
        epoch=1, epochs=5, words=words, total_words=4000, learning_rate=0.0125, loss=loss, seconds=2.0
    )


def lines(written: str) -> list[str]:
    """What remains on each line of the screen."""
    return [line.split("\r")[-1] for line in written.split("\n") if line]


def test_each_phase_has_a_bar_with_its_own_unit(screen: Screen) -> None:
    with PhaseBars() as bars:
        bars.phase("vocabulary", 500, 2000)
        bars.phase("vocabulary", 2000, 2000)
        bars.phase("encode", 300, 300)
        bars.training(training(1000))
        bars.training(training(4000))
    counting, encoding, last = lines(screen())
    assert counting.startswith("counting: 100%")
    assert "2.00k/2.00k" in counting
    assert "B/s" in counting
    assert encoding.startswith("encoding: 100%")
    assert "words/s" in encoding
    assert last.startswith("training: 100%")
    assert "4.00k/4.00k" in last


def test_training_shows_speed_time_left_rate_and_loss(screen: Screen) -> None:
    with PhaseBars() as bars:
        bars.training(training(0, loss=0.5))
        bars.training(training(1000, loss=0.25))
    (bar,) = lines(screen())
    assert "25%" in bar
    assert "words/s, epoch 2/5, rate 0.01250, loss 0.2500]" in bar
    assert "<00:" in bar


def test_loss_is_shown_only_if_it_is_on(screen: Screen) -> None:
    with PhaseBars() as bars:
        bars.training(training(1000))
    (bar,) = lines(screen())
    assert "rate 0.01250]" in bar
    assert "loss" not in bar


def test_a_total_that_is_unknown_is_left_out(screen: Screen) -> None:
    with PhaseBars() as bars:
        bars.phase("vocabulary", 1000, None)
    (bar,) = lines(screen())
    assert bar.startswith("counting: 1.00kB [")
    assert "%" not in bar


def test_an_error_finds_the_cursor_on_a_line_of_its_own(screen: Screen) -> None:
    def interrupted() -> None:
        with PhaseBars() as bars:
            bars.training(training(1000))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen().endswith("\n")


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_nothing_is_shown_where_stderr_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with PhaseBars() as bars:
        bars.phase("vocabulary", 1, 2)
        bars.training(training(1000))
    assert stream is None or stream.getvalue() == ""


def test_nothing_is_shown_if_disabled(screen: Screen) -> None:
    with PhaseBars(enabled=False) as bars:
        bars.phase("vocabulary", 1, 2)
        bars.training(training(1000))
    assert screen() == ""
