"""Every kind of source: equal text gives an equal corpus, and whatever is wrong is one clear error."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest
from corpora import assert_encodes, sentences_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import full_w2v
from full_w2v.corpus import open_corpus
from full_w2v.corpus.decompression import zstd
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.errors import ConfigError, CorpusError

pa = pytest.importorskip("pyarrow", reason="needs pyarrow to write tables")
from pyarrow import parquet  # noqa: E402 (behind the check)

LINES = ["the quick  brown fox", "jumps over the lazy dog 한국어 𐍈", "", "the end\tof the\u00a0text é"] * 50
TEXT = "\n".join(LINES)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def encode(source, **reading):
    return encode_corpus(open_corpus(source, **reading), min_count=1, threads=2)


def failure(source, **reading):
    with pytest.raises((CorpusError, ConfigError)) as error:
        count_corpus(open_corpus(source, **reading), min_count=1, threads=2)
    assert "\n" not in str(error.value)
    return str(error.value)


def write_table(path: Path, values, column="text", **options) -> Path:
    table = pa.table({column: values})
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=37, **options)
    elif path.suffix == ".stream":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=23)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=23)
    return path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def json_lines(values, column="text") -> bytes:
    return b"".join(orjson.dumps({column: value, "other": 7}) + b"\n" for value in values)


class Dataset:
    """What `datasets.Dataset` shows of itself."""

    def __init__(self, values, *, batched=True):
        self.column_names = ["id", "text"]
        self.features = {"id": "int64", "text": "string"}
        self._values = values
        if batched:
            self.iter = self._batches

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return ({"id": i, "text": value} for i, value in enumerate(self._values))

    def _batches(self, batch_size):
        for begin in range(0, len(self._values), batch_size):
            yield {"id": [0], "text": self._values[begin : begin + batch_size]}


TOKEN_LISTS = [line.split() for line in LINES]
SOURCES = {
    "plain": lambda folder: write(folder / "t.txt", TEXT.encode()),
    "gzip": lambda folder: write(folder / "t.txt.gz", gzip.compress(TEXT.encode())),
    "gzip by content": lambda folder: write(folder / "t.txt", gzip.compress(TEXT.encode())),
    "zstd by content": lambda folder: write(folder / "t", zstd.compress(TEXT.encode())),
    "json lines": lambda folder: write(folder / "t.jsonl", json_lines(LINES)),
    "json lists": lambda folder: write(folder / "t.ndjson", json_lines(TOKEN_LISTS)),
    "json lines, zstd": lambda folder: write(folder / "t.jsonl.zst", zstd.compress(json_lines(LINES))),
    "parquet": lambda folder: write_table(folder / "t.parquet", LINES),
    "parquet lists": lambda folder: write_table(folder / "t.parquet", TOKEN_LISTS),
    "parquet of one column": lambda folder: write_table(folder / "t.parquet", LINES, column="body"),
    "parquet by content": lambda folder: write_table(folder / "t.parquet", LINES).rename(folder / "t.data"),
    "parquet, gzip": lambda folder: write(
        folder / "u.parquet.gz", gzip.compress(write_table(folder / "t.parquet", LINES).read_bytes())
    ),
    "arrow file": lambda folder: write_table(folder / "t.arrow", LINES),
    "dataset": lambda _: Dataset(LINES),
    "dataset of lists": lambda _: Dataset(TOKEN_LISTS),
    "dataset that only iterates": lambda _: Dataset(LINES, batched=False),
    "token lists": lambda _: TOKEN_LISTS,
    "generator": lambda _: iter(TOKEN_LISTS),
    "url": lambda folder: write(folder / "t.txt.gz", gzip.compress(TEXT.encode())).as_uri(),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_corpus(tmp_path, kind):
    assert_encodes(encode(SOURCES[kind](tmp_path)), sentences_of(TEXT))


def test_mappings_with_a_column():
    items = ({"body": line, "n": 1} for line in LINES)
    assert_encodes(encode(items, column="body"), sentences_of(TEXT))


def test_an_arrow_stream(tmp_path):
    path = write_table(tmp_path / "t.stream", LINES)
    assert_encodes(encode(path, format="arrow"), sentences_of(TEXT))


@pytest.mark.parametrize("kind", ["plain", "gzip by content", "json lines", "parquet"])
def test_standard_input_is_a_source(tmp_path, kind):
    path = SOURCES[kind](tmp_path)
    arguments = ["vocabulary", "-", "--min-count", "1", "--json"]
    form = {"json lines": ["--format", "jsonl"]}.get(kind, [])
    run = [sys.executable, "-m", "full_w2v.cli", *arguments, *form]
    with path.open("rb") as file:
        done = subprocess.run(run, stdin=file, capture_output=True, check=True)
    vocabulary, _ = encode(TOKEN_LISTS)
    assert list(json.loads(done.stdout).items()) == list(
        zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)
    )


def test_vectors_are_equal_whatever_the_source(tmp_path):
    kinds = ("plain", "gzip", "json lines", "json lists", "parquet", "arrow file", "generator")
    expected = None
    for kind in kinds:
        source = SOURCES[kind](tmp_path)
        model = full_w2v.train(source, vector_size=8, epochs=2, threads=1, min_count=1).model
        expected = expected or model
        assert list(model.vocabulary.words) == list(expected.vocabulary.words)
        np.testing.assert_array_equal(model.input, expected.input, err_msg=kind)
        np.testing.assert_array_equal(model.output, expected.output, err_msg=kind)


def test_directories_and_patterns_stand_for_their_files(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    texts = {
        "a.txt": b"a a a",
        "b/2.jsonl": b'{"text": "b b"}',
        "b/c/3.txt": b"c",
        ".secret": b"x",
        ".hidden/4": b"y",
    }
    for name, data in texts.items():
        write(tmp_path / name, data)
    assert_encodes(encode(tmp_path), [["a"] * 3, ["b"] * 2, ["c"]])
    assert_encodes(encode(str(tmp_path / "b" / "**" / "*.*")), [["b"] * 2, ["c"]])
    assert_encodes(encode([tmp_path / "b", str(tmp_path / "?.txt")]), [["b"] * 2, ["c"], ["a"] * 3])
    odd = write(tmp_path / "what?[1].txt", b"kept")
    assert_encodes(encode(str(odd)), [["kept"]])  # a file whose name looks like a pattern


def test_lines_of_a_record_are_sentences_unless_it_is_a_document(tmp_path):
    path = write(tmp_path / "t.jsonl", json_lines(["a b\nc", "d\n\ne"]))
    assert_encodes(encode(path), [["a", "b"], ["c"], ["d"], ["e"]])
    assert_encodes(encode(path, sentences="document"), [["a", "b", "c"], ["d", "e"]])


def test_values_that_are_missing_are_passed_over(tmp_path):
    path = write_table(tmp_path / "t.parquet", ["a b", None, "c"])
    assert_encodes(encode(path), [["a", "b"], ["c"]])
    path = write(tmp_path / "t.jsonl", b'\n{"text": null}\n"d e"\n')
    assert_encodes(encode(path), [["d", "e"]])


JSON_FAULTS = {
    b'{"text": "a"}\n{"text": \n': "line 2 is not JSON",
    b'{"text": "a"}\n{"body": "b"}\n': "line 2 has no column 'text'; it has 'body'",
    b'{"text": 5}\n': "line 1: expected a string or a list of strings, got 5",
    b'{"text": ["a", 5]}\n': "line 1: expected a string or a list of strings",
    b'{"text": "a\\ud800"}\n': "line 1 is not JSON",
    b'{"text": "a\\u0000"}\n': "NUL",
    b'{"text": "a"}\n{"text": ["b"]}\n': "mixed",
    b"\xff\xff\n": "line 1 is not JSON",
    b"\xff\xfe\n": "begins with the byte-order mark of UTF-16",
}


@pytest.mark.parametrize("data", JSON_FAULTS)
def test_json_that_is_wrong(tmp_path, data):
    path = write(tmp_path / "t.jsonl", data)
    message = failure(path)
    assert message.startswith(f"{path}: ")
    assert JSON_FAULTS[data] in message


def test_tables_that_are_wrong(tmp_path):
    path = write_table(tmp_path / "t.parquet", ["a", "b"], column="body")
    assert "column must be one of body, got 'title'" in failure(path, column="title")
    assert "holds int64; expected strings" in failure(write_table(tmp_path / "n.parquet", [1, 2]))
    data = path.read_bytes()
    for damaged in (data[:-9], data[: len(data) // 2], b"PAR1" + bytes(40), b"PAR1"):
        assert "cannot be read as parquet" in failure(write(tmp_path / "x.parquet", damaged))
    assert "cannot be read as arrow" in failure(write(tmp_path / "x.arrow", b"ARROW1\0\0" + bytes(30)))


def test_datasets_and_mappings_that_are_wrong():
    assert "column must be one of id, text, got 'body'" in failure(Dataset(LINES), column="body")
    assert "record 1 has no column 'body'" in failure([{"body": "a"}, {"text": "b"}], column="body")
    assert "record 0 is of type list; expected a mapping" in failure([["a"]], column="body")
    assert "lone surrogate" in failure([{"text": "a\ud800"}], column="text")
    assert "NUL" in failure([{"text": "a\0"}], column="text")


def test_remote_files_that_cannot_be_opened(tmp_path):
    assert "nowhere.txt: " in failure((tmp_path / "nowhere.txt").as_uri())
    assert "smart_open cannot open it" in failure("nosuchscheme://host/file.txt")


def test_a_closed_standard_input_is_one_error():
    line = f"{sys.executable} -m full_w2v.cli vocabulary - <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("full-w2v: error: standard input: ")
    assert done.stderr.count("\n") == 1


def assert_error_or_corpus(path):
    """Checks that a file that may hold anything is refused in one line, or read."""
    message = ""
    try:
        vocabulary, corpus = encode(path)
    except (CorpusError, ConfigError) as fault:
        message = str(fault)
    else:
        assert corpus.tokens == vocabulary.tokens > 0
    assert "\n" not in message


HEADS = [b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1\0\0", b"BZh91AY&SY", b"\xfd7zXZ\0"]
NAMES = ["t", "t.gz", "t.bz2", "t.xz", "t.zst", "t.jsonl", "t.parquet", "t.arrow", "t.jsonl.gz"]


@in_one_folder
@given(data=st.binary(max_size=300), name=st.sampled_from(NAMES), head=st.sampled_from(HEADS))
def test_random_bytes_are_an_error_or_a_corpus(tmp_path, data, name, head):
    assert_error_or_corpus(write(tmp_path / name, head + data))


@in_one_folder
@given(
    kind=st.sampled_from(["gzip", "json lines, zstd", "parquet", "arrow file"]),
    at=st.integers(0, 10**6),
    byte=st.integers(0, 255),
    cut=st.booleans(),
)
def test_damaged_files_are_an_error_or_a_corpus(tmp_path, kind, at, byte, cut):
    path = SOURCES[kind](tmp_path)
    data = bytearray(path.read_bytes())
    at %= len(data)
    data[at] = byte
    assert_error_or_corpus(write(path, bytes(data[:at] if cut else data)))


def test_an_arrow_file_whose_strings_reach_out_of_their_data(tmp_path):
    path = tmp_path / "t.arrow"
    table = pa.table({"text": ["ab", "cd"]})
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    data = path.read_bytes()
    offsets, damaged = np.array([0, 2, 4], np.int32).tobytes(), np.array([0, 2, 6], np.int32).tobytes()
    assert data.count(offsets) == 1
    path.write_bytes(data.replace(offsets, damaged))
    with pytest.raises(CorpusError, match=r"t\.arrow: cannot be read as arrow"):
        count_corpus(open_corpus(path), min_count=1)


def test_progress_of_a_stream_of_unknown_size(tmp_path):
    calls = []
    path = write(tmp_path / "t.txt", TEXT.encode())
    count_corpus(open_corpus(path.as_uri()), min_count=1, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("vocabulary", 0.0, None)
