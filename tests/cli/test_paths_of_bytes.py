"""Paths of any bytes, in the locale that knows ASCII alone: every command reads, writes and names them."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
import two_groups
from programs import TINY

# C alone would make Python coerce the locale to UTF-8.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = {"utf-8": "한글 é".encode(), "odd": b"\xff\xfe\x80 x"}
PROGRAM = [sys.executable, "-m", "full_w2v.cli"]


def run(folder: bytes, *arguments: bytes | str, environment: dict[str, str] | None = None):
    """Runs the program with its temporary files and all else below a folder with a name of any bytes."""
    surroundings = {
        **os.environb,
        **{os.fsencode(k): os.fsencode(v) for k, v in (environment or ASCII).items()},
    }
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env={**surroundings, b"TMPDIR": folder},
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    assert b"UnicodeEncodeError" not in done.stderr
    return done


@pytest.fixture(params=NAMES)
def folder(request, tmp_path) -> bytes:
    path = os.path.join(os.fsencode(tmp_path), NAMES[request.param])
    os.mkdir(path)
    two_groups.write(Path(os.fsdecode(path)) / "corpus.txt")
    return path


@pytest.fixture
def name(folder) -> bytes:
    return os.path.basename(folder)


def succeed(folder, *arguments):
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def test_every_command_works_with_such_paths(folder, name):
    corpus = folder + b"/" + name + b".txt"
    os.rename(folder + b"/corpus.txt", corpus)
    at = [folder + b"/" + name + suffix for suffix in (b".safetensors", b".vec", b".jsonl", b".phrases")]
    model, vectors, words, text = at
    cache = folder + b"/" + name + b"-cache"
    expected = succeed(folder, "vocabulary", corpus)
    assert expected.count(b"\n") == 40
    succeed(folder, "vocabulary", corpus, "--output", words)
    assert succeed(folder, "vocabulary", "--counts", words) == expected
    assert succeed(folder, "vocabulary", folder + b"/" + name + b".t?t", "--only", words) == expected
    succeed(folder, "phrases", corpus, "--output", text, "--phrase-threshold", "1e9")
    assert succeed(folder, "vocabulary", text, "--memory-limit", "1M") == expected
    for _ in range(2):  # made, then found
        succeed(folder, "train", corpus, "--vocab", words, "--cache", cache, "--output", model, *TINY)
        assert len(os.listdir(cache)) == 1
    succeed(folder, "convert", model, vectors)
    assert succeed(folder, "neighbours", vectors, "a1") == succeed(folder, "neighbours", model, "a1")
    pairs = folder + b"/" + name + b".pairs"
    Path(os.fsdecode(pairs)).write_bytes(b"a1 a2 9\na1 b2 1\na3 a4 8\nb1 b2 7\n")
    assert b'"pairs"' in succeed(folder, "evaluate", model, "--pairs", pairs, "--json")
    assert not [found for found in os.listdir(folder) if found.endswith(b".part")]


def main_in_one_process(folder: bytes, calls: list[list[bytes | str]]) -> list[tuple[int, bytes]]:
    """Exit codes and stderr of several calls; starting Python takes longer than each of them."""
    script = (
        "import contextlib, io, os, sys\n"
        "from full_w2v.cli import main\n"
        "for number, line in enumerate(sys.argv[1:]):\n"
        "    sys.stderr.flush(); os.dup2(os.open(f'err{number}', os.O_CREAT | os.O_WRONLY), 2)\n"
        "    try: code = main(line.split('\\x1f'))\n"
        "    except SystemExit as error: code = error.code\n"
        "    print('code', code, flush=True)\n"
    )
    lines = [b"\x1f".join(os.fsencode(part) for part in call) for call in calls]
    done = subprocess.run(
        [sys.executable, "-c", script, *lines], env={**os.environ, **ASCII}, cwd=folder, capture_output=True,
        timeout=120, check=True,
    )  # fmt: skip
    codes = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith(b"code ")]
    said = [Path(os.fsdecode(folder + b"/err%d" % number)).read_bytes() for number in range(len(calls))]
    return list(zip(codes, said, strict=True))


SUFFIXES = (".txt", ".vec", ".glove.txt", ".bin", ".kv", ".npz", ".parquet", ".tsv", ".model2vec", ".usearch")


def test_every_format_is_written_and_read_there(folder, name):
    model = folder + b"/" + name + b".safetensors"
    calls = [["train", "corpus.txt", "--output", model, "--quiet", *TINY]]
    for suffix in SUFFIXES:
        converted = folder + b"/" + name + suffix.encode()
        calls += [["convert", model, converted], ["neighbours", converted, "a1", "--json"]]
    outcomes = main_in_one_process(folder, calls)
    assert {code for code, _ in outcomes} == {0}, outcomes
    assert {os.path.basename(folder) + suffix.encode() for suffix in SUFFIXES} <= set(os.listdir(folder))


def test_a_table_is_read_there(folder, name):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = os.fsdecode(folder + b"/" + name + b".parquet")
    with open(path, "wb") as file:
        parquet.write_table(pa.table({"text": ["a b", "b c"]}), file)
    for suffix in (b".gz", b".jsonl"):
        with open(folder + b"/" + name + suffix, "wb") as file:
            file.write(
                gzip.compress(b"a b\nb c\n") if suffix == b".gz" else b'{"text": "a b"}\n{"text": "b c"}\n'
            )
    for suffix in (b".parquet", b".gz", b".jsonl"):
        found = succeed(folder, "vocabulary", folder + b"/" + name + suffix, "--min-count", "1")
        assert found == b"b\t2\na\t1\nc\t1\n"


def test_a_tokenizers_file_is_read_there(folder, name):
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers.pre_tokenizers import WhitespaceSplit

    words = [f"{group}{i}" for group in "ab" for i in range(20)] + ["[UNK]"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = WhitespaceSplit()
    Path(os.fsdecode(folder + b"/" + name)).write_text(tokenizer.to_str(), encoding="utf-8")
    expected = succeed(folder, "vocabulary", "corpus.txt")
    assert succeed(folder, "vocabulary", "corpus.txt", "--tokenizer", folder + b"/" + name) == expected


FAILURES = {
    "missing": ["vocabulary", b"NAME.txt"],
    "pattern": ["vocabulary", b"NAME*.none"],
    "not utf-8": ["vocabulary", b"NAME.latin"],
    "nul": ["vocabulary", b"NAME.nul"],
    "archive": ["vocabulary", b"NAME.zip"],
    "folder": ["vocabulary", b"NAME.empty"],
    "no output folder": ["train", "corpus.txt", "--output", b"NAME/none/x.txt"],
    "unknown format": ["train", "corpus.txt", "--output", b"NAME.what"],
    "no vectors": ["neighbours", b"NAME.vec", "a1"],
    "damaged vectors": ["neighbours", b"NAME.latin.vec", "a1"],
    "damaged model": ["neighbours", b"NAME.safetensors", "a1"],
    "no tokenizer": ["vocabulary", "corpus.txt", "--tokenizer", b"NAME.json"],
    "bad vocabulary": ["train", "corpus.txt", "--vocab", b"NAME.latin", "--output", "x.txt"],
    "own input": ["convert", b"NAME.latin.vec", b"NAME.latin.vec"],
    "no pairs": ["evaluate", "v.vec", "--pairs", b"NAME.latin"],
    "cache": ["train", "corpus.txt", "--cache", b"NAME.nul", "--output", "x.txt", *TINY],
    "unknown word": ["neighbours", "v.vec", b"NAME"],
    "unknown command": [b"NAME"],
    "unknown option": ["vocabulary", b"--NAME"],
}


def test_failures_name_such_paths_on_one_line(folder, name):
    base = folder + b"/" + name
    files = {b".latin": b"bad \xe9\n", b".nul": b"a \0 b\n", b".zip": b"PK\x03\x04" + bytes(40),
             b".latin.vec": b"1 2\n\xe9 1 2\n", b".safetensors": b"{}"}  # fmt: skip
    for suffix, data in files.items():
        Path(os.fsdecode(base + suffix)).write_bytes(data)
    os.mkdir(base + b".empty")
    Path(os.fsdecode(folder + b"/v.vec")).write_text("1 2\na1 1 2\n")
    calls = [
        [part.replace(b"NAME", base) if isinstance(part, bytes) else part for part in call]
        for call in FAILURES.values()
    ]
    for case, (code, said) in zip(FAILURES, main_in_one_process(folder, calls), strict=True):
        assert code in (1, 2), case
        assert said.startswith(b"full-w2v: error: "), case
        assert said.count(b"\n") == 1, case
        said.decode("ascii")  # what that locale can show


def test_a_utf_8_locale_shows_such_names_as_they_are(folder, name):
    environment = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}
    done = run(folder, "vocabulary", b"none-" + name, environment=environment)
    shown = (b"none-" + name).decode("utf-8", "surrogateescape")
    expected = shown if shown.isprintable() else ascii(shown)
    assert done.stderr.decode("utf-8").startswith(f"full-w2v: error: {expected}: no such file")


def test_native_code_names_such_a_file_when_it_is_gone(tmp_path):
    from full_w2v import _native

    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    counter = _native.CorpusCounter(threads=1, errors="strict", directory=os.fsencode(tmp_path))
    counter.begin_source()
    with pytest.raises(_native.FileError) as error:
        counter.add_file(path)
    assert os.fsencode(str(error.value)) == path + b": No such file or directory"
