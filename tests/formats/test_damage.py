"""Damaged files: one line that names the file, whatever is wrong with it."""

import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import ALL, some_embeddings, unhurried, write

from full_w2v.embeddings import load_embeddings
from full_w2v.errors import FormatError


def safetensors_bytes(**header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"1234"


HUGE = 10**18

DAMAGED = {
    "empty.txt": (b"", "line 1, got b''"),
    "word.txt": (b"word\n", "line 1, got b'word"),
    "zero.txt": (b"0 5\n", "at least one word and one dimension, line 1 says 0 and 5"),
    "flat.txt": (b"5 0\n", "at least one word and one dimension, line 1 says 5 and 0"),
    "rows.txt": (b"%d 2\na 1 2\n" % HUGE, "for which the file is too short"),
    "columns.txt": (b"1 %d\na 1 2\n" % HUGE, "for which the file is too short"),
    "digits.txt": (b"%s 2\na 1 2\n" % (b"9" * 9999), "line 2: expected a word and 1 values, got more values"),
    "short.txt": (b"3 2\na 1.0 2.0\nb 1.0 2.0\n", "line 1 says 3 words, got 2; the file is cut short"),
    "cut.txt": (b"2 2\na 1.0 2.0\nb 1.0", "line 3: expected a word and 2 values, got 2 fields"),
    "long.txt": (b"1 2\na 1 2\nb 1 2\n", "line 3: expected the end after 1 words"),
    "few.txt": (b"1 3\na 1.0 2.0\n", "line 2: expected a word and 3 values, got 3 fields"),
    "more.txt": (b"1 1\na 1.0 2.0\n", "line 2: expected a word and 1 values, got more values"),
    "glove.txt": (b"a 1 2 3\nb 1 2\n", "line 2: expected a word and 3 values, got 3 fields"),
    "text.txt": (b"Call me Ishmael.\nSome years ago\n", "line 1: expected 2 values, got b'me'"),
    "nan.txt": (b"1 2\na 1 nan\n", "vector of 'a' holds a value that is not finite"),
    "over.txt": (b"1 2\na 1 1e39\n", "vector of 'a' holds a value that is not finite"),
    "twice.txt": (b"2 1\na 1\na 2\n", "'a' appears more than once, in rows 1 and 2"),
    "utf8.txt": (b"1 1\n\xff\xfe 1\n", "line 2: the word b'.xff.xfe' is not UTF-8 .byte 0xff"),
    "endless.txt": (b"word " * 500_000, "a word and its values in line 1, got b'word word"),
    "nul.txt": (b"\0" * 100, "expected 'words dimension' or a word and its values in line 1"),
    "empty.bin": (b"", "expected 'words dimension' in line 1, got b''"),
    "line.bin": (b"x" * 1000, "expected 'words dimension' in line 1"),
    "rows.bin": (b"%d 1\na 1234" % HUGE, "for which the file is too short"),
    "columns.bin": (b"1 %d\na 1234" % HUGE, "for which the file is too short"),
    "both.bin": (b"%d %d\na 1234" % (HUGE, HUGE), "for which the file is too short"),
    "zero.bin": (b"0 1\n", "at least one word"),
    "cut.bin": (b"2 1\naaaaaaa 1234\nb 12", "line 1 says 2 words of 1 values, the file ends after 1"),
    "space.bin": (b"1 1\nabcdefgh", "the file ends after 0"),
    "more.bin": (b"1 1\na 1234b 1234", "expected the end after 1 words of 1 values as line 1 says, got more"),
    "nan.bin": (b"1 1\na \0\0\xc0\x7f", "vector of 'a' holds a value that is not finite"),
    "twice.bin": (b"2 1\na 1234a 1234", "'a' appears more than once, in rows 1 and 2"),
    "utf8.bin": (b"1 1\n\xe9 1234", "row 1: the word b'.xe9' is not UTF-8 .byte 0xe9"),
    "empty.kv": (b"", "expected gensim KeyedVectors, but unpickling ended in EOFError"),
    "text.kv": (b"some words\n", "expected gensim KeyedVectors, but unpickling ended in UnpicklingError"),
    "dict.kv": (
        pickle.dumps({"a": 1}),
        "expected gensim KeyedVectors, but unpickling ended in AttributeError",
    ),
    "empty.safetensors": (b"", "not a complete safetensors file"),
    "text.safetensors": (b"some words here\n", "not a complete safetensors file"),
    "header.safetensors": (b"\xff" * 100, "not a complete safetensors file"),
    "shape.safetensors": (
        safetensors_bytes(input={"dtype": "F32", "shape": [HUGE, HUGE], "data_offsets": [0, 4]}),
        "not a complete safetensors file",
    ),
    "offsets.safetensors": (
        safetensors_bytes(input={"dtype": "F32", "shape": [1], "data_offsets": [0, HUGE]}),
        "not a complete safetensors file",
    ),
    "newline.safetensors": (
        safetensors_bytes(input={"dtype": "F\n32", "shape": [1], "data_offsets": [0, 4]}),
        "not a complete safetensors file",
    ),
    "types.safetensors": (safetensors_bytes(input=[]), "not a complete safetensors file"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_ends_in_one_line_that_names_it(tmp_path, name):
    content, message = DAMAGED[name]
    path = write(tmp_path / name, content)
    with pytest.raises(FormatError, match=message) as caught:
        load_embeddings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


@pytest.mark.parametrize("suffix", ALL)
@unhurried
@given(data=st.data())
def test_a_file_cut_short_anywhere_is_refused(folder, suffix, data):
    path = folder / f"cut{suffix}"
    some_embeddings(5, 3).save(path)
    content = path.read_bytes()
    last = {".bin": 2, ".safetensors": 1, ".kv": 1}.get(
        suffix, 20
    )  # text cut in the last line may stay valid
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - last))])
    with pytest.raises(FormatError):
        load_embeddings(path)


@pytest.mark.parametrize("suffix", [".txt", ".bin", ".safetensors"])
@unhurried
@given(data=st.data())
def test_changed_bytes_give_embeddings_or_a_format_error(folder, suffix, data):
    path = folder / f"changed{suffix}"
    some_embeddings(5, 3).save(path)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, min(len(content), 400) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = load_embeddings(path)
    except FormatError:
        return
    assert len(set(found.words)) == len(found.words) == len(found.vectors)
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("suffix", ALL)
def test_a_missing_file_or_a_folder_is_an_os_error_that_names_it(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match=f"x{suffix}"):
        load_embeddings(tmp_path / f"x{suffix}")
    (tmp_path / f"x{suffix}").mkdir()
    with pytest.raises(IsADirectoryError, match=f"x{suffix}"):
        load_embeddings(tmp_path / f"x{suffix}")
