"""A corpus with a known answer: two groups of words, and each sentence keeps to one of them."""

import random
from pathlib import Path

GROUPS = {"a": [f"a{i}" for i in range(20)], "b": [f"b{i}" for i in range(20)]}
WORDS_PER_SENTENCE = 12


def sentences(count: int = 1200) -> list[list[str]]:
    """Sentences of the two groups in turn, the same in every call."""
    draw = random.Random(7)
    groups = list(GROUPS.values())
    return [draw.choices(groups[i % 2], k=WORDS_PER_SENTENCE) for i in range(count)]


def text(count: int = 1200) -> str:
    """The sentences as a text, one a line."""
    return "".join(" ".join(sentence) + "\n" for sentence in sentences(count))


def write(path: Path, count: int = 1200) -> Path:
    """Writes the text to a file and returns its path."""
    path.write_text(text(count), encoding="utf-8")
    return path


def share_of_companions(neighbours: list[tuple[str, float]], word: str) -> float:
    """How many of the neighbours are of the word's own group."""
    return sum(name[0] == word[0] for name, _ in neighbours) / len(neighbours)
