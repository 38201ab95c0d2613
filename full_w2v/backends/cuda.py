"""Trains on a CUDA device, or on the emulated one that runs the same kernels on the CPU."""

import importlib
import logging
import os
import time
from dataclasses import replace
from types import ModuleType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from full_w2v import objectives
from full_w2v.backends.base import SpanStats, largest_norm
from full_w2v.backends.concurrency import most_in_flight
from full_w2v.backends.device_matrix import DLPACK_CUDA, DLPACK_HOST, DeviceMatrix
from full_w2v.backends.parameters import native_parameters
from full_w2v.config import Order, TrainConfig
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.sampling_tables import keep_thresholds, noise_table
from full_w2v.errors import BackendError, setting
from full_w2v.model import Model

DEVICE_VARIABLE = "FULL_W2V_CUDA_DEVICE"
KERNEL_VARIABLE = "FULL_W2V_CUDA_KERNEL"
EMULATED = "emulated"
MAX_VECTOR_SIZE = 1024  # kMaxDimension of the kernels
# Of kernel `group` with scores in TF32 (csrc/cuda/kernels/group.cuh).
MAX_TENSOR_VECTOR_SIZE = 320
MAX_BLOCKS = 2**31 - 1  # of a launch
# Segments that a multiprocessor trains at once, at most: what the warp kernel's launch bounds ask for with
# float32 rows of up to 128 values.
RESIDENT_BLOCKS = 16
# Times what a look at all rows takes: the time between two of them within an epoch.
LOOK_EVERY = 100

_log = logging.getLogger(__name__)


class CudaBackend:
    """The backend protocol on CUDA.

    device: a CUDA device's number or "emulated"; None takes $FULL_W2V_CUDA_DEVICE, else device 0.
    kernel: "warp", "group", "block", "register", "pair" or "auto", which takes the first that computes the
        settings and fits; None takes $FULL_W2V_CUDA_KERNEL, else "auto".
    stream: an existing cudaStream_t as an integer to train on; 0 makes one.
    corpus_bytes: device memory for token ids; a larger corpus is streamed. None takes most of what is free.
    blocks: the most concurrent segments; 1 trains them in order, reproducibly. None derives the limit from
        vocabulary and corpus to preserve quality (full_w2v.backends.concurrency).
    launch_segments, launch_tokens: size of one launch; None takes the defaults.

    properties: what the runtime tells of the device.
    emulated: whether it is the emulated one.

    Raises BackendError if the device cannot be used.
    """

    name = "cuda"

    @staticmethod
    def hardware() -> str:
        """The chosen device, the kernels, and which of them the default settings take there.

        Raises BackendError, with why, if the device cannot be used.
        """
        module, number = _open_device(None)
        properties = _devices(module)[number]
        kernels = "; ".join(f"{kernel['name']} (order {kernel['orders']})" for kernel in module.kernels())
        taken = ", ".join(_default_choice(module, number, order) for order in get_args(Order))
        return f"{_describe(properties)}; kernels {kernels}; by default {taken}"

    @staticmethod
    def refusal(config: TrainConfig) -> str:
        """What the kernels do not compute, and what does; empty if they compute it all.

        Objectives, bf16 rows with shared negatives or TF32 scores, and rows longer than the largest block, or
        tiles of tensor cores with TF32 scores, can take.
        """
        if reason := objectives.refusal("cuda", config):
            return reason
        if config.row_precision != "float32" and (
            config.share_negatives != 1 or config.score_precision != "float32"
        ):
            return (
                f"cuda keeps rows in {config.row_precision} only with {setting('share_negatives', 1)} and"
                f" {setting('score_precision', 'float32')}, got {config.share_negatives} and"
                f" {config.score_precision!r};"
                f" use {setting('backend', 'cpu')}"
            )
        longest = MAX_VECTOR_SIZE if config.score_precision == "float32" else MAX_TENSOR_VECTOR_SIZE
        if config.vector_size > longest:
            return (
                f"{setting('vector_size')} must be at most {longest} on the cuda backend with"
                f" {setting('score_precision', config.score_precision)}, got {config.vector_size};"
                f" {setting('backend', 'cpu')} takes more"
            )
        return ""

    def __init__(
        self,
        device: str | None = None,
        *,
        kernel: str | None = None,
        stream: int = 0,
        corpus_bytes: int | None = None,
        blocks: int | None = None,
        launch_segments: int | None = None,
        launch_tokens: int | None = None,
    ) -> None:
        self._module, self._device = _open_device(device)
        self.properties = _devices(self._module)[self._device]
        self._hardware = _describe(self.properties)
        self.emulated = self._module.__name__.endswith(EMULATED)
        self._kernel = kernel or os.environ.get(KERNEL_VARIABLE) or "auto"
        limits = {
            "corpus_bytes": corpus_bytes,
            "blocks": blocks,
            "launch_segments": launch_segments,
            "launch_tokens": launch_tokens,
        }
        self._options = {
            "stream": stream,
            **{name: value for name, value in limits.items() if value is not None},
        }
        self._trainer: Any = None
        self._model: Model | None = None
        self._corpus: EncodedCorpus | None = None
        self._epoch = 0
        self._failed = False
        self._limit = ""  # what holds segments back, if anything does
        self._next_look = 0.0  # at rows within an epoch, on the clock of time.perf_counter()

    def load(self, model: Model) -> None:
        """Copies the model's matrices and its vocabulary's tables to the device.

        Raises BackendError if the settings or the sizes do not fit this device.
        """
        config, vocabulary = model.config, model.vocabulary
        reason = self.refusal(config)
        if model.locks is not None:
            reason = f"the cuda backend does not lock rows; use {setting('backend', 'cpu')}"
        if reason:
            raise BackendError(reason)
        try:
            self._trainer = self._module.Trainer(
                params=self._module.SgnsParams(**native_parameters(config, len(vocabulary))),
                kernel=self._kernel,
                device=self._device,
                **self._options,
            )
            self._trainer.load(
                model.input,
                model.output,
                keep_thresholds(vocabulary.counts, config.sample),
                noise_table(vocabulary.counts, config.ns_exponent),
            )
        except (ValueError, self._module.CudaError) as error:
            raise BackendError(f"cuda backend: {error}") from error
        self._model, self._corpus, self._epoch, self._failed, self._limit = model, None, 0, False, ""
        self._next_look = 0.0
        _log.info("cuda backend: kernel %s, order %s", self._trainer.kernel, config.order)
        if self._trainer.note:
            _log.warning("cuda backend: %s", self._trainer.note)

    @property
    def description(self) -> str:
        """Device and kernel in use, and why it is not the kernel asked for."""
        trainer = self._loaded()
        note = f" ({trainer.note})" if trainer.note else ""
        return f"{self._hardware}, kernel {trainer.kernel}{note}{self._limit}"

    @property
    def kernel(self) -> str:
        """Name of the kernel that trains the loaded model."""
        return str(self._loaded().kernel)

    @property
    def launch_shape(self) -> tuple[int, int]:
        """Threads and bytes of shared memory of the kernel's blocks."""
        trainer = self._loaded()
        return trainer.block_threads, trainer.block_shared_bytes

    @property
    def note(self) -> str:
        """Why `kernel` is not the one that was asked for; empty if it is."""
        return str(self._loaded().note)

    def train(self, corpus: EncodedCorpus, begin: int, end: int, epoch: int) -> SpanStats:
        """Trains every segment that begins at a token in begin ... end - 1.

        When an epoch begins, the matrices as the one before left them are kept in the loaded model: if the
        device then fails, `read` gives those.

        Raises BackendError, which names the call and the device, if the device fails.
        """
        trainer, model = self._loaded(), self._model
        try:
            if epoch != self._epoch and model is not None:
                self._read_into(model)
                self._epoch = epoch
            if corpus is not self._corpus:
                self._corpus = None  # none is bound, should bind fail
                ids, offsets = np.ascontiguousarray(corpus.ids), np.ascontiguousarray(corpus.offsets)
                trainer.bind(ids, offsets, self._most_in_flight(corpus))
                self._corpus = corpus
                _log.info(
                    "cuda backend: corpus %s", "on the device" if trainer.corpus_is_resident else "streamed"
                )
            return SpanStats(*trainer.train(begin, end, epoch))
        except self._module.CudaError as error:
            self._failed = True
            raise BackendError(f"cuda backend: {error}") from error

    def _most_in_flight(self, corpus: EncodedCorpus) -> int:
        """The limit on concurrent segments; logs it if the device could train more at once."""
        self._limit = ""
        if "blocks" in self._options or self._model is None:
            return MAX_BLOCKS
        most = most_in_flight(self._model.vocabulary, corpus, self._model.config)
        if most < RESIDENT_BLOCKS * self.properties["multiprocessors"]:
            self._limit = f", limited to {most} concurrent segments to preserve quality"
            _log.info("cuda backend%s", self._limit)
        return min(most, MAX_BLOCKS)

    def largest_norm(self, begin: int, end: int) -> float:
        """Largest norm of a row, infinity if a value is not finite.

        Some rows cannot be fetched without the others: if only some are asked for, all are looked at as long
        as that takes at most a hundredth of the time; otherwise the answer is 0.
        Raises BackendError if the device fails.
        """
        model, trainer, began = self._model, self._loaded(), time.perf_counter()
        if model is None or self._failed:
            return 0.0
        if end - begin < len(model.input) and began < self._next_look:
            return 0.0
        rows = np.empty_like(model.input), np.empty_like(model.output)
        try:
            trainer.read(*rows)
        except self._module.CudaError as error:
            self._failed = True
            raise BackendError(f"cuda backend: {error}") from error
        norm = largest_norm(rows)
        now = time.perf_counter()
        self._next_look = now + LOOK_EVERY * (now - began)
        return norm

    def read(self, model: Model) -> None:
        """Copies the matrices into the model's; after a failure, those of the last complete epoch.

        Raises BackendError if the device fails meanwhile; the model is then as it was.
        """
        kept = self._model
        if not self._failed:
            self._read_into(model)
            return
        if kept is not None and model is not kept:
            np.copyto(model.input, kept.input)
            np.copyto(model.output, kept.output)
        _log.warning(
            "cuda backend: the device failed; the vectors are those before epoch %d", self._epoch + 1
        )

    def _read_into(self, model: Model) -> None:
        """Copies both matrices, or none of them if the device fails."""
        rows = np.empty_like(model.input), np.empty_like(model.output)
        try:
            self._loaded().read(*rows)
        except self._module.CudaError as error:
            self._failed = True
            raise BackendError(f"cuda backend: {error}") from error
        for matrix, found in zip((model.input, model.output), rows, strict=True):
            np.copyto(matrix, found)

    def device_matrices(self) -> tuple[DeviceMatrix, DeviceMatrix]:
        """The input and output matrices on the device, without a copy: valid until close().

        Each call of `train` returns only when the device is done, so their values are then complete.
        Raises BackendError if their rows are bf16, which neither interface can name.
        """
        trainer = self._loaded()
        if self._model is not None and self._model.config.row_precision != "float32":
            raise BackendError("bf16 rows cannot be shared in place; read() returns them as float32")
        device = (DLPACK_HOST, 0) if self.emulated else (DLPACK_CUDA, self._device)
        return (
            DeviceMatrix(trainer.input_interface, trainer.input_dlpack, device),
            DeviceMatrix(trainer.output_interface, trainer.output_dlpack, device),
        )

    def row_uses(self) -> list[str]:
        """Ways to read rows of a matrix, and to add to them, that `row_seconds` can measure here."""
        return list(self._module.row_uses(self._device))

    def row_seconds(
        self, use: str, vocabulary: int, vector_size: int, rows: NDArray[np.int32], passes: int
    ) -> float:
        """Seconds that the fastest of several passes over a list of rows takes, with nothing else to do.

        use: one of `row_uses`. vocabulary, vector_size: of the matrix. rows: ids, in the order to take them.
        Raises BackendError if the device fails or has too little memory.
        """
        stride = -(-vector_size // 8) * 8
        try:
            found = self._module.row_rate(
                use=use, vocabulary=vocabulary, stride=stride, rows=rows, passes=passes, device=self._device
            )
        except (ValueError, self._module.CudaError) as error:
            raise BackendError(f"cuda backend: {error}") from error
        return float(found["seconds"])

    def close(self) -> None:
        """Frees the device's memory; nothing else may be called after."""
        if self._trainer is not None:
            self._trainer.close()
        self._trainer = self._model = self._corpus = None

    def _loaded(self) -> Any:
        if self._trainer is None:
            raise BackendError("the cuda backend holds no model; call load() first")
        return self._trainer


def _describe(properties: dict[str, Any]) -> str:
    memory = properties["memory_bytes"] / 2**30
    return f"{properties['name']}, compute capability {properties['capability']}, {memory:.1f} GiB"


def _devices(module: ModuleType) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = module.devices()
    except module.CudaError as error:  # as after a fault, from which a process does not recover
        raise BackendError(str(error)) from error
    return found


def _default_choice(module: ModuleType, device: int, order: Order) -> str:
    """The kernel that default settings take, and why, if it is not the one asked for."""
    params = native_parameters(replace(TrainConfig(), order=order), vocabulary=1)
    try:
        name, note = module.kernel_choice(
            params=module.SgnsParams(**params),
            kernel=os.environ.get(KERNEL_VARIABLE) or "auto",
            device=device,
        )
    except (ValueError, module.CudaError) as error:
        raise BackendError(str(error)) from error
    return f"{name} for order {order}" + (f" ({note})" if note else "")


def _open_device(device: str | None) -> tuple[ModuleType, int]:
    """The extension module that drives the device, and the device's number in it."""
    chosen = device or os.environ.get(DEVICE_VARIABLE) or "0"
    emulated = chosen == EMULATED
    if not emulated and not chosen.isdigit():
        raise BackendError(f"{DEVICE_VARIABLE} must be a device's number or {EMULATED!r}, got {chosen!r}")
    module = _import("full_w2v._cuda_emulated" if emulated else "full_w2v._cuda", emulated)
    reason = module.unavailable_reason()
    if reason:
        raise BackendError(reason)
    number = 0 if emulated else int(chosen)
    count = len(_devices(module))
    if number >= count:
        raise BackendError(f"CUDA device must be below {count}, the number of devices, got {number}")
    return module, number


def _import(name: str, emulated: bool) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        what = (
            "without the emulated device, which in-place builds have unless FULL_W2V_CUDA=off"
            if emulated
            else "without CUDA"
        )
        raise BackendError(f"this installation was built {what}") from error
    except ImportError as error:
        raise BackendError(f"{name} cannot be loaded: {error}") from error
