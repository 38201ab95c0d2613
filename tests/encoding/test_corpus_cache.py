"""The cache of encoded corpora: what it knows again, and what it makes anew."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import two_groups
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import full_w2v
from full_w2v.corpus import open_corpus
from full_w2v.encoding import corpus_cache as cache
from full_w2v.encoding.preparation import Preparation, prepare
from full_w2v.errors import ConfigError, CorpusError
from full_w2v.output.unfinished import part_folder
from full_w2v.vocabulary import Vocabulary


@pytest.fixture
def corpus(tmp_path):
    return two_groups.write(tmp_path / "corpus.txt")


@pytest.fixture
def reads(monkeypatch):
    """Names of the corpora that were counted."""
    names = []
    from full_w2v.corpus import FileCorpus

    count = FileCorpus.count

    def counted(self, *arguments):
        names.append(self.name)
        return count(self, *arguments)

    monkeypatch.setattr(FileCorpus, "count", counted)
    return names


def run(source, folder, *, reading=None, **wanted):
    prepared = prepare(open_corpus(source, **(reading or {})), Preparation(cache=folder, **wanted))
    return prepared.vocabulary, prepared.encoded


def content(found):
    vocabulary, encoded = found
    return (
        list(vocabulary.words),
        vocabulary.counts.tolist(),
        vocabulary.raw_tokens,
        encoded.ids.tolist(),
        encoded.offsets.tolist(),
        encoded.raw_tokens,
    )


def test_an_entry_is_found_again(tmp_path, corpus, reads):
    folder = tmp_path / "deep" / "cache"
    made = content(run(corpus, folder))
    found = run(corpus, folder)
    assert content(found) == made
    assert len(reads) == 1
    (entry,) = folder.iterdir()
    assert found[1].path == entry / "ids"
    plain = prepare(open_corpus(corpus), Preparation())
    assert content((plain.vocabulary, plain.encoded)) == made


def test_training_from_the_cache_gives_the_same_vectors(tmp_path, corpus, reads):
    models = [
        full_w2v.train(corpus, vector_size=8, epochs=1, threads=1, cache=folder).model
        for folder in (None, tmp_path / "cache", tmp_path / "cache")
    ]
    assert len(reads) == 2
    for model in models[1:]:
        np.testing.assert_array_equal(model.input, models[0].input)


CHANGES = {
    "min_count": {"min_count": 2},
    "max_final_vocab": {"max_final_vocab": 30},
    "lower case": {"reading": {"lowercase": True}},
    "spans": {"reading": {"sentences": 7}},
    "vocabulary": {"vocabulary": Vocabulary.from_counts({"a1": 3})},
    "full hash": {"cache_hash": "full"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_that_changes_asks_for_another_entry(tmp_path, corpus, reads, change):
    for wanted in ({}, CHANGES[change], {}, CHANGES[change]):
        run(corpus, tmp_path / "cache", **wanted)
    assert len(reads) == 2
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_source_that_changes_asks_for_another_entry(tmp_path, corpus, reads):
    folder = tmp_path / "cache"
    run(corpus, folder)
    text = corpus.read_text()
    corpus.write_text(text.replace("a1 ", "a2 ", 1))
    assert run(corpus, folder)[0].counts.tolist() != run([corpus, corpus], folder)[0].counts.tolist()
    assert len(reads) == 3


def test_a_full_hash_knows_what_a_new_time_hides(tmp_path, corpus, reads):
    for hashed, expected in (("full", 1), ("sampled", 3)):
        run(corpus, tmp_path / "cache", cache_hash=hashed)
        os.utime(corpus, ns=(1, len(reads)))
        run(corpus, tmp_path / "cache", cache_hash=hashed)
        assert len(reads) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    name=st.sampled_from(["ids", "vocabulary.jsonl", "note.json"]),
    at=st.integers(0, 10**6),
    byte=st.integers(1, 255),
    how=st.sampled_from(["change", "cut", "grow", "missing", "foreign"]),
)
def test_a_damaged_entry_is_made_anew(tmp_path, corpus, reads, name, at, byte, how):
    folder = tmp_path / "cache"
    made = content(run(corpus, folder))
    (entry,) = folder.iterdir()
    data = bytearray((entry / name).read_bytes())
    at %= len(data)
    if how == "change":
        data[at] ^= byte
    damaged = {"cut": data[:at], "grow": data + b"x", "foreign": b"something else"}.get(how, data)
    (entry / name).write_bytes(damaged)
    if how == "missing":
        (entry / name).unlink()
    before = len(reads)
    assert content(run(corpus, folder)) == made
    assert len(reads) == before + 1
    assert list(folder.iterdir()) == [entry]


def test_an_id_that_is_too_large_is_never_taken(tmp_path, corpus, reads):
    """Even with checksums that fit, as someone who forges an entry could write them."""
    folder = tmp_path / "cache"
    run(corpus, folder)
    (entry,) = folder.iterdir()
    data = bytearray((entry / "ids").read_bytes())
    data[64:68] = (10**6).to_bytes(4, "little")
    (entry / "ids").write_bytes(data)
    note = json.loads((entry / "note.json").read_text())
    note["checksums"]["ids"] = cache._checksum(entry / "ids")
    (entry / "note.json").write_text(json.dumps(note))
    assert run(corpus, folder)[1].ids.max() < 40
    assert len(reads) == 2


RACE = """
import sys
from full_w2v.corpus import open_corpus
from full_w2v.encoding.preparation import Preparation, prepare
prepared = prepare(open_corpus(sys.argv[1]), Preparation(cache=sys.argv[2], threads=1))
print(prepared.encoded.tokens, int(prepared.encoded.ids.sum()))
"""


def test_processes_that_make_the_same_entry_do_not_hurt_each_other(tmp_path, corpus):
    folder = tmp_path / "cache"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", RACE, str(corpus), str(folder)]
    processes = [subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
    results = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(results) == 1
    assert len(list(folder.iterdir())) == 1


def test_an_entry_that_was_made_meanwhile_stays(tmp_path, corpus):
    folder = tmp_path / "cache"
    run(corpus, folder)
    (entry,) = folder.iterdir()
    inode = (entry / "ids").stat().st_ino
    with part_folder(entry) as late:
        (late / "ids").write_bytes(b"")
        cache._move(late, entry)
    assert (entry / "ids").stat().st_ino == inode


@pytest.mark.parametrize(
    "step",
    [
        "full_w2v.encoding.id_file.atomic_file",
        "full_w2v.encoding.corpus_cache.save_vocabulary",
        "full_w2v.encoding.corpus_cache._move",
    ],
)
def test_a_full_disk_leaves_nothing_behind(tmp_path, corpus, monkeypatch, step):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(step, full)
    with pytest.raises(CorpusError, match="No space left on device") as error:
        run(corpus, tmp_path / "cache")
    assert "\n" not in str(error.value)
    assert list((tmp_path / "cache").iterdir()) == []


def unused_for(days, entry):
    then = time.time() - days * 86_400
    os.utime(entry / "note.json", (then, then))


def test_entries_that_nothing_used_for_a_month_are_removed(tmp_path, corpus):
    folder = tmp_path / "cache"
    entries = []
    for least in (1, 2, 3):
        run(corpus, folder, min_count=least)
        entries += set(folder.iterdir()) - set(entries)
    for entry, days in zip(entries, (31, 29, 31), strict=True):
        unused_for(days, entry)
    others = [folder / "notes", folder / ("f" * 31), folder / ("e" * 32)]
    for other in others:
        other.mkdir()  # which no version made
    run(corpus, folder, min_count=3)
    assert set(folder.iterdir()) == {*entries[1:], *others}


def test_an_old_entry_stays_while_a_process_has_it_mapped(tmp_path, corpus):
    folder = tmp_path / "cache"
    run(corpus, folder, min_count=1)
    (old,) = folder.iterdir()
    _, mapped = run(corpus, folder, min_count=1)
    unused_for(400, old)
    run(corpus, folder, min_count=2)
    assert old.exists()
    mapped.close()
    run(corpus, folder, min_count=3)
    assert not old.exists()
    assert len(list(folder.iterdir())) == 2


def test_using_an_entry_keeps_it(tmp_path, corpus):
    folder = tmp_path / "cache"
    run(corpus, folder, min_count=1)
    (entry,) = folder.iterdir()
    unused_for(400, entry)
    run(corpus, folder, min_count=1)
    run(corpus, folder, min_count=2)
    assert entry.exists()


def test_what_a_killed_process_left_of_an_entry_is_removed(tmp_path, corpus):
    folder = tmp_path / "cache"
    script = (
        "import os, sys\nfrom full_w2v.encoding import corpus_cache as cache\n"
        "cache.save_vocabulary = lambda *_: os.kill(os.getpid(), 9)\n"
        "import full_w2v; full_w2v.train(sys.argv[1], cache=sys.argv[2], vector_size=8)"
    )
    done = subprocess.run([sys.executable, "-c", script, corpus, folder], check=False)
    assert done.returncode == -9
    (left,) = folder.iterdir()
    assert left.name.endswith(".part")
    run(corpus, folder)
    assert not left.exists()


def test_what_cannot_be_known_again_is_refused(tmp_path, corpus):
    for source in ([["a"]], "-", [corpus, "-"]):
        with pytest.raises(ConfigError, match="a cache needs local files"):
            run(source, tmp_path / "cache")
    with pytest.raises(ConfigError, match="a Python function"):
        run(corpus, tmp_path / "cache", reading={"tokenizer": str.split})
    with pytest.raises(ConfigError, match="cache_hash must be one of sampled, full"):
        run(corpus, tmp_path / "cache", cache_hash="md5")
    assert not (tmp_path / "cache").exists()


def test_the_commands_option(tmp_path, corpus, reads, capsys):
    from full_w2v.cli import main

    for _ in range(2):
        options = ["--cache", str(tmp_path / "cache"), "--vector-size", "4", "--epochs", "1", "--json"]
        assert main(["train", str(corpus), "--output", str(tmp_path / "v.txt"), *options]) == 0
        report = json.loads(capsys.readouterr().out)
    assert len(reads) == 1
    assert report["seconds"]["encode"] == 0
    assert Path(tmp_path / "cache").is_dir()
