"""What a program may do while `full_w2v.Word2Vec` trains: gensim's hooks, one more, and a way to stop.

class Patience(Callback):
    def on_epoch_end(self, model):
        if good_enough(model):
            raise StopTraining("the vectors are good enough")

Word2Vec(sentences, callbacks=[Patience(), Checkpoint("words.model")])
"""

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec

from full_w2v.checks import checked_integer
from full_w2v.errors import ConfigError, shown
from full_w2v.training.report import Progress

# gensim's, which every callback has.
HOOKS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")


def checked_callbacks(callbacks: Iterable[Any]) -> Sequence[Any]:
    """The callbacks; raises TypeError unless they are a list of objects with gensim's hooks."""
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list, got {shown(callbacks)}; put a single callback into []")
    given = list(callbacks)
    for place, callback in enumerate(given):
        if isinstance(callback, type):
            raise TypeError(
                f"callbacks[{place}] must be an object, got the class {callback.__name__}; "
                f"pass {callback.__name__}()"
            )
        for hook in HOOKS:
            if not callable(getattr(callback, hook, None)):
                raise TypeError(
                    f"callbacks[{place}], {shown(callback)}, has no method {hook}; derive its class from "
                    "full_w2v.drop_in.callbacks.Callback or gensim's CallbackAny2Vec"
                )
    return given


class StopTraining(Exception):  # noqa: N818 (it reports no error)
    """Raised by a hook, ends training in good order: the model keeps what it learned, `train` returns."""


class Callback(CallbackAny2Vec):  # type: ignore[misc]
    """gensim's base class with a hook for batches. gensim's own callbacks need not derive from it."""

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:
        """Called about four times a second while the model trains.

        The model's vectors are those of the last epoch's end; `model.sync_vectors()` makes them current.
        """


class Checkpoint(Callback):
    """Saves the model again and again, to one file that is replaced when the next one is complete.

    path: as for `Word2Vec.save`.
    epochs: saves at the end of every so many epochs.
    seconds: saves in the middle of an epoch too, when the last time is so long ago; None never does.

    To go on after a crash, with `done` epochs trained, lower the rate from where it was:

        model = Word2Vec.load(path)
        model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs - done,
                    start_alpha=model.min_alpha_yet_reached)

    Raises ConfigError for a setting out of range.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, epochs: int = 1, seconds: float | None = None
    ) -> None:
        if seconds is not None and not seconds >= 0:
            raise ConfigError(f"seconds must not be negative, got {seconds}")
        self._path = os.fspath(path)
        self._epochs = checked_integer("epochs", epochs, 1, 1_000_000)
        self._seconds = seconds
        self._ended = 0
        self._saved_at = time.monotonic()

    def on_train_begin(self, model: Word2Vec) -> None:  # noqa: ARG002
        """Counts epochs and seconds from here."""
        self._ended = 0
        self._saved_at = time.monotonic()

    def on_batch_end(self, model: Word2Vec, progress: Progress) -> None:  # noqa: ARG002
        """Saves if the last time is long ago."""
        if self._seconds is not None and time.monotonic() - self._saved_at >= self._seconds:
            model.sync_vectors()
            self._save(model)

    def on_epoch_end(self, model: Word2Vec) -> None:
        """Saves after every so many epochs."""
        self._ended += 1
        if self._ended % self._epochs == 0:
            self._save(model)

    def _save(self, model: Word2Vec) -> None:
        model.save(self._path)
        self._saved_at = time.monotonic()
