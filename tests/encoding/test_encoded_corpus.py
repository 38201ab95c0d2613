"""Encoding: vocabularies and id files, whatever the number of threads, and what is left when it fails."""

import errno
import gc
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from corpora import assert_encodes, decoded, expected_counts, sentences_of, small_blocks
from gensim.models import Word2Vec
from hypothesis import given
from hypothesis import strategies as st

from full_w2v.corpus import open_corpus
from full_w2v.corpus.decompression import zstd
from full_w2v.encoding.encoded_corpus import EncodedCorpus, count_corpus, encode_corpus, encode_with
from full_w2v.errors import ConfigError, CorpusError
from full_w2v.vocabulary import Vocabulary

SENTENCES = [["a", "b", "rare", "a"], ["rarer"], [], ["b", "c", "c", "a"]]


def encoded(min_count=1, **settings):
    return encode_corpus(open_corpus(SENTENCES), min_count=min_count, **settings)


def test_ids_count_and_offsets():
    vocabulary, corpus = encoded(min_count=2)
    assert vocabulary.words == ["a", "b", "c"]
    assert vocabulary.counts.tolist() == [3, 2, 2]
    assert corpus.ids.dtype == np.int32
    assert corpus.offsets.dtype == np.int64
    assert corpus.ids.tolist() == [0, 1, 0, 1, 2, 2, 0]
    assert corpus.offsets.tolist() == [0, 3, 7]  # the sentence of a rare word alone is left out
    assert vocabulary.raw_tokens == corpus.raw_tokens == 9


@pytest.mark.parametrize("name", ["korean_wikipedia", "chinese_wikipedia_characters", "dna_one_line"])
def test_real_text_does_not_depend_on_threads(shared, name):
    path = shared / f"data/other/{name}.txt.zst"
    sentences = sentences_of(zstd.decompress(path.read_bytes()).decode())
    for threads in (1, 2, 4):
        with small_blocks(20_000, 1 << 20):
            assert_encodes(encode_corpus(open_corpus(path), min_count=3, threads=threads), sentences, 3)


@pytest.mark.parametrize("level", ["scalar", "avx2", "avx512"])
def test_real_text_does_not_depend_on_the_instruction_set(shared, level, monkeypatch):
    path = shared / "data/other/korean_wikipedia.txt.zst"
    monkeypatch.setenv("FULL_W2V_SIMD", level)
    sentences = sentences_of(zstd.decompress(path.read_bytes()).decode())
    assert_encodes(encode_corpus(open_corpus(path), min_count=3), sentences, 3)


@given(
    sentences=st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1), min_size=1),
    min_count=st.integers(1, 4),
    limit=st.integers(1, 12),
)
def test_max_final_vocab_keeps_what_gensim_keeps(sentences, min_count, limit):
    model = Word2Vec(vector_size=1, min_count=min_count, max_final_vocab=limit)
    model.build_vocab(sentences)
    expected = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
    if expected:
        vocabulary, _ = encode_corpus(open_corpus(sentences), min_count=min_count, max_final_vocab=limit)
        assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == expected
        assert list(expected_counts(sentences, model.effective_min_count)) == list(expected.items()) or len(
            set(expected.values())
        ) < len(expected)  # gensim leaves the order of ties open
    else:
        with pytest.raises(CorpusError, match="no word occurs"):
            encode_corpus(open_corpus(sentences), min_count=min_count, max_final_vocab=limit)


def test_a_given_vocabulary_drops_other_words():
    vocabulary = Vocabulary(["c", "missing", "a\0", "a"], np.array([4, 3, 2, 1]))
    with encode_with(open_corpus(SENTENCES), vocabulary) as corpus:
        assert decoded(vocabulary, corpus) == [["a", "a"], ["c", "c", "a"]]
        assert corpus.raw_tokens == 9
    with pytest.raises(CorpusError, match="holds no word of the vocabulary"):
        encode_with(open_corpus([["x"]]), vocabulary)


def test_a_counted_corpus_can_be_encoded_again_until_it_is_closed():
    with count_corpus(open_corpus(SENTENCES), min_count=1) as counted:
        first, second = counted.encode(), counted.encode()
    assert first.ids.tolist() == second.ids.tolist()
    with pytest.raises(ValueError, match="closed"):
        counted.encode()


def test_a_kept_file_opens_again(tmp_path):
    vocabulary, corpus = encoded(path=tmp_path / "ids")
    assert corpus.path == tmp_path / "ids"
    again = EncodedCorpus.open(tmp_path / "ids")
    assert again.ids.tolist() == corpus.ids.tolist()
    assert again.offsets.tolist() == corpus.offsets.tolist()
    assert again.raw_tokens == 9
    assert again.words == corpus.words == len(vocabulary) == 5
    with pytest.raises(ValueError, match="read-only"):
        again.ids[0] = 1
    assert os.listdir(tmp_path) == ["ids"]


def test_a_kept_file_has_the_permissions_that_files_have(tmp_path):
    before = os.umask(0o027)
    try:
        encoded(path=tmp_path / "ids")
    finally:
        os.umask(before)
    assert (tmp_path / "ids").stat().st_mode & 0o777 == 0o640


def test_a_kept_file_that_cannot_be_moved_into_place_is_one_clear_error(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(CorpusError, match=f"ids: cannot make .*{os.strerror(errno.EIO)}"):
        encoded(path=tmp_path / "ids")
    assert os.listdir(tmp_path) == []


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "ids"
    encoded(path=path)
    whole = path.read_bytes()
    damaged = [whole[:n] for n in (0, 7, 63, 64, len(whole) - 1)] + [whole + b"\0", b"x" * len(whole)]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(64)]
    last_but_one = (99).to_bytes(8, "little")  # more than the last offset
    damaged.append(whole[:-16] + last_but_one + whole[-8:])
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(CorpusError, match="cannot be used as an encoded corpus"):
            EncodedCorpus.open(path)
    with pytest.raises(CorpusError, match="No such file"):
        EncodedCorpus.open(tmp_path / "none")


def test_temporary_files_are_never_seen(tmp_path):
    with small_blocks(10), count_corpus(open_corpus(SENTENCES), min_count=1, directory=tmp_path) as counted:
        corpus = counted.encode()
        assert corpus.tokens == 9
        assert os.listdir(tmp_path) == []


def deleted_files_in_memory():
    return Path("/proc/self/maps").read_text().count("(deleted)")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="mapped memory is read from Linux's /proc")
def test_released_pages_are_read_again_when_needed(tmp_path):
    _, corpus = encode_corpus(open_corpus([["a", "b"] * 1_000_000]), path=tmp_path / "ids")

    def resident():
        _, _, mapping = Path("/proc/self/smaps").read_text().partition(f"{tmp_path / 'ids'}\n")
        return int(mapping.partition("Rss:")[2].split()[0])

    total = int(corpus.ids.sum())
    assert resident() > 7000
    corpus.release()
    assert resident() < 500
    assert int(corpus.ids.sum()) == total == 1_000_000
    EncodedCorpus.from_sentences([[0]]).release()  # which is not mapped


def test_closing_lets_go_of_the_file():
    _, corpus = encoded()
    ids = corpus.ids
    mapped = deleted_files_in_memory()
    corpus.close()
    assert corpus.tokens == corpus.sentences == 0
    assert ids.tolist()  # an array that is still held stays readable
    del ids
    gc.collect()
    assert deleted_files_in_memory() == mapped - 1


@pytest.mark.parametrize(
    "wrong", [{"min_count": -1}, {"max_final_vocab": 0}, {"threads": -1}, {"min_count": 1.5}]
)
def test_settings_that_are_wrong(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be"):
        encode_corpus(open_corpus(SENTENCES), **wrong)


def test_settings_may_be_numpy_scalars():
    vocabulary, _ = encoded(np.int64(1), max_final_vocab=np.int32(3), threads=np.uint8(1))
    assert vocabulary.words == ["a", "b", "c"]


def test_threads_are_found_where_there_is_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert encoded()[1].tokens == 9


def test_no_word_occurs_often_enough():
    with pytest.raises(
        CorpusError, match=r"no word occurs 5 times or more \(min_count=5\); the most frequent, 'a', occurs 3"
    ):
        encode_corpus(open_corpus(SENTENCES))


def test_a_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(CorpusError, match="cannot make the encoded corpus"):
        encoded(path=tmp_path / "none" / "ids")


# Run in a process of its own: a limit on file sizes stands in for a full disk, as both make writes fail.
FULL_DISK = """
import resource, signal, sys
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.errors import CorpusError
from corpora import small_blocks
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
sentences = [["word"] * 100] * 1000
path = sys.argv[1]
with small_blocks(1000, int(sys.argv[2])):
    try:
        encode_corpus(open_corpus(sentences), path=path or None)
    except CorpusError as error:
        print(error)
"""


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("spill_memory", [0, 1 << 24])
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path, kept, spill_memory):
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    path = tmp_path / "ids" if kept else ""
    run = [sys.executable, "-c", FULL_DISK, str(path), str(spill_memory)]
    output = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert os.strerror(errno.EFBIG) in output
    assert len(output.splitlines()) == 1
    assert os.listdir(tmp_path) == []


INTERRUPTED = """
import sys
from full_w2v.corpus import open_corpus
from full_w2v.encoding.encoded_corpus import encode_corpus
print("counting", flush=True)
encode_corpus(open_corpus([sys.argv[1]] * 1000), min_count=1, threads=2)
"""


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_interrupt_ends_counting_at_once(tmp_path, suffix):
    data = b"".join(b"word%d and more\n" % i for i in range(200_000))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / f"text{suffix}"
    path.write_bytes(gzip.compress(data, 1) if suffix else data)
    folders = {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": os.pathsep.join(sys.path)}
    run = [sys.executable, "-c", INTERRUPTED, str(path)]
    with subprocess.Popen(
        run, env=os.environ | folders, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "counting\n"
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=20)
    assert time.monotonic() - began < 3  # a second, on a machine that is busy with other tests
    assert message.rstrip().endswith("KeyboardInterrupt")
    assert os.listdir(tmp_path / "temporary") == []


def test_an_unknown_instruction_set_is_refused_before_the_corpus_is_read(tmp_path, monkeypatch) -> None:
    (tmp_path / "corpus.txt").write_text("a b\n")
    monkeypatch.setenv("FULL_W2V_SIMD", "AVX512")
    with pytest.raises(ConfigError, match=r"FULL_W2V_SIMD must be one of scalar, .*, got AVX512"):
        encode_corpus(open_corpus(tmp_path / "corpus.txt"))
