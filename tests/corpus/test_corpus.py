"""Reading: every kind of source gives the tokens that plain Python gives, and every bad one a clear error."""

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import threading
from pathlib import Path

import pytest
from corpora import assert_encodes, expected_counts, sentences_of, small_blocks
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from full_w2v.corpus import open_corpus
from full_w2v.corpus.decompression import text_chunks, zstd
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.errors import ConfigError, CorpusError

COMPRESSORS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
SPACES = [chr(c) for c in range(0x110000) if chr(c).isspace()]
TEXT = "the quick brown fox\njumps over the lazy dog\n\n  the end  \nof the text"
LONG_TEXT = "\n".join(" ".join(random.Random(i).choices(TEXT.split(), k=i % 40)) for i in range(3000))

# Tokens repeat, have up to 48 bytes, and lie between every kind of white space.
tokens = st.text("abé한𐍈\u200b\x01", max_size=12) | st.sampled_from(
    ["a" * n for n in (14, 15, 16, 17, 31, 32)]
)
texts = st.lists(tokens | st.sampled_from(["\n", " ", "\r\n"]) | st.sampled_from(SPACES)).map("".join)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def encode(source, *, threads=2, min_count=1, **settings):
    return encode_corpus(open_corpus(source, **settings), threads=threads, min_count=min_count)


def failure(source, *, min_count=1, **settings):
    """The message of the CorpusError that counting ends in."""
    with pytest.raises(CorpusError) as error:
        count_corpus(open_corpus(source, **settings), threads=2, min_count=min_count)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_white_space_is_what_str_split_takes(tmp_path):
    characters = [chr(c) for c in range(1, 0x12000) if chr(c) != "\n" and not 0xD800 <= c < 0xE000]
    text = " ".join(f"a{c}b" for c in characters)
    assert_encodes(encode(write(tmp_path / "text", text)), sentences_of(text))


@in_one_folder
@given(
    text=texts,
    threads=st.integers(1, 4),
    block_bytes=st.integers(1, 100),
    spill=st.sampled_from([0, 64, 9999]),
)
@example(text="a", threads=1, block_bytes=64, spill=0)
@example(text="\n\na\u3000b\u00a0\na", threads=2, block_bytes=2, spill=0)
def test_a_file_gives_what_plain_python_gives(tmp_path, text, threads, block_bytes, spill):
    sentences = sentences_of(text)
    path = write(tmp_path / "text", text)
    with small_blocks(block_bytes, spill):
        for min_count in (1, 2):
            if expected_counts(sentences, min_count):
                assert_encodes(encode(path, threads=threads, min_count=min_count), sentences, min_count)
            else:
                failure(path, min_count=min_count)


@in_one_folder
@given(
    text=texts.filter(str.split),
    block_bytes=st.integers(1, 100),
    errors=st.sampled_from(["replace", "ignore"]),
    changes=st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 255)), min_size=1, max_size=5),
)
def test_bytes_that_are_not_text_are_replaced_or_ignored_as_python_does(
    tmp_path, text, block_bytes, errors, changes
):
    mangled = bytearray(text.encode())
    for at, byte in changes:
        mangled[at % len(mangled)] = byte
    sentences = sentences_of(bytes(mangled).decode("utf-8", errors))
    path = write(tmp_path / "text", bytes(mangled))
    with small_blocks(block_bytes):
        if any(sentences):
            assert_encodes(encode(path, errors=errors), sentences)
        else:
            failure(path, errors=errors)


@given(
    sentences=st.lists(st.lists(st.text(max_size=20), max_size=8), max_size=20),
    block_bytes=st.integers(1, 60),
)
def test_an_iterable_may_hold_any_token(sentences, block_bytes):
    with small_blocks(block_bytes):
        if any(sentences):
            assert_encodes(encode(iter(sentences)), sentences)
        else:
            assert "holds no tokens" in failure(iter(sentences))


@pytest.mark.parametrize("suffix", ["", *COMPRESSORS])
def test_every_source_gives_the_same_corpus(tmp_path, suffix):
    compress = COMPRESSORS.get(suffix, bytes)
    path = write(tmp_path / f"text{suffix}", compress(LONG_TEXT.encode()))
    with small_blocks(1000):
        assert_encodes(encode(path), sentences_of(LONG_TEXT))


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_members_of_a_compressed_file_are_read_whole(tmp_path, suffix):
    """A token and a line reach over the border between two members."""
    members = [COMPRESSORS[suffix](part) for part in (b"one two\nthr", b"ee", b" four\nfive")]
    path = write(tmp_path / f"text{suffix}", b"".join(members))
    assert_encodes(encode(path), [["one", "two"], ["three", "four"], ["five"]])


def test_xz_padding_is_passed_over(tmp_path):
    data = lzma.compress(b"one ") + bytes(8) + lzma.compress(b"two") + bytes(4)
    assert_encodes(encode(write(tmp_path / "text.xz", data)), [["one", "two"]])


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_truncated_compressed_file_is_an_error(tmp_path, suffix):
    data = COMPRESSORS[suffix](random.Random(1).randbytes(5000).hex().encode())
    for kept in (0, 5, len(data) // 2, len(data) - 1):
        message = failure(write(tmp_path / f"text{suffix}", data[:kept]))
        assert f"text{suffix}: " in message
        assert "truncated" in message or "empty" in message


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_corrupt_compressed_file_is_an_error(tmp_path, suffix):
    data = bytearray(COMPRESSORS[suffix](random.Random(1).randbytes(5000).hex().encode()))
    data[len(data) // 2 : len(data) // 2 + 8] = b"\xff" * 8
    for bad in (bytes(data), b"plain text, not compressed", bytes(data[:100]) + b"x"):
        assert (
            "not valid" in (message := failure(write(tmp_path / f"t{suffix}", bad))) or "truncated" in message
        )


def test_sentences_end_with_their_file(tmp_path):
    paths = [
        write(tmp_path / "1.txt", "a b"),
        write(tmp_path / "2.txt.gz", gzip.compress(b"b\nc")),
        tmp_path / "3",
    ]
    write(paths[2], "\ufeffc d\n")
    assert_encodes(encode(paths), [["a", "b"], ["b"], ["c"], ["c", "d"]])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_byte_order_mark_is_skipped_at_the_start_only(tmp_path, suffix):
    data = COMPRESSORS.get(suffix, bytes)("\ufeffa \ufeffa a".encode())
    assert_encodes(encode(write(tmp_path / f"text{suffix}", data)), [["a", "\ufeffa", "a"]])


@in_one_folder
@given(
    lines=st.lists(st.text("a\ufeffé \u00a0", max_size=9), max_size=9),
    marks=st.lists(st.integers(0, 3), min_size=9, max_size=9),
    block_bytes=st.sampled_from([1, 7, 64, 1 << 19]),
    suffix=st.sampled_from(["", ".gz"]),
)
def test_byte_order_marks_of_joined_files_change_no_word(tmp_path, lines, marks, block_bytes, suffix):
    lines = [line.lstrip("\ufeff") for line in lines] + ["end"]
    marked = "\n".join("\ufeff" * n + line for n, line in zip([*marks, 1], lines, strict=False))
    data = COMPRESSORS.get(suffix, bytes)(marked.encode())
    with small_blocks(block_bytes):
        assert_encodes(
            encode(write(tmp_path / f"t{suffix}", data)), [line.split() for line in lines if line.split()]
        )


@pytest.mark.parametrize(
    "encoding", ["latin-1", "utf-16", "utf-16-be", "cp1252", "gb18030", "UTF_8", "utf-8-sig"]
)
@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_other_encodings(tmp_path, encoding, suffix):
    text = "Grüße an\u00a0alle\r\nüber all\n" * 200
    data = COMPRESSORS.get(suffix, bytes)(text.encode(encoding))
    assert_encodes(encode(write(tmp_path / f"text{suffix}", data), encoding=encoding), sentences_of(text))


def test_a_pipe_is_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=[TEXT])
    writer.start()
    encoded = encode(path)
    writer.join()
    assert_encodes(encoded, sentences_of(TEXT))


def test_a_generator_is_consumed_once():
    read = []
    sentences = sentences_of(TEXT)
    assert_encodes(encode(read.append(s) or s for s in sentences), sentences)
    assert read == sentences


def test_sentences_of_other_sequences_and_iterators():
    assert_encodes(encode([("a", "b"), iter(["b", "c"])]), [["a", "b"], ["b", "c"]])


@pytest.mark.parametrize("tokens", [300_000, 1_000_000])
def test_a_sentence_of_any_length_stays_whole(tmp_path, tokens):
    line = ["ab", "c"] * (tokens // 2)
    with small_blocks(100_000, 1 << 20):
        for source in (write(tmp_path / "line", " ".join(line)), [line]):
            vocabulary, corpus = encode(source)
            assert corpus.offsets.tolist() == [0, tokens]
            assert vocabulary.words == ["ab", "c"]
            assert corpus.ids.reshape(-1, 2).tolist() == [[0, 1]] * (tokens // 2)


def test_one_token_may_be_longer_than_many_blocks(tmp_path):
    text = "a " + "x" * 1_000_000 + " b\n" + "x" * 1_000_000
    for name, data in (("text", text.encode()), ("text.gz", gzip.compress(text.encode(), 1))):
        with small_blocks(10_000):
            assert_encodes(encode(write(tmp_path / name, data)), sentences_of(text))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("threads", [1, 4])
def test_invalid_utf8_is_reported_by_line_and_byte(tmp_path, suffix, threads):
    good = b"first line\nsecond \xc3\xa9\n" * 500
    data = good + b"oops caf\xe9 here\n" + good + b"\xff"
    path = write(tmp_path / f"text{suffix}", COMPRESSORS.get(suffix, bytes)(data))
    with small_blocks(100), pytest.raises(CorpusError) as error:
        count_corpus(open_corpus(path), threads=threads)
    at = len(good) + len(b"oops caf")
    assert str(error.value) == (
        f"{path}: line 1001 is not UTF-8 (byte 0xe9 at {at}); "
        "decode with encoding='latin-1' or errors='replace'"
    )


def test_a_fault_in_another_encoding_is_reported_by_line_and_byte(tmp_path):
    data = ("line\n" * 400_000).encode("utf-16-le")
    message = failure(write(tmp_path / "text", data + b"\x00\xdcx\x00"), encoding="utf-16-le")
    assert f"line 400001 is not UTF-16-LE (byte 0x00 at {len(data)})" in message


def test_a_nul_is_not_text(tmp_path):
    path = write(tmp_path / "text", b"a b\nc\0d e")
    assert "line 2 holds a NUL (byte 5)" in failure(path)
    assert_encodes(encode(path, errors="ignore"), [["a", "b"], ["cd", "e"]])
    assert_encodes(encode(path, errors="replace"), [["a", "b"], ["c\ufffdd", "e"]])
    assert "line 1 holds a NUL" in failure(write(path, "one two".encode("utf-16-le")))


def test_files_that_cannot_be_read(tmp_path):
    assert failure_to_open(tmp_path / "none") == f"{tmp_path / 'none'}: no such file"
    long = tmp_path / ("a sentence, or a name, " * 5)
    assert failure_to_open(long).startswith(f"{long}: no such file")
    assert failure_to_open(tmp_path) == f"{tmp_path}: the directory holds no files"
    assert failure_to_open(tmp_path / "*.txt") == f"{tmp_path / '*.txt'}: no file matches this pattern"
    assert "a sentence must be a list of tokens" in failure_to_open(["the cat sat", "on the mat"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file(tmp_path):
    path = write(tmp_path / "secret", "a")
    path.chmod(0)
    assert "Permission denied" in failure_to_open(path)


def failure_to_open(source):
    with pytest.raises(CorpusError) as error:
        open_corpus(source)
    return str(error.value)


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_an_empty_corpus(tmp_path, text):
    path = write(tmp_path / "text", text)
    assert failure(path) == f"{path}: holds no tokens"
    assert failure([]) == "the iterable of sentences: holds no tokens"


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (iter(["the cat", "sat"]), "sentence 0 is a plain string, 'the cat'; expected a list of tokens"),
        ([["a"], b"the cat"], "sentence 1 is a plain string, b'the cat'"),
        ([["a"], 5], "sentence 1 is of type int; expected a list of tokens"),
        ([["a", 7.5]], "sentence 0 has a token of type float at 1; expected str"),
        ([["a", "b", "\ud800"]], "sentence 0 has a token with a lone surrogate at 2"),
    ],
)
def test_items_that_are_not_lists_of_tokens(sentences, message):
    assert message in failure(sentences)


@pytest.mark.parametrize("source", [5, None, b"text"])
def test_sources_that_are_none(source):
    assert "a corpus must be a path" in failure_to_open(source)


def test_settings_that_are_wrong(tmp_path):
    path = write(tmp_path / "text", TEXT)
    for wrong in ({"encoding": "utf-9"}, {"encoding": "hex"}, {"errors": "surrogateescape"}):
        with pytest.raises(ConfigError, match="must be one"):
            open_corpus(path, **wrong)


def test_an_exception_of_the_iterable_passes_through():
    def sentences():
        yield ["a", "b"]
        raise OSError("from the user's own code")

    with pytest.raises(OSError, match="from the user's own code") as error:
        encode(sentences())
    assert not isinstance(error.value, CorpusError)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_progress_ends_at_the_size(tmp_path, suffix):
    path = write(tmp_path / f"text{suffix}", COMPRESSORS.get(suffix, bytes)(LONG_TEXT.encode()))
    calls = []
    count_corpus(open_corpus([path, path]), progress=lambda *call: calls.append(call))
    size = path.stat().st_size
    assert calls[-1] == ("vocabulary", 2 * size, 2 * size)
    assert all(0 <= done <= total for _, done, total in calls)


def test_a_large_file_reports_its_progress_while_it_is_counted(tmp_path):
    # In blocks of a millisecond, on one thread: reports are due long before the end.
    path = write(tmp_path / "text", b"the quick brown fox jumps over the lazy dog\n" * 2_200_000)
    calls = []
    count_corpus(open_corpus(path), threads=1, progress=lambda *call: calls.append(call[1]))
    assert calls == sorted(calls)
    assert 0 < calls[0] < calls[-1]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_disk_that_fails_is_not_taken_for_corrupt_data(suffix):
    class FailingDisk(io.BytesIO):
        def read(self, *_):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        readinto = read

    path = Path(f"text{suffix}")
    with pytest.raises(CorpusError) as error:
        list(text_chunks(FailingDisk(), path))
    assert str(error.value) == f"{path}: {os.strerror(errno.EIO)}"
