"""The settings as the native trainers take them: the same for every backend."""

from dataclasses import fields
from typing import Any

from full_w2v import objectives
from full_w2v.config import TrainConfig, declaration
from full_w2v.encoding.huffman import HuffmanTree


def native_parameters(
    config: TrainConfig, vocabulary: int, tree: HuffmanTree | None = None
) -> dict[str, Any]:
    """Keywords of `SgnsParams`, which csrc/bindings/params.cpp gives to each native module.

    vocabulary: number of words. tree: of the words, if an objective needs it.
    """
    has_tree = tree is not None and "tree" in objectives.tables_of(config)
    return {
        **{one.name: getattr(config, one.name) for one in fields(config) if declaration(one).native},
        "vocabulary": vocabulary,
        "longest_path": max(tree.longest, 1) if tree is not None and has_tree else 0,
        "step_pairs": config.step_pairs,
    }
