"""What every corpus is to those who count it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from full_w2v import _native
from full_w2v.corpus.read_settings import ReadSettings

# Called with (phase, done, total): bytes of files, or items of an iterable; total is None if not known.
Progress = Callable[[str, float, float | None], None]
Done = Callable[[float], None]


class Corpus(ABC):
    """A corpus that can be counted.

    name: what messages call it. size: what `count` reports when it is done, None if that is not known.
    reading: how it is read. files: local files that it is read from.
    """

    name: str
    size: float | None
    reading: ReadSettings
    files: Sequence[str] = ()

    @abstractmethod
    def count(self, counter: "_native.CorpusCounter", done: Done) -> "_native.CountedWords":
        """Gives all of the corpus to the counter and finishes it; calls `done` with what was read so far.

        Raises CorpusError where the corpus cannot be read.
        """
