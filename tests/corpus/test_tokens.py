"""Tokens and sentences that settings ask for: the same as plain Python makes of the same text."""

import re
import unicodedata

import pytest
from corpora import assert_encodes, sentences_of, small_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from full_w2v.corpus import ReadSettings, open_corpus
from full_w2v.encoding.encoded_corpus import count_corpus, encode_corpus
from full_w2v.errors import ConfigError, CorpusError

# Final sigma, a letter that lower case makes two of, composition, compatibility forms that hold spaces.
TEXT = "ΑΣ ΣΑΣ Straße İ ǅ\ncafe\u0301 ﬁ ½ \u00a8x 한국\u1112\u1161\u11ab ＡＢ\n\nthe End. OF-it 𐐀\u3000x"
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
characters = st.sampled_from([*"Σσας \n\tÉé\u0301İIﬁ½한", "\u00a8", "\u1112\u1161", "\u0307", "\r"])


def encode(source, threads=2, **reading):
    return encode_corpus(open_corpus(source, **reading), min_count=1, threads=threads)


def write(path, text):
    path.write_bytes(text.encode())
    return path


def changed(text, lowercase, form):
    text = unicodedata.normalize(form, text) if form else text
    return text.lower() if lowercase else text


@pytest.mark.parametrize("form", [None, "NFC", "NFKC"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_case_and_normal_form_are_pythons(tmp_path, lowercase, form):
    path = write(tmp_path / "t", TEXT)
    expected = sentences_of(changed(TEXT, lowercase, form))
    assert_encodes(encode(path, lowercase=lowercase, normalize=form), expected)
    given_lists = [line.split() for line in TEXT.split("\n")]
    lists = [[changed(token, lowercase, form) for token in line] for line in given_lists]
    assert_encodes(encode(given_lists, lowercase=lowercase, normalize=form), lists)


@in_one_folder
@given(text=st.lists(characters, min_size=1).map("".join), piece=st.integers(1, 5))
def test_case_and_normal_form_do_not_depend_on_where_text_is_cut(tmp_path, text, piece):
    path = write(tmp_path / "t", text)
    expected = sentences_of(changed(text, True, "NFKC"))
    if any(expected):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("full_w2v.corpus.decompression.CHUNK_BYTES", piece)
            assert_encodes(encode(path, lowercase=True, normalize="NFKC"), expected)


def test_a_pattern_says_what_a_token_is(tmp_path):
    path = write(tmp_path / "t", "Don't stop, x2\n(the end)... ok\n")
    words = [["don", "t", "stop", "x2"], ["the", "end", "ok"]]
    assert_encodes(encode(path, pattern=r"\w+", lowercase=True), words)
    document = [["Don", "t", "stop", "x2", "the", "end", "ok"]]
    assert_encodes(encode(path, pattern=r"(?i)([a-z]\w*)|", sentences="document"), document)
    texts = ["Don't stop, x2", "(the end)... ok"]
    assert_encodes(encode(iter(texts), pattern=r"\w+", lowercase=True), words)


def test_a_function_makes_the_tokens(tmp_path):
    path = write(tmp_path / "t", "한국 어\nab\n")
    expected = [list("한국어"), list("ab")]
    assert_encodes(encode(path, tokenizer=lambda line: [c for c in line if not c.isspace()]), expected)
    with pytest.raises(ConfigError, match="must return a list of tokens, got the string '한국 어'"):
        encode(path, tokenizer=lambda line: line)
    with pytest.raises(CorpusError, match="token of type int"):
        encode(path, tokenizer=lambda line: [len(line)])


def test_a_tokenizers_file_makes_the_tokens(tmp_path):
    tokenizers = pytest.importorskip("tokenizers", reason="needs the package tokenizers")
    model = tokenizers.models.WordLevel({"[UNK]": 0, "ab": 1, "-": 2}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    path = write(tmp_path / "t", "ab-ab x\n-\n")
    expected = [["ab", "-", "ab", "[UNK]"], ["-"]]
    assert_encodes(encode(path, tokenizer=tmp_path / "tokenizer.json"), expected)
    with pytest.raises(ConfigError, match="not a Hugging Face tokenizers file"):
        ReadSettings(tokenizer=path)


@in_one_folder
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    span=st.integers(1, 12),
    block_bytes=st.integers(1, 30),
    threads=st.integers(1, 3),
)
def test_spans_have_a_fixed_length_whatever_the_lines(tmp_path, lengths, span, block_bytes, threads):
    tokens = [f"w{i % 7}" for i in range(sum(lengths))]
    left = iter(tokens)
    lines = [[next(left) for _ in range(length)] for length in lengths]
    first = write(tmp_path / "1", "\n".join(map(" ".join, lines)))
    second = write(tmp_path / "2", "w0 w0 w0")
    expected = [tokens[at : at + span] for at in range(0, len(tokens), span)]
    rest = [["w0"] * min(span, 3 - at) for at in range(0, 3, span)]  # a span ends with its file
    with small_blocks(block_bytes):
        assert_encodes(encode([first, second], threads, sentences=span), expected + rest)
        if tokens:
            assert_encodes(encode(lines, threads, sentences=str(span)), expected)


def test_a_document_is_a_whole_file(tmp_path):
    paths = [write(tmp_path / "1", "a b\nc\n\nd"), write(tmp_path / "2", "e\nf")]
    assert_encodes(encode(paths, sentences="document"), [["a", "b", "c", "d"], ["e", "f"]])


def test_a_nul_is_no_text_for_a_pattern_either(tmp_path):
    path = write(tmp_path / "t", "a\0b")
    with pytest.raises(CorpusError, match="holds a NUL"):
        encode(path, pattern=r"\S+")
    assert_encodes(encode(path, pattern=r"\S+", errors="replace"), [["a\ufffdb"]])
    assert_encodes(encode(path, pattern=r"\S+", errors="ignore"), [["ab"]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pattern": "("}, "pattern must be a regular expression"),
        ({"pattern": "a", "tokenizer": str.split}, "give either pattern or tokenizer"),
        ({"normalize": "NFD"}, "normalize must be one of NFC, NFKC, got 'NFD'"),
        ({"sentences": "paragraph"}, "sentences must be line, document or a number of tokens"),
        ({"sentences": 0}, "sentences must be between 1 and"),
        ({"format": "csv"}, "format must be one of auto, text, jsonl"),
        ({"tokenizer": "nowhere.json"}, "not a Hugging Face tokenizers file"),
    ],
)
def test_settings_that_are_wrong(wrong, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        ReadSettings(**wrong)


def test_counting_says_where_it_is_for_text_that_python_splits(tmp_path):
    calls = []
    path = write(tmp_path / "t", TEXT)
    count_corpus(open_corpus(path, pattern=r"\w"), min_count=1, progress=lambda *call: calls.append(call))
    size = path.stat().st_size
    assert calls[-1] == ("vocabulary", size, size)
