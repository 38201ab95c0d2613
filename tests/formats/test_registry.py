"""Formats: what derives from their table, for one that is registered only here."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest
from samples import assert_same, some_embeddings

from full_w2v import file_formats
from full_w2v.cli import main
from full_w2v.corpus import open_corpus
from full_w2v.embeddings import load_embeddings
from full_w2v.errors import ConfigError, FormatError
from full_w2v.file_formats import FileFormat
from full_w2v.formats import check_words, load_model, save_embeddings, save_model
from full_w2v.formats.format import Format, one_file
from full_w2v.formats.load_options import LoadOptions
from full_w2v.word_vectors import WordVectors


def check(words: Sequence[str]) -> None:
    if "" in words:
        raise FormatError("the toy format holds no empty words")


def save(vectors: WordVectors, file: BinaryIO) -> None:
    check(vectors.words)
    rows = zip(vectors.words, vectors.vectors.tolist(), strict=True)
    file.write(json.dumps(dict(rows)).encode())


def load(path: Path, options: LoadOptions) -> WordVectors:
    rows = json.loads(path.read_bytes())
    return options.vectors(list(rows), list(rows.values()))


FORMAT = Format(one_file(save), load, check)
TOY = FileFormat(".toy", f"{__name__}:FORMAT", "toy vectors")


@pytest.fixture
def toy() -> Iterator[FileFormat]:
    file_formats.register(TOY)
    yield TOY
    file_formats.unregister(TOY)


@pytest.mark.usefixtures("toy")
def test_a_registered_format_is_written_and_read(tmp_path: Path) -> None:
    embeddings, path = some_embeddings(), tmp_path / "x.toy"
    embeddings.save(path)
    assert_same(load_embeddings(path), embeddings)
    assert len(load_embeddings(path, limit=3)) == 3
    with pytest.raises(FormatError, match="the toy format holds no empty words"):
        check_words(path, ["a", ""])
    with pytest.raises(FormatError, match=r"x\.toy: holds word vectors only"):
        load_model(path)


@pytest.mark.usefixtures("toy")
def test_the_command_line_knows_a_registered_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "x.bin", tmp_path / "y.toy"
    some_embeddings().save(source)
    assert main(["convert", str(source), str(target)]) == 0
    assert_same(load_embeddings(target), some_embeddings())
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    assert " .toy" in capsys.readouterr().out


@pytest.mark.usefixtures("toy")
def test_a_folder_read_as_a_corpus_passes_files_of_a_registered_format_over(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("red green blue\n")
    some_embeddings().save(tmp_path / "x.toy")
    assert [Path(name).name for name in open_corpus(tmp_path).files] == ["text.txt"]


def test_a_format_leaves_with_its_registration(tmp_path: Path, toy: FileFormat) -> None:
    with pytest.raises(ConfigError, match=r"a format with the suffix '\.toy' is already registered"):
        file_formats.register(toy)
    file_formats.unregister(toy)
    try:
        with pytest.raises(FormatError, match=r"expected a name that ends in \.txt, \.vec, \.bin, "):
            save_embeddings(some_embeddings(), tmp_path / "x.toy")
    finally:
        file_formats.register(toy)


def test_only_formats_of_models_hold_models(tmp_path: Path) -> None:
    from samples import some_model

    for suffix in (".safetensors", ".npz"):
        save_model(some_model(), tmp_path / f"m{suffix}")
    assert load_model(tmp_path / "m.safetensors").config == some_model().config
    with pytest.raises(FormatError, match="holds word vectors only"):
        load_model(tmp_path / "m.npz")
