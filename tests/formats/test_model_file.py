"""Whole models, as safetensors."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from samples import WORD2VEC, some_embeddings, some_model

from full_w2v.config import TrainConfig
from full_w2v.encoding.huffman import HuffmanTree
from full_w2v.errors import FormatError
from full_w2v.formats import load_model, save_model


def test_a_model_comes_back_whole_and_trainable(tmp_path):
    model = some_model()
    save_model(model, tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert list(found.vocabulary.words) == model.vocabulary.words
    assert found.vocabulary.counts.tolist() == model.vocabulary.counts.tolist()
    assert found.vocabulary.raw_tokens == 1000
    assert found.config == model.config
    assert (found.input == model.input).all()
    assert (found.output == model.output).all()
    assert found.input.flags.writeable
    assert found.output.flags.writeable


def test_a_model_of_hierarchical_softmax_keeps_its_inner_nodes(tmp_path):
    model = some_model()
    config = replace(model.config, hierarchical_softmax=True)
    inner = np.random.default_rng(3).random(model.input.shape, np.float32)
    save_model(replace(model, config=config, inner=inner), tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert found.config == config
    assert (found.inner == inner).all()
    assert found.inner.flags.writeable
    assert (found.tree.offsets == HuffmanTree.from_counts(model.vocabulary.counts).offsets).all()


def test_a_models_file_is_safetensors_with_json_metadata(tmp_path):
    save_model(some_model(), tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", "numpy") as file:
        assert sorted(file.keys()) == ["counts", "input", "output", "word_bytes", "word_offsets"]
        metadata = file.metadata()
    assert (metadata["format"], metadata["version"], metadata["raw_tokens"]) == ("full-w2v", "1", "1000")
    assert json.loads(metadata["model"])["vector_size"] == 5
    assert json.loads(metadata["optimization"])["epochs"] == 3


@pytest.mark.parametrize("suffix", [*WORD2VEC, ".kv"])
def test_a_model_does_not_load_from_other_formats(tmp_path, suffix):
    some_embeddings().save(tmp_path / f"x{suffix}")
    with pytest.raises(FormatError, match=r"word vectors only; a model is read from a \.safetensors file"):
        load_model(tmp_path / f"x{suffix}")


def test_a_model_does_not_load_from_embeddings(tmp_path):
    some_embeddings().save(tmp_path / "x.safetensors")
    with pytest.raises(FormatError, match="holds embeddings only"):
        load_model(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            np.zeros((20, 4), np.float32),
            "expected the output matrix as float32 \\(20, 5\\), got float32 \\(20, 4",
        ),
        (np.zeros((20, 5)), "got float64"),
        (np.full((20, 5), np.nan, np.float32), "output row of 'w0' holds a value that is not finite"),
    ],
)
def test_a_model_with_a_wrong_output_matrix_is_not_saved(tmp_path, output, message):
    model = some_model()
    model.output = output
    with pytest.raises(FormatError, match=message):
        save_model(model, tmp_path / "m.safetensors")
    assert not any(tmp_path.iterdir())


def native_parts(**changes):
    """Tensors and metadata of a small model file, some of them replaced; None leaves one out."""
    parts = {
        "input": np.ones((2, 3), np.float32),
        "output": np.ones((2, 3), np.float32),
        "counts": np.array([2, 1]),
        "word_bytes": np.frombuffer(b"abc", np.uint8),
        "word_offsets": np.array([0, 1, 3]),
        "format": "full-w2v",
        "version": "1",
        "config": json.dumps(TrainConfig(vector_size=3).to_dict()),
        "raw_tokens": "3",
    }
    return {name: value for name, value in (parts | changes).items() if value is not None}


def write_native(path, **changes):
    parts = native_parts(**changes)
    tensors = {name: value for name, value in parts.items() if isinstance(value, np.ndarray)}
    save_file(tensors, path, {name: value for name, value in parts.items() if isinstance(value, str)})
    return path


PATH_CONFIG = '{"vector_size": 3, "hierarchical_softmax": true}'


def test_a_file_by_the_safetensors_library_loads(tmp_path):
    assert list(load_model(write_native(tmp_path / "m.safetensors")).vocabulary.words) == ["a", "bc"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None}, "not one that full-w2v wrote"),
        ({"format": "pt"}, "not one that full-w2v wrote"),
        ({"version": "2"}, "expected version 1 of the format, got '2'; update full-w2v"),
        ({"version": None}, "expected version 1 of the format, got None"),
        ({"input": None}, "the tensor input is missing"),
        ({"counts": None}, "the tensor counts is missing"),
        ({"word_bytes": None}, "the tensor word_bytes is missing"),
        ({"word_offsets": None}, "the tensor word_offsets is missing"),
        ({"input": np.ones((2, 3))}, "expected input as F32 .2, 'any'., got F64 .2, 3."),
        ({"input": np.ones((3, 3), np.float32)}, "expected input as F32 .2, 'any'., got F32 .3, 3."),
        ({"input": np.ones(6, np.float32)}, "expected input as F32"),
        ({"input": np.ones((2, 0), np.float32)}, "expected output as F32 .2, 0."),
        ({"input": np.full((2, 3), np.nan, np.float32)}, "vector of 'a' holds a value that is not finite"),
        ({"output": np.ones((2, 4), np.float32)}, "expected output as F32 .2, 3., got F32 .2, 4."),
        ({"output": np.full((2, 3), np.inf, np.float32)}, "output row of 'a' holds a value that is not"),
        ({"config": PATH_CONFIG}, "the tensor inner is missing"),
        (
            {"config": PATH_CONFIG, "inner": np.full((2, 3), np.inf, np.float32)},
            "inner row of node 0 holds a value that is not finite",
        ),
        ({"counts": np.array([2, 0])}, "counts must be positive, got 0 for 'bc'"),
        ({"counts": np.array([2])}, "expected counts as I64 .2., got I64 .1."),
        ({"counts": np.array([2, 1], np.int32)}, "expected counts as I64 .2., got I32"),
        (
            {"word_bytes": np.frombuffer(b"a\xffc", np.uint8)},
            "row 2: the word b'.xffc' is not UTF-8 .byte 0xff",
        ),
        ({"word_bytes": np.frombuffer(b"abc", np.int8)}, "expected word_bytes as U8"),
        ({"word_offsets": np.array([0, 1, 4])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([1, 1, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([0, 5, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.array([0, 2**63 - 1, -5, 3])}, "word_offsets do not rise from 0 to 3"),
        ({"word_offsets": np.empty(0, np.int64)}, "word_offsets do not rise"),
        ({"word_offsets": np.array([0, 0, 0, 3])}, "expected input as F32 .3, 'any'."),
        (
            {"word_bytes": np.frombuffer(b"aa", np.uint8), "word_offsets": np.array([0, 1, 2])},
            "'a' appears more than once; first in row 1",
        ),
        ({"config": None}, "expected the settings as JSON, got ''"),
        ({"config": "["}, "expected the settings as JSON, got '\\['"),
        ({"config": "[" * 100_000}, "expected the settings as JSON, got '\\[\\["),
        ({"config": "[]"}, "settings as a JSON object"),
        ({"config": '{"speed": 1}'}, "settings are not valid: unknown setting speed"),
        ({"config": '{"vector_size": -1}'}, "settings are not valid: vector_size must be between"),
        ({"config": "{}"}, "the settings say 100 dimensions, the matrices have 3"),
        ({"raw_tokens": None}, "raw_tokens as a whole number, got ''"),
        ({"raw_tokens": "-1"}, "raw_tokens as a whole number, got '-1'"),
        ({"raw_tokens": "9" * 5000}, "raw_tokens as a whole number"),
        ({"raw_tokens": "\u0663"}, "raw_tokens as a whole number"),
    ],
)
def test_a_wrong_part_of_a_model_file_is_named(tmp_path, changes, message):
    path = write_native(tmp_path / "m.safetensors", **changes)
    with pytest.raises(FormatError, match=message) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
