from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

SEGMENT_TOKENS: int
SIMD_LEVELS: tuple[str, ...]

def philox(counters: NDArray[np.uint32], key: int) -> NDArray[np.uint32]: ...
def alias_table(weights: NDArray[np.float64]) -> NDArray[np.uint32]: ...
def token_draws(
    positions: NDArray[np.int64],
    seed: int,
    epoch: int,
    window: int,
    shrink: bool,
    noise: NDArray[np.uint32],
    negative: int,
) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.int32]]: ...
def learning_rates(
    alpha: float,
    min_alpha: float,
    epochs: int,
    corpus_tokens: int,
    epoch: int,
    segments: NDArray[np.int64],
) -> NDArray[np.float32]: ...
def simd_levels() -> list[str]: ...

class SgnsParams:
    def __init__(
        self,
        *,
        vocabulary: int,
        longest_path: int,
        vector_size: int,
        window: int,
        shrink_windows: bool,
        negative: int,
        share_negatives: int,
        architecture: str,
        cbow_mean: bool,
        order: str,
        alpha: float,
        min_alpha: float,
        epochs: int,
        seed: int,
        step_pairs: int,
        row_precision: str,
        score_precision: str,
        loss: bool,
    ) -> None: ...

class CpuTrainer:
    def __init__(
        self,
        *,
        params: SgnsParams,
        keep: NDArray[np.uint32],
        noise: NDArray[np.uint32],
        threads: int,
        simd: str = "",
        path_offsets: NDArray[np.int64] | None = None,
        path_steps: NDArray[np.uint32] | None = None,
    ) -> None: ...
    def pin_threads(self) -> None: ...
    @property
    def simd(self) -> str: ...
    @property
    def threads(self) -> int: ...
    def load(
        self,
        input: NDArray[np.float32],
        output: NDArray[np.float32],
        inner: NDArray[np.float32] | None = None,
    ) -> None: ...
    def read(
        self,
        input: NDArray[np.float32],
        output: NDArray[np.float32],
        inner: NDArray[np.float32] | None = None,
    ) -> None: ...
    def lock(self, locks: NDArray[np.float32]) -> None: ...
    def set_corpus(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        after_piece: Callable[[], None] | None = None,
    ) -> None: ...
    def largest_norm(self, begin: int, end: int) -> float: ...
    def train(self, begin: int, end: int, epoch: int) -> tuple[int, int, float]: ...

class FileError(Exception): ...
class InvalidTextError(Exception): ...
class SentenceError(ValueError): ...

class CorpusCounter:
    def __init__(
        self,
        *,
        threads: int,
        errors: str,
        directory: bytes,
        spill_memory: int = ...,
        block_bytes: int = ...,
        memory_limit: int = 0,
        min_count: int = 0,
        only: list[str] = ...,
        simd: str = "",
    ) -> None: ...
    def begin_source(self) -> None: ...
    def add_file(self, path: bytes, progress: Callable[[float], None] | None = None) -> None: ...
    def feed(self, chunk: bytes) -> None: ...
    def feed_sentences(self, sentences: list[Any], spell: Callable[[Any], str] | None = None) -> None: ...
    def end_source(self) -> None: ...
    def finish(self) -> CountedWords: ...

class MappedFile(Buffer):
    def __init__(self, descriptor: int, name: bytes) -> None: ...
    @property
    def name(self) -> str: ...
    def release(self) -> None: ...
    def intact(self) -> bool: ...

class CountedWords:
    @property
    def tokens(self) -> int: ...
    def __len__(self) -> int: ...
    def sentences(self) -> int: ...
    def in_order(self) -> NDArray[np.uint32]: ...
    def least_count(self, words: int) -> int: ...
    def select(self, min_count: int) -> NDArray[np.uint32]: ...
    def words(self, numbers: NDArray[np.uint32]) -> list[str]: ...
    def counts(self, numbers: NDArray[np.uint32]) -> NDArray[np.int64]: ...
    def find(self, words: list[str]) -> NDArray[np.uint32]: ...
    def encode(
        self,
        numbers: NDArray[np.uint32],
        *,
        descriptor: int,
        name: bytes,
        ids_at: int,
        offsets_at: int,
        span: int,
        threads: int,
        progress: Callable[[float], None] | None = None,
        simd: str = "",
    ) -> tuple[int, int]: ...

def count_pairs(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    *,
    min_count: int,
    threads: int,
    parts: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], int]: ...

class PhraseJoiner:
    def __init__(self, first: NDArray[np.int32], second: NDArray[np.int32], *, first_id: int) -> None: ...
    def join(
        self, ids: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...
