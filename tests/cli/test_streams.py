"""Outputs that are not regular files: devices, pipes, descriptors and standard output."""

import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from programs import PROGRAM, TINY, Command

import full_w2v
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import encode_corpus
from full_w2v.encoding.vocabulary_file import load_vocabulary
from full_w2v.errors import CorpusError
from full_w2v.output.streams import stream_at

ONE_FILE = (".txt", ".vec", ".glove.txt", ".bin", ".kv", ".safetensors", ".npz", ".parquet")
SEVERAL_FILES = (".tsv", ".usearch", ".model2vec")
# What each command gets ahead of --output; CORPUS and MODEL stand for files.
COMMANDS = {
    "vocabulary": ["vocabulary", "CORPUS", "--quiet"],
    "phrases": ["phrases", "CORPUS", "--quiet"],
    "train": ["train", "CORPUS", "--quiet", *TINY],
    "convert": ["convert", "MODEL"],
}
KINDS = ("device", "pipe", "link to a device", "link to a pipe")


def make(kind: str, path: Path) -> Path:
    """A device or pipe, or a link to one, under a name with the path's suffix."""
    real = path.with_name(f"real{path.name}") if kind.startswith("link") else path
    if "pipe" in kind:
        os.mkfifo(real)
    elif os.geteuid() == 0:
        os.mknod(real, 0o666 | stat.S_IFCHR, os.makedev(1, 3))  # another /dev/null
    else:
        real.symlink_to(os.devnull)
    if real != path:
        path.symlink_to(real.name)
    return path


class Reader:
    """Reads what is written to a pipe, in a thread, since opening it waits for the writer."""

    def __init__(self, path: Path) -> None:
        self._path, self._found = path, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        self._found = self._path.read_bytes()

    def finish(self) -> bytes:
        self._thread.join(30)
        assert not self._thread.is_alive(), "nothing was written to the pipe"
        return self._found


@pytest.fixture
def arguments(corpus: Path, embeddings: Path, request: pytest.FixtureRequest) -> list[str]:
    files = {"CORPUS": str(corpus), "MODEL": str(embeddings)}
    return [files.get(argument, argument) for argument in COMMANDS[request.param]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arguments", COMMANDS, indirect=True)
def test_a_device_or_pipe_is_written_to_and_stays(command: Command, tmp_path, arguments, kind):
    expected = tmp_path / "expected.txt"
    option = [] if arguments[0] == "convert" else ["--output"]
    assert command(*arguments, *option, expected).code == 0
    path = make(kind, tmp_path / "x.txt")
    before = path.lstat(), path.stat()
    reader = Reader(path) if "pipe" in kind else None
    assert command(*arguments, *option, path).code == 0
    assert [(s.st_ino, s.st_mode, s.st_rdev) for s in before] == [
        (s.st_ino, s.st_mode, s.st_rdev) for s in (path.lstat(), path.stat())
    ]
    if reader:
        assert reader.finish() == expected.read_bytes()


@pytest.mark.parametrize("suffix", ONE_FILE)
def test_a_pipe_receives_every_format_of_one_file(tmp_path, embeddings, suffix):
    path = make("pipe", tmp_path / f"x{suffix}")
    reader = Reader(path)
    model = full_w2v.Embeddings.load(embeddings)
    model.save(path)
    (tmp_path / f"copy{suffix}").write_bytes(reader.finish())
    found = full_w2v.Embeddings.load(tmp_path / f"copy{suffix}")
    assert found.words == model.words
    assert found.vectors.tobytes() == model.vectors.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", SEVERAL_FILES)
def test_formats_of_several_files_refuse_it_before_any_work(command: Command, tmp_path, corpus, suffix, kind):
    path = make(kind, tmp_path / f"x{suffix}")
    before = path.lstat()
    done = command("train", corpus, "--output", path, "--epochs", 1000, "--vector-size", 8)
    assert done.code == 1
    assert "exists" in done.error or "is not a regular file" in done.error
    assert path.lstat().st_ino == before.st_ino


def test_a_second_file_that_is_a_device_is_refused_before_any_work(command: Command, tmp_path, corpus):
    device = make("device", tmp_path / "x.metadata.tsv")
    done = command("train", corpus, "--output", tmp_path / "x.tsv", "--epochs", 1000)
    assert "x.metadata.tsv: is not a regular file" in done.error
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("subcommand", ["vocabulary", "phrases"])
def test_standard_output_is_written_where_it_stands(tmp_path, corpus, name, subcommand):
    program = [*PROGRAM, subcommand, corpus, "--quiet", "--output"]
    assert subprocess.run([*program, tmp_path / "expected"], check=True).returncode == 0
    expected = (tmp_path / "expected").read_bytes()
    if name == "link":
        (tmp_path / "link").symlink_to("/dev/stdout")
    piped = subprocess.run([*program, name], cwd=tmp_path, stdout=subprocess.PIPE, check=True)
    assert piped.stdout == expected
    with (tmp_path / "log").open("wb") as log:
        log.write(b"first\n")
        log.flush()
        subprocess.run([*program, name], cwd=tmp_path, stdout=log, check=True)
        log.write(b"last\n")
    assert (tmp_path / "log").read_bytes() == b"first\n" + expected + b"last\n"
    assert sorted(os.listdir(tmp_path)) == sorted(
        {"corpus.txt", "expected", "log", *(["link"] * (name == "link"))}
    )


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_vectors_on_standard_output_are_nothing_but_vectors(tmp_path, corpus, options):
    (tmp_path / "out.vec").symlink_to("/dev/stdout")
    program = [*PROGRAM, "train", corpus, *map(str, TINY), *options, "--output"]
    done = subprocess.run([*program, tmp_path / "out.vec"], capture_output=True, check=True)
    subprocess.run([*program, tmp_path / "expected.vec"], capture_output=True, check=True)
    assert done.stdout == (tmp_path / "expected.vec").read_bytes()
    assert b"40" in done.stderr  # the summary


def test_another_descriptor_is_written_to(tmp_path, corpus):
    reading, writing = os.pipe()
    program = [*PROGRAM, "vocabulary", corpus, "--quiet", "--output", f"/dev/fd/{writing}"]
    subprocess.run(program, pass_fds=[writing], check=True)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        (tmp_path / "v.txt").write_bytes(pipe.read())
    assert len(load_vocabulary(tmp_path / "v.txt")) == 40


@pytest.mark.parametrize(
    ("name", "closed"), [("/dev/fd/0", False), ("/dev/fd/77", False), ("-", True), ("/dev/stdout", True)]
)
def test_a_descriptor_that_cannot_be_written_is_refused_before_any_work(tmp_path, name, closed):
    redirected = "< /dev/null" + (" >&-" if closed else "")
    script = f'exec "$0" "$@" {redirected}'
    pipe = tmp_path / "corpus"
    os.mkfifo(pipe)  # reading it would never end
    program = ["sh", "-c", script, *PROGRAM, "phrases", pipe, "--output", name]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert ("standard output" if name == "-" else name) in done.stderr


def test_a_reader_of_a_pipe_that_leaves_early_is_an_error_and_of_standard_output_the_end(tmp_path, corpus):
    pipe = make("pipe", tmp_path / "pipe")
    done = subprocess.Popen(
        [*PROGRAM, "phrases", corpus, "--output", pipe, "--quiet"], stderr=subprocess.PIPE, text=True
    )
    os.close(os.open(pipe, os.O_RDONLY))
    _, said = done.communicate(timeout=60)
    assert (done.returncode, said) in {
        (1, f"full-w2v: error: {pipe}: its reader closed it before the end\n"),
        (0, ""),  # where all fitted into the pipe before
    }
    script = '"$@" phrases "$0" --quiet --output - | head -n 1'
    shell = subprocess.run(["bash", "-c", f"set -o pipefail; {script}", corpus, *PROGRAM],
                           capture_output=True, check=False)  # fmt: skip
    assert (shell.returncode, shell.stderr) == (0, b"")


def test_a_file_that_is_read_is_not_written_to_through_a_descriptor(corpus):
    with corpus.open("ab") as file:
        program = [*PROGRAM, "phrases", corpus, "--output", "/dev/stdout"]
        done = subprocess.run(program, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "is an input and would be written to" in done.stderr


def test_an_encoded_corpus_is_not_written_to_a_device(tmp_path):
    device = make("device", tmp_path / "ids")
    with pytest.raises(CorpusError, match=r"ids: .*is not a regular file"):
        encode_corpus(open_corpus([["a"]]), min_count=1, path=device)
    assert stat.S_ISCHR(device.stat().st_mode)


def test_the_drop_in_refuses_to_save_onto_a_device(tmp_path):
    pytest.importorskip("gensim")
    device = make("device", tmp_path / "model")
    model = full_w2v.Word2Vec([["a", "b"]] * 10, vector_size=4, min_count=1)
    with pytest.raises(OSError, match="is not a regular file"):
        model.save(device)
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.parametrize("suffix", [*ONE_FILE, ".tsv", ".usearch"])
@pytest.mark.parametrize("exists", [True, False])
def test_links_are_written_through_and_stay_for_every_file_of_a_format(tmp_path, embeddings, suffix, exists):
    model = full_w2v.Embeddings.load(embeddings)
    far = tmp_path / "far"
    far.mkdir()
    second = {".tsv": "x.metadata.tsv", ".usearch": "x.usearch.json"}.get(suffix)
    names = [f"x{suffix}", *([second] if second else [])]
    for name in names:
        (tmp_path / name).symlink_to(Path("far") / name)
        if exists:
            (far / name).write_bytes(b"older")
            (far / name).chmod(0o640)
    model.save(tmp_path / names[0])
    assert all((tmp_path / name).is_symlink() for name in names)
    assert sorted(os.listdir(far)) == sorted(names)
    assert full_w2v.Embeddings.load(tmp_path / names[0]).words == model.words
    if exists:
        assert {stat.S_IMODE((far / name).stat().st_mode) for name in names} == {0o640}


def test_only_what_is_not_a_file_is_a_stream(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    assert [stream_at(tmp_path / name) for name in ("file", "link", "loop", "new", "")] == [None] * 5
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null", "/dev/fd/2", "-"):
        assert stream_at(path) is not None
