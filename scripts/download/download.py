"""Fetches a public corpus from its official place into data/downloads: resumes, verifies, unpacks.

    python scripts/download/download.py text8
    python scripts/download/download.py one-billion-words

An interrupted download is taken up where it stopped, by itself or when the command is run again. Nothing gets
its final name before its SHA-256 and its size are right. Needs Python alone.
"""

import argparse
import hashlib
import shutil
import ssl
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

DOWNLOADS = Path(__file__).resolve().parents[2] / "data" / "downloads"
BLOCK = 1 << 20
ATTEMPTS = 5  # without any progress
TIMEOUT_SECONDS = 60
# Errors that a second attempt may cure; a full disk is not one of them.
NETWORK_ERRORS = (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
# Answers of a server that is overloaded or restarting.
PASSING_ANSWERS = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
UNREADABLE = (zipfile.BadZipFile, tarfile.ReadError, EOFError, zlib.error)


@dataclass(frozen=True)
class Corpus:
    """A public corpus: the archive that is fetched and the text that is unpacked from it.

    size: of the archive, in bytes. text: name of the unpacked file.
    members: what stands in the paths of those files in the archive that make up the text, one after another.
    """

    url: str
    size: int
    sha256: str
    text: str
    members: str

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return self.url.rpartition("/")[2]


# Sizes and checksums as several independent public projects pin them (TensorFlow Datasets among them for
# the second): the official places publish none for the archives.
CORPORA = {
    "text8": Corpus(
        url="http://mattmahoney.net/dc/text8.zip",
        size=31_344_016,
        sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
        text="text8",
        members="text8",
    ),
    "one-billion-words": Corpus(
        url="https://www.statmt.org/lm-benchmark/1-billion-word-language-modeling-benchmark-r13output.tar.gz",
        size=1_792_209_805,
        sha256="01ba60381110baf7f189dfd2b8374de371e8c9a340835793f190bdae9e90a34e",
        text="one-billion-words.txt",
        members="training-monolingual.tokenized.shuffled/news.en-",
    ),
}


class DownloadError(Exception):
    """A corpus could not be fetched. The message is one line for the user."""


def download(corpus: Corpus, directory: Path) -> Path:
    """The corpus's text file in `directory`, fetched and unpacked at need.

    Raises DownloadError if the archive cannot be had or is not the expected one.
    """
    text = directory / corpus.text
    if text.exists():
        return text
    directory.mkdir(parents=True, exist_ok=True)
    archive = directory / corpus.archive
    if archive.exists():
        verify(corpus, archive)
    else:
        fetch(corpus, archive)
    unpack(corpus, archive, text)
    return text


def fetch(corpus: Corpus, archive: Path) -> None:
    """Downloads the archive next to its final place, resuming what is there, verifies it and moves it."""
    part = archive.with_name(archive.name + ".part")
    failures = 0
    while (have := size_of(part)) < corpus.size:
        try:
            append_rest(corpus, part, have)
        except NETWORK_ERRORS as error:
            if isinstance(error, urllib.error.HTTPError) and error.code not in PASSING_ANSWERS:
                raise DownloadError(
                    f"{corpus.url}: the server answered {error.code} {error.reason}"
                ) from error
            failures = 1 if size_of(part) > have else failures + 1
            if failures == ATTEMPTS:
                raise DownloadError(f"{corpus.url}: {error}; run again to resume") from error
            time.sleep(failures)
    verify(corpus, part)
    part.replace(archive)


def size_of(path: Path) -> int:
    """Bytes in a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def append_rest(corpus: Corpus, part: Path, have: int) -> None:
    """Appends to `part`, which has `have` bytes, what it lacks; begins anew if the server cannot resume."""
    request = urllib.request.Request(corpus.url, headers={"Range": f"bytes={have}-"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if response.status == HTTPStatus.PARTIAL_CONTENT:
            check_range(corpus, response, have)
        mode = "ab" if response.status == HTTPStatus.PARTIAL_CONTENT else "wb"
        with part.open(mode) as file:
            copy(response, file, corpus.size)
    if size_of(part) < corpus.size:
        raise ConnectionError(f"connection closed after {size_of(part)} of {corpus.size} bytes")


def check_range(corpus: Corpus, response: HTTPResponse, have: int) -> None:
    """Raises DownloadError unless a partial answer begins where the part ends."""
    sent = response.headers.get("Content-Range", "nothing")
    if not sent.startswith(f"bytes {have}-"):
        raise DownloadError(f"{corpus.url}: asked for the bytes from {have} on, the server sent {sent}")


def copy(response: HTTPResponse, file: IO[bytes], size: int) -> None:
    """Copies a response to a file and shows on stderr how much of `size` is there."""
    while block := response.read(BLOCK):
        file.write(block)
        if sys.stderr.isatty():
            print(f"\r{file.tell() / size:7.1%} of {size / 1e6:,.0f} MB", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def verify(corpus: Corpus, part: Path) -> None:
    """Deletes `part` and raises DownloadError unless its SHA-256 is the corpus's."""
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    if digest.hexdigest() != corpus.sha256:
        part.unlink()
        raise DownloadError(
            f"{corpus.url}: expected SHA-256 {corpus.sha256}, got {digest.hexdigest()}; nothing was kept"
        )


def unpack(corpus: Corpus, archive: Path, text: Path) -> None:
    """Writes the archive's members, one after another, aside and moves the result to `text`."""
    part = text.with_name(text.name + ".part")
    try:
        with part.open("wb") as file:
            for member in members(archive, corpus.members):
                shutil.copyfileobj(member, file, BLOCK)
        if size_of(part) == 0:
            raise DownloadError(f"{archive}: holds no text in files named {corpus.members}")
        part.replace(text)
    except UNREADABLE as error:
        raise DownloadError(f"{archive}: cannot be unpacked ({error}); delete it and run again") from error
    finally:
        part.unlink(missing_ok=True)


def members(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """The archive's files with `name` in their path, each open for reading until the next."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as file:
            for item in file.namelist():
                if name in item:
                    with file.open(item) as member:
                        yield member
    else:
        with tarfile.open(archive, "r|gz") as file:
            for entry in file:
                if name in entry.name and (member := file.extractfile(entry)):
                    yield member


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--directory", type=Path, default=DOWNLOADS, help="default: %(default)s")
    parser.add_argument("--mirror", metavar="URL", help="fetch the same archive from elsewhere")
    args = parser.parse_args()
    corpus = CORPORA[args.corpus]
    if args.mirror:
        corpus = replace(corpus, url=args.mirror)
    try:
        print(download(corpus, args.directory))
    except (DownloadError, OSError) as error:
        sys.exit(f"download.py: {error}")
    except KeyboardInterrupt:
        sys.exit("download.py: interrupted; run again to resume")


if __name__ == "__main__":
    main()
