"""Records in files: JSON lines, Parquet and Arrow, as batches of what one column holds."""

import codecs
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Any

import orjson

from full_w2v.corpus.read_settings import ReadSettings
from full_w2v.errors import ConfigError, CorpusError, setting, shown

ROWS_AT_ONCE = 1_000
DEFAULT_COLUMN = "text"


def json_line_batches(chunks: Iterable[bytes], reading: ReadSettings, name: str) -> Iterator[list[Any]]:
    """The column's values of JSON lines; a line may also be a string or a list of tokens itself.

    Raises CorpusError for a line that is not JSON or has no such column.
    """
    yield from _batches(_parsed(_numbered_lines(chunks), name), reading)


def json_batches(chunks: Iterable[bytes], reading: ReadSettings, name: str) -> Iterator[list[Any]]:
    """The column's values of one JSON array, whose items are what JSON lines are, or of JSON lines.

    A file whose first line is JSON by itself, and not all, holds JSON lines, which are read one by one. Any
    other file is one array, or one record, and read whole.
    Raises CorpusError for a file that is neither or has no such column.
    """
    lines = _numbered_lines(chunks)
    start = [line for _, line in zip(range(2), lines, strict=False)]
    if len(start) == 2 and _is_json(start[0][1]):
        yield from _batches(_parsed(chain(start, lines), name), reading)
        return
    begin = start[0][0] if start else 1
    text = b"\n".join(line for _, line in chain(start, lines))
    if not text:
        return
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CorpusError(
            f"{name}: line {begin} starts neither a JSON array nor JSON lines ({error.msg}, line "
            f"{error.lineno} of the lines that are not blank)"
        ) from None
    items = content if isinstance(content, list) else [content]
    yield from _batches(((f"{name}: item {i}", item) for i, item in enumerate(items)), reading)


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _parsed(lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[tuple[str, Any]]:
    """What each line holds, behind its place for messages."""
    for number, line in lines:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise CorpusError(f"{name}: line {number} is not JSON ({error.msg} at {error.pos})") from None
        yield f"{name}: line {number}", record


def _batches(records: Iterable[tuple[str, Any]], reading: ReadSettings) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for where, record in records:
        value = _field(record, reading.column, where)
        if reading.errors == "strict" and isinstance(value, str) and "\0" in value:
            raise CorpusError(f"{where} holds a NUL; read with {setting('errors', 'replace')}")
        batch.append(value)
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    yield batch


def table_batches(file: IO[bytes], kind: str, reading: ReadSettings, name: str) -> Iterator[list[Any]]:
    """The column's values of a Parquet or Arrow table in a file that can be read at any place.

    kind: "parquet" or "arrow". Raises CorpusError for a file that is not such a table or holds other values,
    ConfigError if pyarrow is missing or the table has no such column.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise ConfigError(
            f"{name}: {kind} files need the package pyarrow; pip install 'full-w2v[arrow]'"
        ) from None
    try:
        if kind == "parquet":
            yield from _parquet_batches(file, reading, name)
        else:
            yield from _arrow_batches(file, reading, name)
    except (ConfigError, CorpusError):
        raise
    # SystemError: pyarrow makes a str of negative length where an offset is damaged.
    except (pa.ArrowException, OSError, ValueError, OverflowError, SystemError) as error:
        raise CorpusError(f"{name}: cannot be read as {kind} ({shown(str(error))})") from None


def spooled(chunks: Iterable[bytes], directory: str | None = None) -> IO[bytes]:
    """A temporary file without a name that holds a stream: tables are read from their end."""
    file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 (the caller closes it)
    try:
        file.writelines(chunks)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _parquet_batches(file: IO[bytes], reading: ReadSettings, name: str) -> Iterator[list[Any]]:
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    column = _table_column(table.schema_arrow, reading, name)
    for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=[column]):
        yield _checked(batch.column(0)).to_pylist()


def _arrow_batches(file: IO[bytes], reading: ReadSettings, name: str) -> Iterator[list[Any]]:
    import pyarrow as pa

    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    table = pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
    column = _table_column(table.schema, reading, name)
    batches = map(table.get_batch, range(table.num_record_batches)) if is_file else table
    for batch in batches:
        values = _checked(batch.column(column))
        for begin in range(0, batch.num_rows, ROWS_AT_ONCE):
            yield values.slice(begin, ROWS_AT_ONCE).to_pylist()


def _checked(values: Any) -> Any:
    """The array, if its offsets and bytes make sense: reading follows them even out of the data."""
    values.validate(full=True)
    return values


def _table_column(schema: Any, reading: ReadSettings, name: str) -> str:
    """The column to read: the one that was asked for, "text", or the only one."""
    import pyarrow as pa

    names = schema.names
    column = reading.column or (DEFAULT_COLUMN if DEFAULT_COLUMN in names or len(names) != 1 else names[0])
    if names.count(column) != 1:
        raise ConfigError(f"{name}: {setting('column')} must be one of {', '.join(names)}, got {column!r}")
    kind = schema.field(column).type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    words = kind.value_type if is_list or pa.types.is_dictionary(kind) else kind
    is_text = pa.types.is_string(words) or pa.types.is_large_string(words) or pa.types.is_null(words)
    if not is_text and not (is_list and pa.types.is_integer(words)):
        raise CorpusError(
            f"{name}: column {column!r} holds {kind}; expected strings, or lists of strings or whole numbers"
        )
    return str(column)


def _field(record: Any, column: str | None, where: str) -> Any:
    if isinstance(record, dict):
        key = column or DEFAULT_COLUMN
        if key not in record:
            names = shown(", ".join(record))
            raise CorpusError(
                f"{where} has no column {key!r}; it has {names}; choose one with {setting('column')}"
            )
        value = record[key]
    else:
        value = record
    if value is None or isinstance(value, str) or _is_token_list(value):
        return value
    raise CorpusError(f"{where}: expected a string or a list of strings, got {shown(value)}")


def _is_token_list(value: Any) -> bool:
    """Whether a value is a list of strings, or of whole numbers, whose numerals become the words."""
    if not isinstance(value, list):
        return False
    return all(isinstance(token, str) for token in value) or all(type(token) is int for token in value)


def _numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers, from 1, and without byte order marks before them."""
    for number, line in enumerate(_byte_lines(chunks), 1):
        while line.startswith(codecs.BOM_UTF8):
            line = line[len(codecs.BOM_UTF8) :]  # noqa: PLW2901 (joined files may leave several)
        if line.strip():
            yield number, line


def _byte_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        held.append(first)
        if others:
            yield b"".join(held)
            yield from others[:-1]
            held = [others[-1]]
    yield b"".join(held)
