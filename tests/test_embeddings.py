import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec

from full_w2v.config import TrainConfig
from full_w2v.embeddings import Embeddings
from full_w2v.errors import ConfigError, FormatError, FullW2VError, UnknownWordError
from full_w2v.model import Model
from full_w2v.vocabulary import Vocabulary


def random_embeddings(words=500, dimension=37, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((words, dimension), dtype=np.float32)
    return Embeddings([f"w{i}" for i in range(words)], vectors, np.arange(words, 0, -1))


def nearest_in_float64(embeddings, query, exclude=()):
    """(word, cosine) of every word, largest cosine first, ties by id."""
    vectors = embeddings.vectors.astype(np.float64)
    query = np.asarray(query, np.float64)
    lengths = np.sqrt((vectors**2).sum(axis=1))
    cosines = (vectors * query).sum(axis=1) / np.where(lengths > 0, lengths, 1) / np.sqrt((query**2).sum())
    order = sorted(set(range(len(embeddings))) - set(exclude), key=lambda i: (-cosines[i], i))
    return [(embeddings.words[i], cosines[i]) for i in order]


def assert_same_neighbours(found, expected):
    assert [word for word, _ in found] == [word for word, _ in expected]
    # Both are float64 sums of 37 products of values below 1, summed in another order.
    np.testing.assert_allclose([c for _, c in found], [c for _, c in expected], rtol=0, atol=1e-13)


# What embeddings hold


def test_vector_is_the_words_row_and_read_only():
    embeddings = random_embeddings()
    assert (embeddings.vector("w7") == embeddings.vectors[7]).all()
    with pytest.raises(ValueError, match="read-only"):
        embeddings.vector("w7")[0] = 1
    assert "w7" in embeddings
    assert "other" not in embeddings
    assert (len(embeddings), embeddings.dimension) == (500, 37)


def test_repr_is_short():
    assert repr(random_embeddings()) == "<Embeddings: 500 words, 37 dimensions>"


def test_other_number_types_are_converted():
    embeddings = Embeddings(["a", "b"], np.array([[1, 2], [3, 4]]), [2, 1])
    assert embeddings.vectors.dtype == np.float32
    assert embeddings.counts.dtype == np.int64


def test_a_float32_array_is_shared_and_stays_writable_for_its_owner():
    rows = np.ones((2, 3), np.float32)
    embeddings = Embeddings(["a", "b"], rows)
    assert np.shares_memory(rows, embeddings.vectors)
    assert rows.flags.writeable


def test_from_model_takes_input_rows_words_and_counts():
    vocabulary = Vocabulary(["a", "b"], np.array([3, 2]))
    model = Model.initialize(vocabulary, TrainConfig(vector_size=4))
    embeddings = Embeddings.from_model(model)
    assert embeddings.words == ("a", "b")
    assert (embeddings.vectors == model.input).all()
    assert embeddings.counts.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("words", "vectors", "counts", "message"),
    [
        (["a"], [1.0, 2.0], None, "one vector for each of 1 words, got shape \\(2,\\)"),
        (["a"], [[1.0], [2.0]], None, "one vector for each of 1 words, got shape \\(2, 1\\)"),
        ([], np.empty((0, 3)), None, "at least one word"),
        (["a"], np.empty((1, 0)), None, "at least one word and one dimension"),
        (["a", "b", "a"], np.ones((3, 1)), None, "'a' appears more than once; first in row 1"),
        (["a", 5], np.ones((2, 1)), None, "must be strings, got 5"),
        (["a", "b"], [[1.0], [np.nan]], None, "'b' holds a value that is not finite"),
        (["a", "b"], [[np.inf], [1.0]], None, "'a' holds a value that is not finite"),
        (["a", "b"], [[1e300], [1.0]], None, "'a' holds a value that is not finite"),
        (["a", "b"], np.ones((2, 1)), [1], "expected 2 counts"),
        (["a", "b"], np.ones((2, 1)), [1, 0], "counts must be positive, got 0 for 'b'"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_line(words, vectors, counts, message):
    with pytest.raises(FormatError, match=message) as caught:
        Embeddings(words, vectors, counts)
    assert "\n" not in str(caught.value)


# Unknown words


def test_an_unknown_word_is_a_key_error_that_names_similar_ones():
    embeddings = Embeddings(["king", "queen", "kong"], np.eye(3))
    with pytest.raises(KeyError) as caught:
        embeddings.vector("kingg")
    assert isinstance(caught.value, FullW2VError)
    assert str(caught.value) == "unknown word 'kingg'; did you mean 'king', 'kong'?"


def test_an_unknown_word_without_similar_ones_says_so():
    with pytest.raises(UnknownWordError, match="none of the 500 words is spelled like it"):
        random_embeddings().neighbours("zebra")


@pytest.mark.parametrize("word", ["", "\ud800", "a\nb", "x" * 1_000_000])
def test_odd_unknown_words_still_give_one_short_printable_line(word):
    with pytest.raises(UnknownWordError) as caught:
        random_embeddings().vector(word)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


# Neighbours


@pytest.mark.parametrize("count", [1, 10, 498, 499, 10_000])
def test_neighbours_of_a_word_are_those_of_float64_without_the_word(count):
    embeddings = random_embeddings()
    expected = nearest_in_float64(embeddings, embeddings.vectors[3], exclude=[3])[:count]
    assert_same_neighbours(embeddings.neighbours("w3", count), expected)


def test_neighbours_of_a_vector_may_be_any_word():
    embeddings = random_embeddings()
    found = embeddings.neighbours(embeddings.vectors[3] * 4, 4)  # by 4 is exact
    assert found[0][0] == "w3"
    assert_same_neighbours(found, nearest_in_float64(embeddings, embeddings.vectors[3])[:4])


def test_order_is_right_where_float32_cannot_tell():
    rng = np.random.default_rng(1)
    base = rng.standard_normal(300)
    embeddings = Embeddings([f"w{i}" for i in range(2000)], base + 1e-6 * rng.standard_normal((2000, 300)))
    expected = nearest_in_float64(embeddings, base)[:10]
    assert [word for word, _ in embeddings.neighbours(base)] == [word for word, _ in expected]


@pytest.mark.parametrize("dimension", [1, 7, 64, 300])
def test_equal_rows_come_in_order_of_id(dimension):
    rows = np.random.default_rng(2).standard_normal((40, dimension))
    embeddings = Embeddings([f"w{i}" for i in range(200)], np.tile(rows, (5, 1)))
    same = [f"w{i}" for i in (43, 83, 123, 163)]
    if dimension == 1:  # every row of the same sign has cosine 1
        same = [w for w, row in zip(embeddings.words, embeddings.vectors, strict=True) if row * rows[3] > 0]
        same = [w for w in same if w != "w3"][:4]
    assert [word for word, _ in embeddings.neighbours("w3", 4)] == same


def test_zero_vectors_have_cosine_zero():
    embeddings = Embeddings(["a", "zero", "b"], [[1, 0], [0, 0], [-1, 0]])
    assert embeddings.neighbours("a", 2) == [("zero", 0.0), ("b", -1.0)]
    assert embeddings.neighbours("zero", 2) == [("a", 0.0), ("b", 0.0)]


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_long_and_very_short_vectors_have_neighbours(scale):
    plain = random_embeddings(words=50)
    scaled = Embeddings(plain.words, plain.vectors * np.float32(scale))
    assert [w for w, _ in scaled.neighbours("w3")] == [w for w, _ in plain.neighbours("w3")]


def test_the_only_word_has_no_neighbours():
    assert Embeddings(["a"], [[1.0]]).neighbours("a") == []


def test_a_bad_query_is_refused():
    embeddings = random_embeddings()
    with pytest.raises(ConfigError, match="count must be at least 1, got 0"):
        embeddings.neighbours("w1", 0)
    with pytest.raises(ValueError, match="vector of 37 finite values, got shape \\(3,\\)"):
        embeddings.neighbours([1, 2, 3])
    with pytest.raises(ValueError, match="vector of 37 finite values"):
        embeddings.neighbours([np.nan] * 37)


# gensim


def test_neighbours_and_analogies_agree_with_gensim():
    embeddings = random_embeddings()
    keyed = embeddings.to_gensim()
    for found, theirs in [
        (embeddings.neighbours("w9", 20), keyed.most_similar("w9", topn=20)),
        (embeddings.analogy("w1", "w2", "w3", 20), keyed.most_similar(["w2", "w3"], ["w1"], topn=20)),
    ]:
        assert [word for word, _ in found] == [word for word, _ in theirs]
        # gensim sums 37 float32 products of unit vectors: 39 * 2^-24 < 2.5e-6
        np.testing.assert_allclose([c for _, c in found], [c for _, c in theirs], rtol=0, atol=2.5e-6)


def test_gensim_and_back_keeps_everything():
    embeddings = random_embeddings()
    again = Embeddings.from_gensim(embeddings.to_gensim())
    assert again.words == embeddings.words
    assert (again.vectors == embeddings.vectors).all()
    assert (again.counts == embeddings.counts).all()


def test_gensim_gets_vectors_of_its_own_unless_told_to_share():
    embeddings = random_embeddings()
    keyed = embeddings.to_gensim()
    keyed.vectors[:] = 0
    keyed.add_vectors(["new"], np.ones((1, 37)))
    assert embeddings.vectors.any()
    assert len(embeddings) == 500
    assert np.shares_memory(embeddings.to_gensim(copy=False).vectors, embeddings.vectors)


def test_a_gensim_model_gives_its_word_vectors():
    model = Word2Vec([["a", "b", "a", "c"]] * 5, vector_size=8, min_count=1, workers=1)
    embeddings = Embeddings.from_gensim(model)
    assert embeddings.words[0] == "a"
    assert embeddings.counts.tolist() == [10, 5, 5]
    assert (embeddings.vector("a") == model.wv["a"]).all()


def test_gensim_without_counts_gives_none():
    keyed = KeyedVectors(2)
    keyed.add_vectors(["a", "b"], np.ones((2, 2)))
    assert Embeddings.from_gensim(keyed).counts is None


@pytest.mark.parametrize("thing", [{}, None, np.ones((2, 2)), ["a"]])
def test_other_objects_are_no_gensim_vectors(thing):
    with pytest.raises(FormatError, match=f"expected gensim KeyedVectors, got {type(thing).__name__}"):
        Embeddings.from_gensim(thing)


def test_gensim_keys_that_are_no_strings_are_refused():
    keyed = KeyedVectors(2)
    keyed.add_vectors([1, 2], np.ones((2, 2)))
    with pytest.raises(FormatError, match="words must be strings, got 1"):
        Embeddings.from_gensim(keyed)


FLOATS = np.arange(6, dtype=np.float64).reshape(2, 3)


@pytest.mark.parametrize(
    "vectors",
    [
        FLOATS,
        FLOATS.astype(np.float16),
        FLOATS.astype(np.int8),
        np.asfortranarray(FLOATS.astype(np.float32)),
        np.repeat(FLOATS.astype(np.float32), 2, axis=1)[:, ::2],
        FLOATS.astype(np.float32)[::-1][::-1],
        FLOATS.astype(">f4"),
        FLOATS.astype(">f8"),
        FLOATS.tolist(),
        FLOATS.astype(object),
        np.ma.array(FLOATS),
    ],
)
def test_vectors_of_other_types_and_layouts_are_converted(vectors):
    found = Embeddings(["a", "b"], vectors)
    assert found.vectors.dtype == np.float32
    assert found.vectors.flags.c_contiguous
    assert found.vectors.tolist() == FLOATS.tolist()
    assert found.neighbours("a", 1)[0][0] == "b"


@pytest.mark.parametrize(
    "vectors",
    [
        [["1", "2"]],
        [[1j, 2]],
        [[True, False]],
        [[None, 1.0]],
        [[1.0], [2.0, 3.0]],
        np.ma.array([[1.0, 2.0]], mask=[[True, False]]),
        np.array([["2020-01-01"]], "M8"),
        object(),
    ],
)
def test_vectors_that_are_not_real_numbers_are_refused(vectors):
    with pytest.raises(FormatError, match="expected vectors"):
        Embeddings(["a"], vectors)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_the_row_of_a_value_that_is_not_finite_is_named(bad):
    with pytest.raises(FormatError, match="vector of 'b' holds a value that is not finite"):
        Embeddings(["a", "b"], [[1.0], [bad]])


@pytest.mark.parametrize(
    "counts", [[1.5], [np.nan], ["1"], [2**63], [1e19], [None], np.ma.array([1], mask=[True])]
)
def test_counts_that_are_not_whole_numbers_are_refused(counts):
    with pytest.raises(FormatError, match="counts"):
        Embeddings(["a"], [[1.0]], counts)


def test_whole_counts_of_any_type_are_kept():
    for kind in (np.uint8, np.int16, ">i8", np.float64, object):
        assert Embeddings(["a"], [[1.0]], np.array([7], kind)).counts.tolist() == [7]


def test_words_may_be_an_array_but_not_a_single_string():
    assert Embeddings(np.array(["a", "b"]), [[1.0], [2.0]]).words == ("a", "b")
    with pytest.raises(FormatError, match="expected a list of words, got 'ab'"):
        Embeddings("ab", [[1.0], [2.0]])
