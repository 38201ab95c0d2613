"""Encoded corpora that are kept: an entry of a folder for each corpus and its settings.

An entry is a folder with the encoded corpus, its vocabulary and a note of their checksums. It is made next to
its final name and renamed when it is complete, so that two processes may make the same one. An entry that is
damaged is rebuilt; a source, setting or format version that changes asks for another entry. Entries that
no process has used for a month are removed, since nothing may ever ask for them again.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
from isal import isal_zlib as zlib

from full_w2v.corpus import Corpus, FileCorpus, ReadSettings
from full_w2v.encoding.encoded_corpus import EncodedCorpus
from full_w2v.encoding.id_file import VERSION as ID_FILE_VERSION
from full_w2v.encoding.vocabulary_file import load_vocabulary, save_vocabulary
from full_w2v.errors import ConfigError, CorpusError, FullW2VError, setting
from full_w2v.output.locks import lock
from full_w2v.output.unfinished import part_folder, part_name, remove_stale_parts
from full_w2v.vocabulary import Vocabulary

VERSION = 2
HASHES = ("sampled", "full")
SAMPLES = 32
SAMPLE_BYTES = 1 << 16
IDS_AT_ONCE = 1 << 24
IDS, WORDS, NOTE = "ids", "vocabulary.jsonl", "note.json"
UNUSED_SECONDS = 30 * 86_400.0
_ENTRY = re.compile(r"[0-9a-f]{32}")

Encoded = tuple[Vocabulary, EncodedCorpus]
# Makes the encoded corpus at the given path.
Build = Callable[[Path], Encoded]


def cached(
    directory: str | os.PathLike[str],
    corpus: Corpus,
    settings: Mapping[str, Any],
    build: Build,
    *,
    hashed: str = "sampled",
) -> Encoded:
    """The vocabulary and the encoded corpus of an entry, which `build` makes if it is not there.

    settings: all that shapes the vocabulary, as JSON values; how the corpus is read is added.
    hashed: "sampled" knows a file by its size, time of change and a hash of 32 pieces; "full" by its size and
        a hash of all of it.
    Raises ConfigError if the corpus has no content to know it by, CorpusError if the entry cannot be written
    and what `build` raises. Then no part of an entry is left behind.
    """
    if hashed not in HASHES:
        raise ConfigError(f"{setting('cache_hash')} must be one of {', '.join(HASHES)}, got {hashed!r}")
    key = {"version": [VERSION, ID_FILE_VERSION], "reading": _reading_key(corpus.reading), **settings}
    key["sources"] = _source_keys(corpus, hashed)
    entry = Path(directory) / hashlib.blake2b(orjson.dumps(key), digest_size=16).hexdigest()
    found = _opened(entry)
    _remove_unused_entries(entry)
    if found is not None:
        return found
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        return _made(entry, build)
    except OSError as error:
        raise CorpusError(f"{directory}: cannot keep the encoded corpus ({error.strerror})") from None


def _made(entry: Path, build: Build) -> Encoded:
    with part_folder(entry) as folder:
        vocabulary, encoded = build(folder / IDS)
        save_vocabulary(vocabulary, folder / WORDS)
        note = {
            "raw_tokens": vocabulary.raw_tokens,
            "checksums": {name: _checksum(folder / name) for name in (IDS, WORDS)},
        }
        (folder / NOTE).write_bytes(orjson.dumps(note))
        _move(folder, entry)
    return vocabulary, replace(encoded, path=entry / IDS)


def _opened(entry: Path) -> Encoded | None:
    """The content of an entry; None if it is missing or incomplete."""
    try:
        note = orjson.loads((entry / NOTE).read_bytes())
        for name in (IDS, WORDS):
            if note["checksums"][name] != _checksum(entry / name):
                return None
        words = load_vocabulary(entry / WORDS)
        encoded = EncodedCorpus.open(entry / IDS)
        if encoded.words != len(words) or not _ids_are_below(encoded, len(words)):
            return None
        with suppress(OSError):  # a folder that may only be read
            os.utime(entry / NOTE)  # when it was last used
        return Vocabulary(words.words, words.counts, int(note["raw_tokens"])), encoded
    except (OSError, ValueError, TypeError, KeyError, FullW2VError):
        return None


def _ids_are_below(encoded: EncodedCorpus, words: int) -> bool:
    """A kernel would follow any other id out of its matrices."""
    for begin in range(0, encoded.tokens, IDS_AT_ONCE):
        ids = encoded.ids[begin : begin + IDS_AT_ONCE]
        if int(ids.min()) < 0 or int(ids.max()) >= words:
            return False
        encoded.release()
    return encoded.tokens > 0


def _remove_unused_entries(own: Path) -> None:
    """Removes the other entries that were not used for long, and what killed processes have left."""
    remove_stale_parts(own.parent)
    with suppress(OSError), os.scandir(own.parent) as found:
        for entry in found:
            if _ENTRY.fullmatch(entry.name) and entry.name != own.name:
                with suppress(OSError):
                    _remove_if_unused(Path(entry.path))


def _remove_if_unused(entry: Path) -> None:
    """Raises OSError if this is not an entry."""
    if time.time() - (entry / NOTE).stat().st_mtime < UNUSED_SECONDS:
        return
    with (entry / IDS).open("rb") as file:
        if not lock(file.fileno()):  # a process has it mapped, or there is no way to tell
            return
        removed = part_name(entry)
        entry.rename(removed)  # so that no process finds half of it
        shutil.rmtree(removed, ignore_errors=True)


def _move(folder: Path, entry: Path) -> None:
    """Gives a folder the entry's name; a whole entry that another process has made meanwhile stays."""
    try:
        folder.rename(entry)
    except OSError:
        if _opened(entry) is not None:
            return
        with part_folder(entry) as damaged:
            entry.rename(damaged / "entry")
        folder.rename(entry)


def _source_keys(corpus: Corpus, hashed: str) -> list[list[Any]]:
    if not isinstance(corpus, FileCorpus) or not all(place.is_regular for place in corpus.places):
        raise ConfigError(f"a cache needs local files, which it can recognise again; got {corpus.name}")
    try:
        return [_file_key(Path(place.path), hashed) for place in corpus.places]
    except OSError as error:
        raise CorpusError(f"{error.filename}: {error.strerror}") from None


def _file_key(path: Path, hashed: str) -> list[Any]:
    status = path.stat()
    size = status.st_size
    with path.open("rb") as file:
        if hashed == "full":
            return [size, _digest(iter(lambda: file.read(1 << 20), b""))]
        # Evenly spaced, the first and the last piece among them.
        places = [i * max(0, size - SAMPLE_BYTES) // (SAMPLES - 1) for i in range(SAMPLES)]
        pieces = (os.pread(file.fileno(), SAMPLE_BYTES, at) for at in sorted(set(places)))
        return [size, status.st_mtime_ns, _digest(pieces)]


def _digest(pieces: Iterator[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _reading_key(reading: ReadSettings) -> dict[str, Any]:
    values = asdict(reading)
    if callable(reading.tokenizer):
        raise ConfigError(
            "a cache cannot recognise a tokenizer that is a Python function; train without the cache"
        )
    if reading.tokenizer is not None:
        values["tokenizer"] = _file_key(Path(reading.tokenizer), "full")
    return values


def vocabulary_key(vocabulary: Vocabulary) -> str:
    """A hash of a vocabulary's words and counts."""
    words: Sequence[str] = vocabulary.words
    return _digest(iter([orjson.dumps(list(words)), vocabulary.counts.tobytes()]))


def _checksum(path: Path) -> list[int]:
    """Size and CRC-32 of a file."""
    checksum = size = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            checksum = zlib.crc32(piece, checksum)
            size += len(piece)
    return [size, checksum]
