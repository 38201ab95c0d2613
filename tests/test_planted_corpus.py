import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest

import corpus_words as words
import generate_corpus

FILES = ("planted.txt", "planted-analogies.txt", "planted-pairs.txt")


@pytest.fixture(scope="module")
def counts(repository) -> Counter[str]:
    return Counter((repository / "data" / "planted.txt").read_text(encoding="ascii").split())


def planted_words() -> list[str]:
    return [word for relation in words.RELATIONS for concept in relation.concepts for word in concept]


def test_the_generator_writes_the_committed_files_byte_for_byte(repository, tmp_path):
    script = repository / "scripts" / "generate_corpus.py"
    subprocess.run([sys.executable, script, "--output", tmp_path], check=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (repository / "data" / name).read_bytes()


def test_another_seed_writes_another_corpus_with_the_same_questions(repository, tmp_path):
    script = repository / "scripts" / "generate_corpus.py"
    subprocess.run([sys.executable, script, "--output", tmp_path, "--seed", "7"], check=True)
    same = [(tmp_path / name).read_bytes() == (repository / "data" / name).read_bytes() for name in FILES]
    assert same == [False, True, False]


def test_a_planted_word_has_one_meaning():
    # A planted word that a frame, a name or a company used as well would mean two things at once.
    planted = planted_words()
    frames = {
        word
        for relation in words.RELATIONS
        for frame in chain.from_iterable(relation.frames)
        for word in frame.split()
    }
    around = {*frames, *words.NOUNS, *words.ADJECTIVES, *words.PREPOSITIONS, *words.LINKS}
    assert len(planted) == len(set(planted))
    assert set(planted) & around == set()


def test_every_question_is_in_the_corpus_often_enough_to_train(repository, counts):
    lines = (repository / "data" / "planted-analogies.txt").read_text(encoding="ascii").splitlines()
    questions = [line.split() for line in lines if not line.startswith(":")]
    assert len(questions) == 3928
    assert {len(question) for question in questions} == {4}
    assert set(chain.from_iterable(questions)) == set(planted_words())
    assert min(counts[word] for word in planted_words()) >= 20


def test_pairs_are_different_scored_and_known(repository, counts):
    lines = (repository / "data" / "planted-pairs.txt").read_text(encoding="ascii").splitlines()[1:]
    pairs = [line.split("\t") for line in lines]
    assert len({frozenset(pair[:2]) for pair in pairs}) == len(pairs) == 300
    assert all(one != other and counts[one] and counts[other] for one, other, _ in pairs)
    assert {float(score) for _, _, score in pairs} >= {0.0, 4.0, 6.0}


def test_the_corpus_looks_like_text(repository, counts):
    lines = (repository / "data" / "planted.txt").read_text(encoding="ascii").splitlines()
    lengths = [len(line.split()) for line in lines]
    assert all(line == line.lower() and line == " ".join(line.split()) for line in lines)
    assert min(lengths) == 1
    assert max(lengths) > 300
    # In English prose the hundred most frequent words are about half of all words.
    top = sum(count for _, count in counts.most_common(100)) / sum(counts.values())
    assert 0.4 < top < 0.7
    assert sum(count == 1 for count in counts.values()) > 100


def test_the_draws_are_the_shares_that_they_claim():
    draw = generate_corpus.Draw(1)
    tosses = 100_000
    drawn = Counter(generate_corpus.Zipf("abc", shift=1.0).draw(draw) for _ in range(tosses))
    weights = {"a": 1 / 2, "b": 1 / 3, "c": 1 / 4}
    for item, weight in weights.items():
        share = weight / sum(weights.values())
        # Five standard deviations of a binomial share.
        assert drawn[item] / tosses == pytest.approx(share, abs=5 * (share * (1 - share) / tosses) ** 0.5)
    lengths = [draw.geometric(4.0) for _ in range(tosses)]
    # A geometric length of mean 4 has variance 12.
    assert sum(lengths) / tosses == pytest.approx(4.0, abs=5 * (12 / tosses) ** 0.5)
    assert min(lengths) == 1
