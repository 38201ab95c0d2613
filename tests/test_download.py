import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import download

TEXT = b"".join(b"sentence number %d of the corpus\n" % number for number in range(20_000))


class ArchiveServer(ThreadingHTTPServer):
    """Serves one archive on loopback. With `cut`, the next answer breaks off after that many bytes."""

    def __init__(self, archive: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.archive = archive
        self.cut: list[int] = []
        self.busy: list[int] = []
        self.shift = 0
        self.resumable = True
        self.ranges: list[str | None] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: ArchiveServer

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        if self.server.busy:
            self.send_error(self.server.busy.pop(0))
            return
        begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.server.resumable else 0
        body = self.server.archive[begin:]
        self.send_response(206 if self.server.resumable else 200)
        if self.server.resumable:
            size = len(self.server.archive)
            self.send_header("Content-Range", f"bytes {begin + self.server.shift}-{size - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut.pop(0)] if self.server.cut else body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download.time, "sleep", lambda _: None)


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(zip_archive()) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def corpus(server):
    return download.Corpus(
        url=server.url("small.zip"),
        size=len(server.archive),
        sha256=hashlib.sha256(server.archive).hexdigest(),
        text="small.txt",
        members="small",
    )


def zip_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("small", TEXT)
    return buffer.getvalue()


def tar_archive() -> bytes:
    buffer = io.BytesIO()
    half = TEXT.index(b"\n", len(TEXT) // 2) + 1
    contents = {
        "r/train/news.en-1": TEXT[:half],
        "r/heldout/news.en-1": b"other",
        "r/train/news.en-2": TEXT[half:],
    }
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_the_text_is_fetched_verified_and_unpacked(server, corpus, tmp_path):
    text = download.download(corpus, tmp_path / "downloads")
    assert text.read_bytes() == TEXT
    assert sorted(path.name for path in text.parent.iterdir()) == ["small.txt", "small.zip"]
    assert server.ranges == ["bytes=0-"]


def test_a_text_that_is_there_is_not_fetched_again(server, corpus, tmp_path):
    download.download(corpus, tmp_path)
    (tmp_path / "small.zip").unlink()
    assert download.download(corpus, tmp_path).read_bytes() == TEXT
    assert len(server.ranges) == 1


def test_the_named_members_of_a_tar_archive_are_joined_in_order(server, corpus, tmp_path):
    server.archive = tar_archive()
    tar = replace(
        corpus,
        url=server.url("small.tar.gz"),
        size=len(server.archive),
        sha256=hashlib.sha256(server.archive).hexdigest(),
        members="train/news.en-",
    )
    assert download.download(tar, tmp_path).read_bytes() == TEXT


def test_a_broken_connection_is_resumed_where_it_broke(server, corpus, tmp_path):
    server.cut = [1000, 500]
    assert download.download(corpus, tmp_path).read_bytes() == TEXT
    assert server.ranges == ["bytes=0-", "bytes=1000-", "bytes=1500-"]


def test_a_later_run_resumes_what_an_earlier_one_left(server, corpus, tmp_path):
    (tmp_path / "small.zip.part").write_bytes(server.archive[:1234])
    assert download.download(corpus, tmp_path).read_bytes() == TEXT
    assert server.ranges == ["bytes=1234-"]


def test_a_server_that_cannot_resume_starts_again(server, corpus, tmp_path):
    server.resumable = False
    server.cut = [1000]
    assert download.download(corpus, tmp_path).read_bytes() == TEXT
    assert len(server.ranges) == 2


def test_a_connection_that_never_gets_on_fails_and_keeps_the_part(server, corpus, tmp_path):
    server.cut = [1000] + [0] * download.ATTEMPTS
    with pytest.raises(download.DownloadError, match=r"closed after 1000 of .* run again to resume"):
        download.download(corpus, tmp_path)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("small.zip.part", 1000)]


@pytest.mark.parametrize("damage", ["changed", "longer"])
def test_a_wrong_archive_is_refused_and_nothing_kept(server, corpus, tmp_path, damage):
    server.archive = b"x" * corpus.size if damage == "changed" else server.archive + b"x"
    with pytest.raises(download.DownloadError, match=r"expected SHA-256 .* nothing was kept"):
        download.download(corpus, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_part_left_by_another_file_is_refused(corpus, tmp_path):
    (tmp_path / "small.zip.part").write_bytes(b"x" * 1234)
    with pytest.raises(download.DownloadError, match="expected SHA-256"):
        download.download(corpus, tmp_path)
    assert download.download(corpus, tmp_path).read_bytes() == TEXT


def test_no_text_file_appears_when_unpacking_fails(corpus, tmp_path):
    with pytest.raises(download.DownloadError, match="holds no text in files named absent"):
        download.download(replace(corpus, members="absent"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["small.zip"]


def test_an_unknown_address_is_one_line_for_the_user(server, tmp_path, monkeypatch, capsys):
    server.shutdown()
    server.server_close()
    arguments = ["download.py", "text8", "--directory", str(tmp_path), "--mirror", server.url("text8.zip")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as exit_:
        download.main()
    assert str(exit_.value).startswith(f"download.py: {server.url('text8.zip')}: ")
    assert "\n" not in str(exit_.value)
    assert capsys.readouterr().out == ""


def test_an_archive_that_lies_there_damaged_is_refused_and_fetched_by_the_next_run(corpus, tmp_path):
    (tmp_path / "small.zip").write_bytes(b"x" * corpus.size)
    with pytest.raises(download.DownloadError, match=r"expected SHA-256 .* nothing was kept"):
        download.download(corpus, tmp_path)
    assert download.download(corpus, tmp_path).read_bytes() == TEXT


@pytest.mark.parametrize("name", ["small.zip", "small.tar.gz"])
def test_what_cannot_be_unpacked_is_one_clear_error(server, corpus, tmp_path, name):
    damaged = server.archive[:200] if name.endswith("zip") else tar_archive()[:200]
    (tmp_path / name).write_bytes(damaged)
    with pytest.raises(download.DownloadError, match="cannot be unpacked"):
        download.unpack(corpus, tmp_path / name, tmp_path / "small.txt")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_busy_server_is_asked_again(server, corpus, tmp_path):
    server.busy = [503, 429]
    assert download.download(corpus, tmp_path).read_bytes() == TEXT
    server.busy = [404]
    with pytest.raises(download.DownloadError, match="the server answered 404"):
        download.download(corpus, tmp_path / "other")


def test_a_server_that_resumes_elsewhere_is_refused(server, corpus, tmp_path):
    (tmp_path / "small.zip.part").write_bytes(server.archive[:1234])
    server.shift = 1
    with pytest.raises(download.DownloadError, match=r"from 1234 on, the server sent bytes 1235-"):
        download.download(corpus, tmp_path)
    assert (tmp_path / "small.zip.part").read_bytes() == server.archive[:1234]
