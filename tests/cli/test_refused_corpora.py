"""Corpora that are refused: one line, its exit code, nothing written."""

import json
import re
from pathlib import Path

import pytest
import two_groups
from programs import COMPRESS, TINY, Command, Outcome, Refused

import full_w2v


def damaged(name: str, data: bytes) -> dict[str, bytes]:
    """A compressed file cut in the middle, with a changed byte, and one that is something else."""
    middle = len(data) // 2
    return {
        f"truncated{name}": data[:middle],
        f"changed{name}": data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :],
        f"plain{name}": two_groups.text().encode(),
        f"empty{name}": b"",
    }


DAMAGED = {
    name: data
    for suffix, compress in COMPRESS.items()
    for name, data in damaged(suffix, compress(two_groups.text().encode())).items()
}
BAD_TEXTS = {
    "empty": (b"", "holds no tokens"),
    "blank": (b" \n\t\n", "holds no tokens"),
    "rare": (
        b"once upon a time",
        "no word occurs 5 times or more (--min-count 5); the most frequent, 'once', occurs once",
    ),
    "latin": (
        b"good line\nbad caf\xe9\n",
        "line 2 is not UTF-8 (byte 0xe9 at 17); decode with --encoding latin-1 or --errors re",
    ),
    "binary": (
        b"good line\nbad \x00 line\n",
        "line 2 holds a NUL (byte 14), so it is not text, or not UTF-8",
    ),
    "utf16": (
        "two words\n".encode("utf-16"),
        "begins with the byte-order mark of UTF-16; decode with --encoding utf-16",
    ),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_bad_text_is_refused(refused: Refused, tmp_path: Path, name: str) -> None:
    data, message = BAD_TEXTS[name]
    path = tmp_path / f"{name}.txt"
    path.write_bytes(data)
    error = refused(path)
    assert error.startswith(f"{path}: ")
    assert message in error


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_compression_is_refused(refused: Refused, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    error = refused(path)
    assert error.startswith(f"{path}: ")
    expected = (
        "ends too early" if name.startswith(("truncated", "empty")) else r"not valid \w+ data|too early"
    )
    assert re.search(expected, error)


def test_text_that_is_not_utf8_can_be_read_on_request(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 nul\x00 " * 5)
    replaced = command("vocabulary", path, "--errors", "replace")
    assert replaced == Outcome(0, "caf\ufffd\t5\nnul\ufffd\t5\n", "")
    assert command("vocabulary", path, "--errors", "ignore").out == "caf\t5\nnul\t5\n"
    path.write_bytes(b"caf\xe9 " * 5)
    assert command("vocabulary", path, "--encoding", "latin-1") == Outcome(0, "café\t5\n", "")
    output = tmp_path / "v.txt"
    assert command("train", path, "--encoding", "latin-1", "--output", output, *TINY).code == 0
    assert "café" in full_w2v.load_embeddings(output)


def test_one_very_long_line_trains_whole(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_text(two_groups.text(100).replace("\n", " ") * 1000)
    assert path.stat().st_size > 3_000_000
    arguments = ("--json", "--sample", "0", "--window", "1", "--negative", "1", *TINY)
    report = json.loads(command("train", path, "--output", tmp_path / "v.txt", *arguments).out)
    assert report["raw_words"] == report["trained_words"] == 1_200_000


@pytest.mark.parametrize("name", ["missing", "folder", "missing beside a good one"])
def test_a_corpus_that_is_no_file_is_refused(
    refused: Refused, corpus: Path, tmp_path: Path, name: str
) -> None:
    missing = tmp_path / "nowhere.txt"
    if name == "folder":
        (tmp_path / "empty").mkdir()
        assert refused(tmp_path / "empty") == f"{tmp_path / 'empty'}: the directory holds no files"
    elif name == "missing":
        assert refused(missing) == f"{missing}: no such file"
    else:
        assert refused(corpus, missing) == f"{missing}: no such file"


def test_an_unreadable_corpus_is_refused(command: Command, unprivileged: Path) -> None:
    path = two_groups.write(unprivileged / "corpus.txt")
    path.chmod(0)
    done = command("train", path, "--output", unprivileged / "v.txt")
    assert done.code == 1
    assert done.error == f"{path}: Permission denied"
    assert [file.name for file in unprivileged.iterdir()] == ["corpus.txt"]
