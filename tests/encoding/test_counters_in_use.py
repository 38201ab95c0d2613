"""A counter serves one call at a time: what another thread or a callback adds meanwhile is refused."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from full_w2v import _native

IN_USE = "the counter is in use by another thread"


def new_counter(tmp_path: Path, **settings: object) -> "_native.CorpusCounter":
    counter = _native.CorpusCounter(
        **{"threads": 2, "errors": "strict", "directory": os.fsencode(tmp_path), **settings}  # type: ignore[arg-type]
    )
    counter.begin_source()
    return counter


def calls_of(counter: "_native.CorpusCounter", tmp_path: Path) -> dict[str, Callable[[], object]]:
    file = tmp_path / "more.txt"
    file.write_text("d e f\n")
    return {
        "begin_source": counter.begin_source,
        "add_file": lambda: counter.add_file(os.fsencode(file)),
        "feed": lambda: counter.feed(b"d e f\n"),
        "feed_sentences": lambda: counter.feed_sentences([["d", "e"]]),
        "end_source": counter.end_source,
        "finish": counter.finish,
    }


def counted(words: "_native.CountedWords") -> dict[str, int]:
    numbers = words.in_order()
    return dict(zip(words.words(numbers), words.counts(numbers).tolist(), strict=True))


def test_another_thread_is_refused_while_sentences_are_fed(tmp_path: Path) -> None:
    counter = new_counter(tmp_path)
    inside, outside = threading.Event(), threading.Event()

    def spell(token: object) -> str:
        inside.set()
        assert outside.wait(60)
        return f"number {token}"

    feeding = threading.Thread(target=counter.feed_sentences, args=([["a", 7, "b"]], spell))
    feeding.start()
    assert inside.wait(60)
    refused = []
    for name, call in calls_of(counter, tmp_path).items():
        with pytest.raises(RuntimeError, match=IN_USE):
            call()
        refused.append(name)
    outside.set()
    feeding.join()
    assert len(refused) == 6
    counter.end_source()
    assert counted(counter.finish()) == {"a": 1, "number 7": 1, "b": 1}


def test_a_callback_does_not_feed_the_counter_that_calls_it(tmp_path: Path) -> None:
    counter = new_counter(tmp_path)

    class Sentence:
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield "a"
            counter.feed_sentences([["x"]])
            yield "b"

    with pytest.raises(RuntimeError, match=IN_USE):
        counter.feed_sentences([Sentence()])


@pytest.mark.parametrize(
    "name", ["begin_source", "add_file", "feed", "feed_sentences", "end_source", "finish"]
)
def test_a_finished_counter_takes_nothing_more(tmp_path: Path, name: str) -> None:
    counter = new_counter(tmp_path)
    counter.feed(b"a b\n")
    counter.end_source()
    words = counter.finish()
    with pytest.raises(ValueError, match="the counter is finished; count another corpus with a new one"):
        calls_of(counter, tmp_path)[name]()
    assert counted(words) == {"a": 1, "b": 1}


def test_a_file_before_any_source_is_refused(tmp_path: Path) -> None:
    counter = _native.CorpusCounter(threads=1, errors="strict", directory=os.fsencode(tmp_path))
    for call in list(calls_of(counter, tmp_path).values())[1:5]:
        with pytest.raises(ValueError, match="call begin_source first"):
            call()


def test_threads_that_feed_at_once_lose_nothing_that_was_taken(tmp_path: Path) -> None:
    """Either a call is taken whole or it is refused."""
    counter = new_counter(tmp_path)
    taken = [0, 0, 0, 0]

    def feed(thread: int) -> None:
        for _ in range(200):
            try:
                counter.feed(f"w{thread} ".encode() * 2000)
                taken[thread] += 2000
            except RuntimeError:
                pass

    threads = [threading.Thread(target=feed, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter.end_source()
    assert counted(counter.finish()) == {f"w{i}": count for i, count in enumerate(taken) if count}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_signals_are_handled_while_words_that_were_put_aside_are_merged(tmp_path: Path) -> None:
    counter = new_counter(tmp_path, threads=1, memory_limit=1 << 20)
    for begin in range(0, 400_000, 1000):
        counter.feed(" ".join(f"word{i}" for i in range(begin, begin + 1000)).encode() + b"\n")
    counter.end_source()
    seen: set[str] = set()

    def handler(_number: int, _frame: object) -> None:
        try:
            counter.begin_source()
        except (RuntimeError, ValueError) as error:
            seen.add(str(error)[:21])

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        words = counter.finish()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(words) == 400_000
    assert "the counter is in use" in seen
