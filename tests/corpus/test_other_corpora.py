"""Corpora that are no English prose train and give sensible neighbours: baskets, walks, other scripts."""

import numpy as np
import pytest

import full_w2v

# Small corpora want a higher rate and more passes than the defaults.
SETTINGS = {"vector_size": 32, "alpha": 0.05, "epochs": 5, "sample": 1e-3, "threads": 1, "seed": 3}
SAMPLES = {
    "retail_baskets": {},
    "karate_walks": {"window": 3, "epochs": 20, "sample": 0},
    "korean_wikipedia": {},
    "chinese_wikipedia_characters": {"epochs": 2},
    "protein_3mers": {"epochs": 2},
    "dna_one_line": {"epochs": 30},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_words_that_stand_together_are_neighbours(shared, name):
    path = shared / f"data/other/{name}.txt.zst"
    result = full_w2v.train(path, **{**SETTINGS, **SAMPLES[name]})
    vectors = result.embeddings.vectors
    assert np.isfinite(vectors).all()
    assert result.report.trained_words > 0
    pairs = frequent_pairs(path, result.model.vocabulary, SAMPLES[name])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    together = np.einsum("ij,ij->i", units[pairs[:, 0]], units[pairs[:, 1]]).mean()
    others = np.random.default_rng(1).permutation(pairs[:, 1])
    apart = np.einsum("ij,ij->i", units[pairs[:, 0]], units[others]).mean()
    assert together > apart + 0.05


def frequent_pairs(path, vocabulary, settings):
    """Pairs of different words that stand side by side far more often than their counts explain."""
    from full_w2v.corpus import open_corpus
    from full_w2v.encoding.encoded_corpus import encode_with
    from full_w2v.encoding.phrases import PhraseSettings, find_phrases

    sentences = settings.get("sentences", "line")
    with encode_with(open_corpus(path, sentences=sentences), vocabulary) as corpus:
        found = find_phrases(vocabulary, corpus, PhraseSettings(min_count=5, threshold=0))
    order = np.argsort(-found.scores, kind="stable")
    pairs = np.stack([found.first, found.second], axis=1)[order]
    return pairs[pairs[:, 0] != pairs[:, 1]][:200]
