"""Apache Parquet: columns `word` (string), `vector` (a list of d float32) and, if they are known, `count`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from full_w2v.errors import FormatError
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.formats.words import encoded
from full_w2v.word_vectors import WordVectors

LARGEST_STRINGS = 2**31 - 1  # bytes of all words together that Arrow's usual strings can hold


def check(words: Sequence[str]) -> None:
    """Raises FormatError for words that the format cannot hold."""
    encoded(words)


def save(embeddings: WordVectors, file: BinaryIO) -> None:
    """Writes one table; raises FormatError for a word that UTF-8 cannot encode."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.array(embeddings.vectors.reshape(-1))
    words = encoded(embeddings.words)
    wide = sum(map(len, words)) > LARGEST_STRINGS
    columns = {
        "word": pa.array(words, pa.large_binary() if wide else pa.binary()).cast(
            pa.large_string() if wide else pa.string()
        ),
        "vector": pa.FixedSizeListArray.from_arrays(values, embeddings.dimension),
    }
    if embeddings.counts is not None:
        columns["count"] = pa.array(embeddings.counts)
    pq.write_table(pa.table(columns), file)


def load(path: Path, options: LoadOptions) -> WordVectors:
    """Reads the table; raises FormatError if a column is missing or the file is damaged."""
    import pyarrow as pa

    path.open("rb").close()  # so that an OSError after this is about what the file holds
    try:
        table = _table(path, options)
        words = _words(table, options)
        vectors = _vectors(table["vector"].combine_chunks())
        counts = _counts(table) if "count" in table.column_names else None
    except (
        pa.ArrowException,
        OSError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        MemoryError,
    ) as error:
        if isinstance(error, FormatError):
            raise
        reason = " ".join(str(error).split())[:100]
        raise FormatError(f"expected a Parquet table with columns word and vector ({reason})") from error
    return options.vectors(words, vectors, counts)


def _table(path: Path, options: LoadOptions) -> Any:
    """The columns, of as many row groups as are wanted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Opened here: the library takes only paths that are UTF-8.
    with path.open("rb") as source, pq.ParquetFile(source) as file:
        names = file.schema_arrow.names
        missing = next((name for name in ("word", "vector") if names.count(name) != 1), None)
        if missing:
            raise FormatError(f"expected one column {missing}, among {', '.join(map(str, names[:9]))}")
        columns = [name for name in ("word", "vector", "count") if name in names]
        if options.limit is None:
            return file.read(columns)
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        batches, rows = [], 0
        for batch in file.iter_batches(min(options.limit, 1 << 16), columns=columns):
            batches.append(batch.slice(0, options.limit - rows))
            rows += len(batches[-1])
            if rows == options.limit:
                break
        return pa.Table.from_batches(batches, schema)


def _words(table: Any, options: LoadOptions) -> list[str]:
    import pyarrow as pa

    column = table["word"]
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise FormatError(f"expected the column word to hold strings, got {kind}")
    if column.null_count:
        raise FormatError(f"the column word has {column.null_count} rows without a word")
    binary = pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()
    words = column.cast(binary).to_pylist()
    return [options.decoded(word, f"row {row}") for row, word in enumerate(words, 1)]


def _vectors(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise FormatError(f"expected the column vector to hold lists of numbers, got {kind}")
    values = column.flatten()
    if column.null_count or values.null_count:
        raise FormatError("the column vector has rows or values that are missing")
    if not len(column):
        raise FormatError("expected at least one row")
    if not pa.types.is_fixed_size_list(kind):
        lengths = np.diff(column.offsets.to_numpy())
        if (lengths != lengths[0]).any():
            row = int(np.flatnonzero(lengths != lengths[0])[0])
            raise FormatError(
                f"the vector of row {row + 1} has {lengths[row]} values, the ones before have {lengths[0]}"
            )
    array: NDArray[Any] = values.to_numpy().reshape(len(column), -1)
    return array


def _counts(table: Any) -> NDArray[Any]:
    import pyarrow as pa

    column = table["count"]
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
        raise FormatError(f"expected the column count to hold a whole number in each row, got {column.type}")
    array: NDArray[Any] = column.to_numpy()
    return array


FORMAT = Format(one_file(save), load, check, needs="pyarrow")
