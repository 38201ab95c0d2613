"""Coverage-guided fuzzing of the cache reader with atheris. Not part of the suite, which replays seeds.

An entry of a cache is damaged as the input says: a file replaced, cut, overwritten or longer, its checksums
right again or not. It must then be refused, or be a corpus whose ids and borders can be followed.

    pip install atheris && mkdir -p /tmp/found
    python tests/encoding/fuzz_cache.py -max_total_time=300 /tmp/found
"""

import shutil
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import orjson

FILES = ("ids", "vocabulary.jsonl", "note.json")
HEADER_FIELDS = 52  # bytes of an id file that its checksum covers


def new_entry(folder: Path) -> Path:
    """A small entry in a cache in `folder`."""
    from full_w2v.corpus import open_corpus
    from full_w2v.encoding.preparation import Preparation, prepare

    corpus = folder / "corpus.txt"
    corpus.write_text("a b c a\n\na b\nd d d d d d\n")
    prepare(open_corpus(corpus), Preparation(min_count=1, cache=folder / "cache", threads=1))
    (entry,) = (folder / "cache").iterdir()
    return entry


def damage(data: bytes, action: int, place: int, patch: bytes) -> bytes:
    """A file's content with a patch: instead of it, behind it, over a part of it, or in place of its end."""
    at = place % (len(data) + 1)
    return (patch, data + patch, data[:at] + patch + data[at + len(patch) :], data[:at] + patch)[action % 4]


def with_checksum(ids: bytes) -> bytes:
    """An id file whose header has the checksum that it should have."""
    fields = ids[:HEADER_FIELDS]
    return fields + struct.pack("<I", zlib.crc32(fields)) + ids[HEADER_FIELDS + 4 :]


def repair_note(entry: Path) -> None:
    """Makes the note's checksums right, if it is a note."""
    try:
        note = orjson.loads((entry / "note.json").read_bytes())
        for name in FILES[:2]:
            data = (entry / name).read_bytes()
            note["checksums"][name] = [len(data), zlib.crc32(data)]
        (entry / "note.json").write_bytes(orjson.dumps(note))
    except (ValueError, TypeError, KeyError):
        pass


def check_reader(entry: Path, damaged: Path, data: bytes) -> bool:
    """Reads the entry as `data` damages it, in the folder `damaged`; returns whether it was taken."""
    from full_w2v import _native
    from full_w2v.encoding.corpus_cache import _opened

    if len(data) < 3:
        return False
    shutil.copytree(entry, damaged, dirs_exist_ok=True)
    choice, action, place = data[:3]
    path = damaged / FILES[choice % 3]
    content = damage(path.read_bytes(), action, place, data[3:])
    path.write_bytes(with_checksum(content) if choice & 128 and path.name == "ids" else content)
    if choice & 64:
        repair_note(damaged)
    found = _opened(damaged)
    if found is None:
        return False
    vocabulary, corpus = found
    assert 0 < corpus.tokens <= corpus.raw_tokens
    assert vocabulary.raw_tokens >= 0  # perhaps of another corpus
    assert corpus.ids.min() >= 0
    assert corpus.ids.max() < len(vocabulary.words) == len(vocabulary.counts)
    _native.count_pairs(corpus.ids, corpus.offsets, min_count=1, threads=1, parts=1)
    return True


def main() -> None:
    import atheris

    with tempfile.TemporaryDirectory() as name:
        with atheris.instrument_imports(include=["full_w2v"]):
            entry = new_entry(Path(name))
        atheris.Setup(sys.argv, lambda data: check_reader(entry, Path(name, "damaged"), data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
