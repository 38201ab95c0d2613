"""The CPU backend: SIMD kernels on threads (csrc/cpu)."""

from full_w2v import _native, objectives
from full_w2v.backends.base import SpanStats
from full_w2v.backends.parameters import native_parameters
from full_w2v.config import TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.errors import BackendError, setting
from full_w2v.machine import simd_cap, usable_cores
from full_w2v.model import Model


class CpuBackend:
    """Trains on this machine's cores, with the widest instruction set that it has.

    simd: caps the instruction set: "scalar", "sse2", "neon", "avx2" or "avx512"; by default the environment
    variable FULL_W2V_SIMD does, and without it nothing.
    """

    name = "cpu"

    def __init__(self, simd: str | None = None) -> None:
        self._simd = simd_cap(simd)
        self._trainer: _native.CpuTrainer | None = None
        self._corpus: EncodedCorpus | None = None  # the one that the trainer has checked

    @staticmethod
    def hardware() -> str:
        """Instruction sets that can be chosen from and cores that may be used.

        Raises ConfigError if FULL_W2V_SIMD names no instruction set.
        """
        cap = simd_cap()
        if not cap:
            return f"{', '.join(_native.simd_levels())}; {usable_cores()} cores"
        below = _native.SIMD_LEVELS[: _native.SIMD_LEVELS.index(cap) + 1]
        levels = [level for level in _native.simd_levels() if level in below]
        return f"{', '.join(levels)} (FULL_W2V_SIMD={cap}); {usable_cores()} cores"

    @staticmethod
    def refusal(config: TrainConfig) -> str:
        """Which objective the engine does not compute, and what does; empty if it computes them all."""
        return objectives.refusal("cpu", config)

    @property
    def description(self) -> str:
        """Instruction set and threads in use."""
        trainer = self._loaded()
        return f"{trainer.simd}, {trainer.threads} thread{'s' if trainer.threads > 1 else ''}"

    def load(self, model: Model) -> None:
        """Takes the model's matrices, its vocabulary's tables and its settings.

        Raises BackendError for an objective that it does not compute.
        """
        if reason := self.refusal(model.config):
            raise BackendError(reason)
        counts, tree = model.vocabulary.counts, model.tree
        self._trainer = _native.CpuTrainer(
            params=_native.SgnsParams(**native_parameters(model.config, len(counts), tree)),
            keep=keep_thresholds(counts, model.config.sample),
            noise=noise_table(counts, model.config.ns_exponent),
            threads=model.config.threads or usable_cores(),
            simd=self._simd,
            path_offsets=tree.offsets if tree else None,
            path_steps=tree.steps if tree else None,
        )
        self._corpus = None
        if model.config.pin_threads:
            self._pin_threads(self._trainer)
        if model.locks is not None:
            self._trainer.lock(model.locks)
        self._trainer.load(*model.matrices)

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        """Trains every segment that begins at a token in begin ... end - 1."""
        trainer = self._loaded()
        if corpus is not self._corpus:
            trainer.set_corpus(corpus.ids, corpus.offsets, corpus.release)
            self._corpus = corpus
        return SpanStats(*trainer.train(begin, end, epoch))

    def largest_norm(self, begin: int, end: int) -> float:
        """Largest norm of rows begin ... end - 1 of all matrices; infinity if a value is not finite."""
        return self._loaded().largest_norm(begin, end)

    def read(self, model: Model) -> None:
        """Copies the matrices as they now are into the model's."""
        self._loaded().read(*model.matrices)

    def close(self) -> None:
        """Frees the matrices."""
        self._trainer = None
        self._corpus = None

    @staticmethod
    def _pin_threads(trainer: _native.CpuTrainer) -> None:
        try:
            trainer.pin_threads()
        except RuntimeError as error:
            raise BackendError(f"{error}; train with {setting('pin_threads', False)}") from None

    def _loaded(self) -> _native.CpuTrainer:
        if self._trainer is None:
            raise BackendError("the cpu backend holds no model; call load() first")
        return self._trainer
