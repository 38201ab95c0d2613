"""Archives and Unicode that is not UTF-8 are recognised, and the advice that they get works."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from corpora import assert_encodes
from hypothesis import given
from hypothesis import strategies as st

from full_w2v.corpus import open_corpus
from full_w2v.corpus.decompression import zstd
from full_w2v.corpus.file_signatures import HEAD_BYTES, likely_encoding, marked_encoding, not_text
from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.encoding.vocabulary_file import load_vocabulary
from full_w2v.errors import ConfigError, CorpusError, FormatError
from full_w2v.evaluation import evaluate_analogies, evaluate_pairs

TEXT = "one two\nthree one\n" * 40
SENTENCES = [["one", "two"], ["three", "one"]] * 40
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}


def load_pairs(path: Path) -> None:
    evaluate_pairs(Embeddings(["one"], np.ones((1, 2), np.float32)), path)


def load_analogies(path: Path) -> None:
    evaluate_analogies(Embeddings(["one"], np.ones((1, 2), np.float32)), path)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("text.txt", TEXT)
    return buffer.getvalue()


def tarred(kind: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        member = tarfile.TarInfo("text.txt")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT.encode()))
    return buffer.getvalue()


def old_tar() -> bytes:
    """Of version 7, which has no mark but its checksum."""
    data = bytearray(tarred())
    data[257:512] = bytes(255)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


ARCHIVES = {
    "a.zip": (zipped(), "zip archive.*unzip"),
    "empty.zip": (b"PK\x05\x06" + bytes(18), "zip archive"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c\0\x04" + os.urandom(600), "7z archive.*7z x"),
    "a.rar": (b"Rar!\x1a\x07\x01\0" + os.urandom(600), "rar archive"),
    "a.tar": (tarred(), r"tar archive.*tar -xf"),
    "pax.tar": (tarred(tarfile.PAX_FORMAT), "tar archive"),
    "gnu.tar": (tarred(tarfile.GNU_FORMAT), "tar archive"),
    "old.tar": (old_tar(), "tar archive"),
    "a.tgz": (gzip.compress(tarred()), "tar archive"),
    **{f"a.tar{suffix}": (pack(tarred()), "tar archive") for suffix, pack in COMPRESS.items()},
    "zip.gz": (gzip.compress(zipped()), "zip archive"),
    "named.gz": (zipped(), "zip archive"),
    "named.xz": (tarred(), "tar archive"),
    "a.lzma": (lzma.compress(TEXT.encode(), format=lzma.FORMAT_ALONE), "compressed by lzma.*xz"),
    "a.lz4": (b"\x04\x22\x4d\x18\x64\x40\xa7" + os.urandom(600), "compressed by lz4"),
    "a.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + os.urandom(600), "PDF"),
}


def failure(source, **reading):
    with pytest.raises(CorpusError) as error:
        count_corpus(open_corpus(source, **reading), min_count=1, threads=2)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("errors", ["strict", "replace", "ignore"])
@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_are_never_trained_on(tmp_path, name, errors):
    data, message = ARCHIVES[name]
    for path in (tmp_path / name, tmp_path / "t.txt", tmp_path / "t.jsonl"):
        path.write_bytes(data)
        for encoding in ("utf-8", "latin-1"):
            said = failure(path, errors=errors, encoding=encoding)
            assert said.startswith(f"{path}: ")
            assert re.search(message, said)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.lzma"])
def test_archives_are_recognised_in_pipes_that_give_a_few_bytes_at_a_time(tmp_path, name):
    data, message = ARCHIVES[name]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write():
        with pipe.open("wb", buffering=0) as file:
            try:
                for begin in range(0, len(data), 100):
                    file.write(data[begin : begin + 100])
            except BrokenPipeError:
                pass

    thread = threading.Thread(target=write)
    thread.start()
    said = failure(pipe, errors="replace")
    thread.join()
    assert re.search(message, said)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.lzma", "a.7z"])
@pytest.mark.parametrize("load", [load_vocabulary, load_embeddings], ids=["vocabulary", "vectors"])
def test_vocabularies_and_vectors_in_archives_are_told_from_damaged_ones(tmp_path, name, load):
    data, message = ARCHIVES[name]
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=f"{message}|is compressed by gzip; decompress it"):
        load(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("load", [load_vocabulary, load_pairs, load_analogies])
def test_files_that_are_read_as_utf_8_alone_name_other_unicode(tmp_path, load, encoding):
    path = tmp_path / "t.txt"
    path.write_bytes("one two 3\n".encode(encoding))
    with pytest.raises(FormatError, match=rf"t\.txt: is {encoding.upper()}; convert it to UTF-8"):
        load(path)
    path.write_bytes(zipped())
    with pytest.raises(FormatError, match="is a zip archive"):
        load(path)


@given(st.text(min_size=1))
def test_no_text_is_taken_for_an_archive(text):
    assert not_text(text.encode("utf-8", "surrogatepass")) is None


UNICODE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
         "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}  # fmt: skip


def unicode_files():
    for encoding in UNICODE:
        yield encoding, TEXT.encode(encoding)
        if encoding in MARKS:
            yield f"{encoding} with a mark", MARKS[encoding] + TEXT.encode(encoding)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("asked", ["utf-8", "latin-1", *UNICODE])
@pytest.mark.parametrize(
    "data", [data for _, data in unicode_files()], ids=[name for name, _ in unicode_files()]
)
def test_unicode_is_read_or_the_advice_to_read_it_works(tmp_path, data, asked, suffix):
    path: Path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    tried = set()
    while asked not in tried:
        tried.add(asked)
        try:
            encoded = encode_corpus(open_corpus(path, encoding=asked), min_count=1)
        except CorpusError as error:
            advised = re.fullmatch(rf"{path}: .*encoding='([\w-]+)'.*", str(error))
            asked = advised[1] if advised else asked
        else:
            assert_encodes(encoded, SENTENCES)
            return
    pytest.fail(f"the advice leads from {tried} to {asked} and no further")


@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize(
    "data", [data for _, data in unicode_files()], ids=[name for name, _ in unicode_files()]
)
def test_no_error_handler_makes_words_of_other_unicode(tmp_path, data, errors):
    (tmp_path / "t").write_bytes(data)
    assert "encoding='utf-" in failure(tmp_path / "t", errors=errors)


def test_utf_16_without_a_mark_or_an_ascii_character_is_advised_too(tmp_path):
    (tmp_path / "t").write_bytes("한국어".encode("utf-16-le"))
    said = failure(tmp_path / "t", encoding="utf-16")
    assert "has no byte-order mark" in said
    assert "encoding='utf-16-le' or encoding='utf-16-be' or encoding='utf-8'" in said


@pytest.mark.parametrize("encoding", ["idna", "punycode"])
def test_decoders_that_give_no_place_end_in_a_clear_error(tmp_path, encoding):
    (tmp_path / "t").write_bytes(b"xn--a\xff -\xe9-0-\n" * 3)
    assert "t: " in failure(tmp_path / "t", encoding=encoding)


@pytest.mark.parametrize("encoding", ["undefined", "utf-8\0", "rot13", "hex", "nonsense", ""])
def test_an_encoding_that_cannot_decode_is_refused(encoding):
    with pytest.raises(ConfigError, match="encoding must be one that Python knows"):
        open_corpus([["a"]], encoding=encoding)


def test_a_nul_within_text_gets_no_advice_to_decode_it_as_utf_16(tmp_path):
    (tmp_path / "t").write_bytes(b"one two\nthree \0 four\n" * 100)
    assert "line 2 holds a NUL" in (said := failure(tmp_path / "t"))
    assert "utf-16" not in said
    assert_encodes(
        encode_corpus(open_corpus(tmp_path / "t", errors="replace"), min_count=1),
        [["one", "two"], ["three", "\ufffd", "four"]] * 100,
    )


@given(
    st.text(st.characters(max_codepoint=0x7F, min_codepoint=1), min_size=2), st.sampled_from(sorted(MARKS))
)
def test_the_encoding_of_ascii_without_a_mark_is_known(text, encoding):
    assert likely_encoding(text.encode(encoding)[:HEAD_BYTES]) == encoding
    assert marked_encoding(MARKS[encoding] + text.encode(encoding)) == encoding[:6]


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("zeros", [0, 1, 511, 200_000])
def test_zeros_that_pad_compressed_data_are_passed_over(tmp_path, suffix, zeros):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(
        COMPRESS[suffix](TEXT.encode()) + bytes(zeros) + COMPRESS[suffix](b"four\n") + bytes(zeros)
    )
    assert_encodes(encode_corpus(open_corpus(path), min_count=1), [*SENTENCES, ["four"]])


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("zeros", [0, 10])
@pytest.mark.parametrize("rest", [b"\n", b"garbage", b"<html>not found</html>" * 9000])
def test_what_follows_compressed_data_is_named_with_its_place(tmp_path, suffix, rest, zeros):
    path = tmp_path / f"t{suffix}"
    data = COMPRESS[suffix](TEXT.encode())
    path.write_bytes(data + bytes(zeros) + rest)
    said = failure(path)
    assert "truncated" not in said
    assert f"is complete and ends at byte {len(data)}, but something else follows" in said
    path.write_bytes(path.read_bytes()[: int(re.search(r"head -c (\d+)", said)[1])])
    assert_encodes(encode_corpus(open_corpus(path), min_count=1), SENTENCES)


def test_frames_of_zstd_that_readers_skip_are_skipped(tmp_path):
    skipped = b"\x5a\x2a\x4d\x18\x04\0\0\0abcd"
    path = tmp_path / "t"
    path.write_bytes(skipped + zstd.compress(TEXT.encode()) + skipped)
    assert_encodes(encode_corpus(open_corpus(path), min_count=1), SENTENCES)
