"""Apache Parquet: columns `word` (string), `vector` (a list of d float32) and, if they are known, `count`."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from full_w2v.embeddings import Embeddings
from full_w2v.errors import FormatError
from full_w2v.formats.words import encoded


def save(embeddings: Embeddings, file: BinaryIO) -> None:
    """Writes one table; raises FormatError for a word that UTF-8 cannot encode."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.array(embeddings.vectors.reshape(-1))
    columns = {
        "word": pa.array(encoded(embeddings.words), pa.binary()).cast(pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(values, embeddings.dimension),
    }
    if embeddings.counts is not None:
        columns["count"] = pa.array(embeddings.counts)
    pq.write_table(pa.table(columns), file)


def load(path: Path) -> Embeddings:
    """Reads the table; raises FormatError if a column is missing or the file is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path).combine_chunks()
        vectors = table["vector"].combine_chunks()
        rows = vectors.flatten().to_numpy().reshape(len(vectors), -1)
        counts = table["count"].to_numpy() if "count" in table.column_names else None
        return Embeddings(table["word"].to_pylist(), np.asarray(rows, np.float32), counts)
    except (pa.ArrowException, KeyError, ValueError, AttributeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"expected a Parquet table with columns word and vector ({error})") from error
