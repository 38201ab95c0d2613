"""Formats for other programs: what comes back, who reads it, what is refused."""

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from full_w2v import formats
from full_w2v.embeddings import Embeddings, load_embeddings
from full_w2v.errors import FormatError
from full_w2v.file_formats import suffixes
from full_w2v.formats import check_output, save_embeddings

NEEDS = {".parquet": "pyarrow", ".model2vec": "tokenizers", ".usearch": "usearch"}
KEEPS_COUNTS = {".npz", ".parquet", ".tsv"}
EXPORTS = [
    pytest.param(
        suffix,
        marks=pytest.mark.skipif(
            suffix in NEEDS and importlib.util.find_spec(NEEDS[suffix]) is None,
            reason=f"needs the package {NEEDS.get(suffix)}",
        ),
    )
    for suffix in (".glove.txt", ".npz", ".parquet", ".tsv", ".model2vec", ".usearch")
]
any_words = st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=5, unique=True)


def some_embeddings(words: int = 20, dimension: int = 5, *, counts: bool = True) -> Embeddings:
    vectors = np.random.default_rng(3).standard_normal((words, dimension), dtype=np.float32)
    return Embeddings([f"w{i}" for i in range(words)], vectors, np.arange(words, 0, -1) if counts else None)


def saved(embeddings: Embeddings, path: Path) -> Path:
    save_embeddings(embeddings, path)
    return path


@pytest.mark.parametrize("suffix", EXPORTS)
@pytest.mark.parametrize(("words", "dimension"), [(1, 1), (20, 5), (1025, 3)])
@pytest.mark.parametrize("counts", [False, True])
def test_words_and_vectors_come_back_bit_by_bit(
    tmp_path: Path, suffix: str, words: int, dimension: int, counts: bool
) -> None:
    embeddings = some_embeddings(words, dimension, counts=counts)
    found = load_embeddings(saved(embeddings, tmp_path / f"x{suffix}"))
    assert found.words == embeddings.words
    np.testing.assert_array_equal(found.vectors, embeddings.vectors)
    if counts and suffix in KEEPS_COUNTS:
        np.testing.assert_array_equal(found.counts, embeddings.counts)
    else:
        assert found.counts is None


@pytest.mark.parametrize("suffix", EXPORTS)
@settings(max_examples=60)
@given(words=any_words, counts=st.booleans())
def test_every_word_comes_back_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, words: list[str], counts: bool
) -> None:
    folder = tmp_path_factory.mktemp("words")
    vectors = np.arange(1, 2 * len(words) + 1, dtype=np.float32).reshape(-1, 2)
    embeddings = Embeddings(words, vectors, np.arange(1, len(words) + 1) if counts else None)
    path = folder / f"x{suffix}"
    try:
        save_embeddings(embeddings, path)
    except FormatError:
        assert list(folder.iterdir()) == []
    else:
        found = load_embeddings(path)
        assert list(found.words) == words
        np.testing.assert_array_equal(found.vectors, vectors)
    shutil.rmtree(folder)


HELD = {  # words that a format must hold, and words that it must refuse
    ".glove.txt": (["naïve", "東京", "a\u00a0b", "😀", "\0"], ["new york", "", "a\nb", "\ud800"]),
    ".npz": (["new york", "東京", "", "a\nb", "\ud800"], ["a\0"]),
    ".parquet": (["new york", "東京", "", "a\nb", "a\0"], ["\ud800"]),
    ".tsv": (["new york", "東京", "a\u00a0b", "😀"], ["", " ", "a\tb", "a\nb", "a\u2028b", "\ud800"]),
    ".model2vec": (["naïve", "東京", "😀", "[UNK]", "don't"], ["new york", "", "a\u00a0b", "\ud800"]),
    ".usearch": (["new york", "東京", "", "a\nb", "\ud800", "a\0"], []),
}


@pytest.mark.parametrize("suffix", EXPORTS)
def test_words_that_a_format_can_hold_are_not_refused(tmp_path: Path, suffix: str) -> None:
    held, refused = HELD[suffix]
    embeddings = Embeddings(held, np.eye(len(held), dtype=np.float32))
    assert list(load_embeddings(saved(embeddings, tmp_path / f"x{suffix}")).words) == held
    for word in refused:
        with pytest.raises(FormatError, match=r"the word .*save as|UTF-8 cannot"):
            save_embeddings(Embeddings([word], [[1.0]]), tmp_path / f"refused{suffix}")


@pytest.mark.parametrize("suffix", EXPORTS)
def test_a_failed_write_leaves_the_older_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix != ".model2vec":
        saved(some_embeddings(), path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    bad = HELD[suffix][1]
    if bad:
        with pytest.raises(FormatError):
            save_embeddings(Embeddings([bad[-1]], [[1.0]]), path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before
    saved(some_embeddings(3), path)
    assert len(load_embeddings(path)) == 3


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the package tokenizers")
    path = tmp_path / "x.model2vec"
    path.mkdir()
    saved(some_embeddings(), path)  # an empty one may be filled
    for act in (lambda: check_output(path), lambda: save_embeddings(some_embeddings(), path)):
        with pytest.raises(FileExistsError, match="remove it or choose another name"):
            act()
    for act in (
        lambda: check_output(tmp_path / "no" / "x.model2vec"),
        lambda: save_embeddings(some_embeddings(), tmp_path / "no" / "x.model2vec"),
    ):
        with pytest.raises(FileNotFoundError, match="the folder of the output does not exist"):
            act()


@pytest.mark.parametrize("suffix", [".parquet", ".model2vec", ".usearch"])
def test_a_missing_package_is_named_before_any_work(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    for act in (check_output, load_embeddings):
        with pytest.raises(FormatError, match=rf"needs the package {NEEDS[suffix]}; pip install"):
            act(f"x{suffix}")


@pytest.mark.parametrize("suffix", EXPORTS)
@pytest.mark.parametrize("content", [b"", b"nonsense\n\xff", b"\x93NUMPY"])
def test_a_damaged_file_is_a_format_error(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".model2vec":
        path.mkdir()
        for name in ("tokenizer.json", "model.safetensors"):
            (path / name).write_bytes(content)
    else:
        path.write_bytes(content)
        (tmp_path / "x.metadata.tsv").write_bytes(b"a\n")
        (tmp_path / "x.usearch.json").write_bytes(b'["a"]')
    with pytest.raises(FormatError):
        load_embeddings(path)
    with pytest.raises(FileNotFoundError):
        load_embeddings(tmp_path / f"missing{suffix}")


def test_every_suffix_is_tested() -> None:
    assert {param.values[0] for param in EXPORTS} <= set(suffixes())


# Other programs


def test_numpy_reads_the_arrays_without_pickle(tmp_path: Path) -> None:
    embeddings = some_embeddings()
    with np.load(saved(embeddings, tmp_path / "x.npz"), allow_pickle=False) as arrays:
        assert sorted(arrays) == ["counts", "vectors", "words"]
        assert arrays["words"].tolist() == list(embeddings.words)
        np.testing.assert_array_equal(arrays["vectors"], embeddings.vectors)


def test_gensim_reads_glove_text(tmp_path: Path) -> None:
    embeddings = some_embeddings()
    path = saved(embeddings, tmp_path / "x.glove.txt")
    keyed = KeyedVectors.load_word2vec_format(str(path), no_header=True)
    assert keyed.index_to_key == list(embeddings.words)
    np.testing.assert_array_equal(keyed.vectors, embeddings.vectors)


def test_arrow_reads_the_table(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the package pyarrow")
    embeddings = some_embeddings()
    table = pq.read_table(saved(embeddings, tmp_path / "x.parquet"))
    assert [str(field.type) for field in table.schema] == [
        "string",
        "fixed_size_list<element: float>[5]",
        "int64",
    ]
    assert table["word"].to_pylist() == list(embeddings.words)
    assert table["vector"].to_pylist()[7] == embeddings.vectors[7].tolist()


def test_the_projectors_files_have_a_line_a_word(tmp_path: Path) -> None:
    embeddings = some_embeddings(3, 2)
    path = saved(embeddings, tmp_path / "x.tsv")
    assert (tmp_path / "x.metadata.tsv").read_text() == "word\tcount\nw0\t3\nw1\t2\nw2\t1\n"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    np.testing.assert_array_equal(np.array(rows, np.float32), embeddings.vectors)
    saved(some_embeddings(2, 2, counts=False), path)
    assert (tmp_path / "x.metadata.tsv").read_text() == "w0\nw1\n"  # one column has no first line


def test_an_index_finds_the_nearest_words(tmp_path: Path) -> None:
    index = pytest.importorskip("usearch.index", reason="needs the package usearch")
    embeddings = some_embeddings(200, 8)
    found = index.Index.restore(str(saved(embeddings, tmp_path / "x.usearch")))
    words = json.loads((tmp_path / "x.usearch.json").read_text())
    nearest = [words[key] for key in found.search(embeddings.vector("w7"), 6).keys]
    assert nearest[0] == "w7"
    expected = {word for word, _ in embeddings.neighbours("w7", 5)}
    assert len(expected & set(nearest)) >= 4  # the index is approximate


def sentence_means(embeddings: Embeddings) -> tuple[list[str], Any]:
    texts = ["w1 w2  w3", "w7", "w1 nothing w2"]
    means = [[1, 2, 3], [7], [1, 2]]
    return texts, np.array([embeddings.vectors[ids].mean(axis=0) for ids in means])


def test_tokens_of_the_folder_are_rows(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="needs the package tokenizers")
    embeddings = some_embeddings()
    path = saved(embeddings, tmp_path / "x.model2vec")
    tokenizer = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    assert tokenizer.encode(" ".join(embeddings.words)).ids == list(range(len(embeddings)))
    assert tokenizer.encode("w3 nothing").ids == [3, len(embeddings)]


def test_model2vec_loads_the_folder(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec", reason="needs the package model2vec")
    embeddings = some_embeddings()
    model = model2vec.StaticModel.from_pretrained(saved(embeddings, tmp_path / "x.model2vec"))
    texts, means = sentence_means(embeddings)
    np.testing.assert_allclose(model.encode(texts), means, rtol=1e-6)


def test_sentence_transformers_loads_the_folder(tmp_path: Path) -> None:
    module = pytest.importorskip("sentence_transformers", reason="needs the package sentence_transformers")
    embeddings = some_embeddings()
    model = module.SentenceTransformer(str(saved(embeddings, tmp_path / "x.model2vec")), device="cpu")
    texts, means = sentence_means(embeddings)
    found = model.encode(texts)
    # An unknown word adds a row of zeros to the mean, which changes its length and not its direction.
    cosines = (found * means).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(means, axis=1)
    np.testing.assert_allclose(cosines, 1, rtol=1e-6)


def test_spacy_reads_the_text_with_any_words_of_unicode(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="needs the package spacy")
    from spacy.training.initialize import convert_vectors

    words = ["naïve", "東京", "a\u00a0b", "😀", "don't"]
    embeddings = Embeddings(words, np.random.default_rng(1).standard_normal((5, 4), dtype=np.float32))
    language = spacy.blank("xx")
    convert_vectors(language, saved(embeddings, tmp_path / "x.vec"), truncate=0, prune=-1)
    for word in words:
        np.testing.assert_array_equal(language.vocab.get_vector(word), embeddings.vector(word))
