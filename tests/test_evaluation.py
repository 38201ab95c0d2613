import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gensim.models import Word2Vec
from scipy import stats

from full_w2v.embeddings import Embeddings
from full_w2v.errors import ConfigError, FormatError
from full_w2v.evaluation import (
    Evaluation,
    average_ranks,
    correlation,
    default_sets,
    evaluate,
    evaluate_analogies,
    evaluate_pairs,
)

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
WORD_PAIRS, GOOGLE = default_sets().pairs, default_sets().analogies[0]


@pytest.fixture(scope="module")
def planted():
    """Every word of the Google analogies, some in other cases too, such that about half can be answered."""
    rng = np.random.default_rng(0)
    rows = {}
    for line in GOOGLE.read_text().splitlines():
        if line.startswith(":"):
            relation = rng.standard_normal(48)
        else:
            for word, partner in zip(line.split()[::2], line.split()[1::2], strict=True):
                row = rows.setdefault(word.lower(), rng.standard_normal(48))
                rows.setdefault(partner.lower(), row + relation + 0.9 * rng.standard_normal(48))
    for path in WORD_PAIRS:
        for line in path.read_text().splitlines()[2:]:
            for word in line.lower().split("\t")[:2]:
                rows.setdefault(word, rng.standard_normal(48))
    for word in list(rows)[::7]:
        rows[word.upper()] = rows[word] + 0.1 * rng.standard_normal(48)
        rows[word.title()] = rows[word] + 0.1 * rng.standard_normal(48)
    words = rng.permutation(list(rows)).tolist()
    return Embeddings(words, [rows[word] for word in words], np.arange(len(words), 0, -1))


def assert_equals_gensim(embeddings, restrict_vocabulary):
    """Pairs and analogies against gensim's own evaluation."""
    keyed = embeddings.to_gensim()
    for path in WORD_PAIRS:
        ours = evaluate_pairs(embeddings, path, restrict_vocabulary)
        pearson, spearman, unknown = keyed.evaluate_word_pairs(str(path), restrict_vocab=restrict_vocabulary)
        # gensim's cosines are float32: off by 52 * 2^-24 at most, and two next to each other may swap ranks,
        # which adds 2n to the sum of squared rank differences at most and so 12 / n^2 to Spearman's.
        assert ours.found > 100
        assert ours.pearson == pytest.approx(pearson[0], abs=3e-6)
        assert ours.spearman == pytest.approx(spearman[0], abs=12 / ours.found**2)
        assert 100 * (ours.total - ours.found) / ours.total == pytest.approx(unknown)
    ours = evaluate_analogies(embeddings, GOOGLE, restrict_vocabulary)
    accuracy, sections = keyed.evaluate_word_analogies(str(GOOGLE), restrict_vocab=restrict_vocabulary)
    theirs = [(len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections]
    assert [(s.correct, s.found) for s in (*ours.sections, ours)] == theirs
    assert ours.accuracy == accuracy


@pytest.mark.parametrize("restrict_vocabulary", [1500, 300_000])
def test_results_equal_gensims_on_planted_vectors(planted, restrict_vocabulary):
    assert_equals_gensim(planted, restrict_vocabulary)


def test_planted_vectors_leave_something_to_tell_apart(planted):
    assert 0.1 < evaluate_analogies(planted, GOOGLE).accuracy < 0.9


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/simplewiki.txt.zst")
def test_results_equal_gensims_on_trained_vectors():
    import zstandard

    with zstandard.open(SHARED / "simplewiki.txt.zst", "rt", encoding="utf-8") as text:
        sentences = [line.split() for line in text.read(4_000_000).splitlines()]
    model = Word2Vec(sentences, sg=1, vector_size=50, epochs=1, min_count=10, workers=1, seed=1)
    assert_equals_gensim(Embeddings.from_gensim(model), 300_000)


# Pairs


@pytest.fixture
def numbered():
    """Words a to f; the cosine of a and another falls from word to word."""
    angles = np.linspace(0, 1, 6)
    return Embeddings(list("abcdef"), np.stack([np.cos(angles), np.sin(angles)], axis=1))


def pairs_file(tmp_path, text):
    path = tmp_path / "pairs.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\t9\na\tc\t5\na\td\t1\n",
        "a b 9.0\na c 5.0\na d 1.0",
        "a,b,9\na,c,5\na,d,1\n",
        "Word 1,Word 2,Human (mean)\na,b,9\na,c,5\na,d,1\n",
        "# word1 word2 score\n\na  b  9\r\n# more\r\na c 5\r\na d 1\r\n",
        "\ufeffA\tB\t9\nA\tC\t5\nA\tD\t1\n",
        "a\tb\t9\t8\t10\na\tc\t5\t5\t5\na\td\t1\t0\t2\n",  # each judge's score after the mean
    ],
)
def test_pairs_come_with_tabs_commas_spaces_headers_and_comments(tmp_path, numbered, text):
    result = evaluate_pairs(numbered, pairs_file(tmp_path, text))
    assert (result.name, result.found, result.total) == ("pairs", 3, 3)
    assert result.spearman == pytest.approx(1)
    assert 0.9 < result.pearson < 1


@pytest.mark.parametrize(("name", "pairs"), [("EN-MEN-TR-3k.txt", 3000), ("EN-RG-65.txt", 65)])
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/eval")
def test_published_files_load(numbered, name, pairs):
    assert evaluate_pairs(numbered, SHARED / "eval" / name).total == pairs


def test_words_count_only_among_the_first_so_many(tmp_path, numbered):
    path = pairs_file(tmp_path, "a b 9\na c 5\na f 1\nx a 1\n")
    assert evaluate_pairs(numbered, path).found == 3
    assert evaluate_pairs(numbered, path, restrict_vocabulary=3).found == 2
    assert evaluate_pairs(numbered, path, restrict_vocabulary=3).total == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [("x y 1\n", 0), ("a b 1\n", 1), ("a b 1\na b 2\n", 2), ("a b 3\na c 3\n", 2)],
    ids=["none", "one", "same cosines", "same scores"],
)
def test_a_correlation_that_means_nothing_is_none(tmp_path, numbered, text, found):
    result = evaluate_pairs(numbered, pairs_file(tmp_path, text))
    assert (result.spearman, result.pearson, result.found) == (None, None, found)


def test_the_most_frequent_of_several_spellings_counts(tmp_path):
    embeddings = Embeddings(["Apple", "pear", "apple", "plum"], [[1, 0], [1, 0.1], [-1, 0], [1, 2]])
    result = evaluate_pairs(embeddings, pairs_file(tmp_path, "apple pear 9\napple plum 1\npear plum 3\n"))
    assert result.spearman == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines of two words and a score, got none"),
        ("# only\n", "got none"),
        ("word1 word2 score\n", "got none"),
        ("a b 1\na b\n", "line 2: expected two words and a score, got 'a b'"),
        ("a b 1\n\na\t\t2\n", "line 3: expected two words and a score"),
        ("a b 1\na b high\n", "line 2: expected a score after two words, got 'high'"),
        ("a b 1\nNew York city 2\n", "line 2: expected a score after two words, got 'city'"),
        ("a b 1\na b nan\n", "line 2: expected a score after two words, got 'nan'"),
        ("a\tb\t1\na\tb\t3,5\n", "line 2: expected a score after two words, got '3,5'"),
        (b"a b 1\n\xe9 b 2\n", "line 2 is not UTF-8 .byte 0xe9"),
        (b"\0" * 1000, "line 1: expected two words and a score, got "),
    ],
)
def test_a_bad_pairs_file_ends_in_one_line_that_names_the_place(tmp_path, numbered, text, message):
    path = pairs_file(tmp_path, text)
    with pytest.raises(FormatError, match=message) as caught:
        evaluate_pairs(numbered, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


@pytest.mark.parametrize("measure", [evaluate_pairs, evaluate_analogies])
def test_a_missing_set_and_a_bad_limit_are_refused(tmp_path, numbered, measure):
    with pytest.raises(FileNotFoundError, match="missing"):
        measure(numbered, tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        measure(numbered, tmp_path)
    with pytest.raises(ConfigError, match="restrict_vocabulary must be at least 1, got 0"):
        measure(numbered, GOOGLE if measure is evaluate_analogies else WORD_PAIRS[0], 0)


@pytest.mark.parametrize("seed", range(5))
def test_correlations_are_scipys(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(50), rng.integers(0, 9, 50).astype(float)
    assert correlation(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)
    assert average_ranks(b).tolist() == stats.rankdata(b).tolist()
    ours = correlation(average_ranks(a), average_ranks(b))
    assert ours == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 1.7e308])
def test_a_correlation_does_not_depend_on_scale(scale):
    a, b = np.array([-1.0, 0.2, 1.0]), np.array([1.0, 2.0, 4.0])
    # 1e-310 is subnormal: 13 digits are left
    assert correlation(a * scale, b) == pytest.approx(correlation(a, b), rel=1e-12)


# Analogies


@pytest.fixture
def family():
    words = ["man", "woman", "king", "queen", "boy", "other"]
    return Embeddings(words, [[1, 0, 0], [1, 1, 0], [0, 0.1, 1], [0, 1.1, 1], [1, -0.2, 0.2], [-1, -1, -1]])


def questions_file(tmp_path, text):
    path = tmp_path / "questions.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_each_section_is_counted_and_the_whole(tmp_path, family):
    path = questions_file(
        tmp_path,
        ": royal\nman woman king queen\nMan Woman King Queen\nman woman king duchess\n"
        "# comment\n\n: wrong\nman woman king boy\n: unknown\nx y z w\n: empty\n",
    )
    result = evaluate_analogies(family, path)
    assert [(s.name, s.accuracy, s.correct, s.found, s.total) for s in result.sections] == [
        ("royal", 1.0, 2, 2, 3),
        ("wrong", 0.0, 0, 1, 1),
        ("unknown", None, 0, 0, 1),
        ("empty", None, 0, 0, 0),
    ]
    assert (result.name, result.correct, result.found, result.total) == ("questions", 2, 3, 5)
    assert result.accuracy == 2 / 3


def test_questions_without_a_section_form_one(tmp_path, family):
    result = evaluate_analogies(family, questions_file(tmp_path, "man woman king queen\n"))
    assert [(s.name, s.correct) for s in result.sections] == [("questions", 1)]


def test_no_question_is_answered_with_its_own_words_in_any_case(tmp_path, family):
    words = [*family.words, "King", "KING"]
    rows = np.concatenate(
        [family.vectors, family.vectors[[2, 2]] + [0, 1, 0]]
    )  # nearer to the target than queen
    result = evaluate_analogies(Embeddings(words, rows), questions_file(tmp_path, "man woman king queen\n"))
    assert result.correct == 1


def test_an_answer_may_differ_from_the_right_one_in_case(tmp_path, family):
    embeddings = Embeddings(["QUEEN", *family.words], np.concatenate([[[-1, -1, -1]], family.vectors]))
    assert evaluate_analogies(embeddings, questions_file(tmp_path, "man woman king queen\n")).correct == 1


def test_a_question_with_no_word_left_to_answer_is_wrong(tmp_path):
    embeddings = Embeddings(["a", "b", "c"], np.eye(3))
    result = evaluate_analogies(embeddings, questions_file(tmp_path, "a b c a\n"))
    assert (result.correct, result.found) == (0, 1)


def test_blocks_of_questions_and_words_change_nothing(monkeypatch, planted):
    whole = evaluate_analogies(planted, GOOGLE, 900)
    monkeypatch.setattr("full_w2v.evaluation.QUESTION_BLOCK", 1000)
    monkeypatch.setattr("full_w2v.search.WORD_BLOCK", 333)
    assert evaluate_analogies(planted, GOOGLE, 900) == whole


def test_memory_stays_small_however_large_the_vocabulary(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((70_000, 300), dtype=np.float32)
    embeddings = Embeddings([f"w{i}" for i in range(70_000)], vectors)
    lines = [" ".join(f"w{i}" for i in row) for row in rng.integers(0, 70_000, (2100, 4))]
    path = questions_file(tmp_path, "\n".join(lines))
    tracemalloc.start()
    result = evaluate_analogies(embeddings, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.found == 2100
    assert peak < 100e6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines of four words, got none"),
        (": one\n: two\n", "expected lines of four words, got none"),
        (": one\na b c\n", "line 2: expected four words, got 'a b c'"),
        (": one\na b c d\na b c d e\n", "line 3: expected four words, got 'a b c d e'"),
        (b": one\na b c \xff\n", "line 2 is not UTF-8 .byte 0xff"),
        ("x" * 100_000, "line 1: expected four words, got 'xxx"),
    ],
)
def test_a_bad_analogies_file_ends_in_one_line_that_names_the_place(tmp_path, family, text, message):
    path = questions_file(tmp_path, text)
    with pytest.raises(FormatError, match=message) as caught:
        evaluate_analogies(family, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < len(str(path)) + 200


# All together


def test_the_default_sets_are_those_that_gensim_ships(numbered):
    result = evaluate(numbered)
    assert [(pair.name, pair.found, pair.total) for pair in result.pairs] == [
        ("wordsim353", 0, 353),
        ("simlex999", 0, 999),
    ]
    assert [(part.name, part.found, part.total) for part in result.analogies] == [
        ("questions-words", 0, 19544)
    ]


def test_finding_the_default_sets_does_not_import_gensim():
    check = "import sys, full_w2v.evaluation as e; e.default_sets(); assert 'gensim' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_given_sets_replace_the_default_ones(tmp_path, family):
    result = evaluate(family, pairs=[pairs_file(tmp_path, "man woman 1\n")])
    assert [pair.name for pair in result.pairs] == ["pairs"]
    assert result.analogies == ()


@pytest.fixture
def evaluation(tmp_path, family) -> Evaluation:
    questions = questions_file(tmp_path, ": royal\nman woman king queen\nman woman king x\n: none\nx y z w\n")
    pairs = pairs_file(tmp_path, "man woman 2\nman king 1\nman boy 3\nman x 2\n")
    few = tmp_path / "few.txt"
    few.write_text("x y 1\n")
    return evaluate(family, [pairs, few], [questions])


def test_results_survive_json(evaluation):
    found = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert (found["words"], found["dimension"]) == (6, 3)
    assert found["pairs"][0] == {
        "name": "pairs",
        "spearman": pytest.approx(1),
        "pearson": evaluation.pairs[0].pearson,
        "found": 3,
        "total": 4,
    }
    assert found["pairs"][1]["spearman"] is None
    royal = {"name": "royal", "accuracy": 1.0, "correct": 1, "found": 1, "total": 2}
    none = {"name": "none", "accuracy": None, "correct": 0, "found": 0, "total": 1}
    whole = {"name": "questions", "accuracy": 1.0, "correct": 1, "found": 1, "total": 3}
    assert found["analogies"] == [whole | {"sections": [royal, none]}]


def test_text_is_aligned_and_says_how_many_were_found(evaluation):
    pearson = f"{evaluation.pairs[0].pearson:.4f}"
    assert evaluation.to_text() == "\n".join(
        [
            "6 words, 3 dimensions",
            "",
            "word pairs  Spearman  Pearson  found",
            f"pairs         1.0000   {pearson}  3 / 4",
            "few                -        -  0 / 1",
            "",
            "analogies  accuracy  correct  found",
            "questions    1.0000        1  1 / 3",
            "  royal      1.0000        1  1 / 2",
            "  none            -        0  0 / 1",
        ]
    )
