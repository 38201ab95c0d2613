"""Writes the planted corpus of data/: text with known right answers, its analogy questions and word pairs.

The same seed writes the same bytes on every machine: of Python's generator only random() is used, the one
method whose sequence is promised for ever. See data/README.md for what the files hold.
"""

import argparse
import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, permutations
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from corpus_words import (
    ADJECTIVES,
    LINKS,
    NOUNS,
    PREPOSITIONS,
    RELATIONS,
    SHORT_SENTENCES,
    SYLLABLES,
    Relation,
)

T = TypeVar("T")

CORPUS_BYTES = 1_000_000
NAMES = 2000
COMPANY_NOUNS = 7
COMPANY_ADJECTIVES = 3
SHORT_SENTENCE_SHARE = 0.04
LONG_SENTENCE_SHARE = 0.002
PAIRS_OF_A_KIND = 100
# What a pair's likeness is worth: the company that two words share, and being the same form of a relation.
COMPANY_SCORE = 6.0
FORM_SCORE = 4.0


class Draw:
    """Random choices, made of random() alone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def one(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self.random() * len(items))]

    def several(self, items: Iterable[T], count: int) -> list[T]:
        """`count` different items, all equally likely, in random order."""
        rest = list(items)
        return [rest.pop(int(self.random() * len(rest))) for _ in range(count)]

    def geometric(self, mean: float) -> int:
        """A whole number from 1 up, geometrically distributed."""
        count = 1
        while self.random() * mean >= 1.0:
            count += 1
        return count


class Zipf(Generic[T]):
    """Items by rank; `draw` takes them in proportion to 1 / (rank + shift)."""

    def __init__(self, items: Sequence[T], shift: float) -> None:
        self.items = items
        self.cumulative = list(accumulate(1.0 / (rank + shift) for rank in range(1, len(items) + 1)))

    def draw(self, draw: Draw) -> T:
        """One of the items."""
        return self.items[bisect_right(self.cumulative, draw.random() * self.cumulative[-1])]


class Concept(NamedTuple):
    """A row of a relation, with the nouns and adjectives that are said of all its forms."""

    relation: Relation
    words: tuple[str, ...]
    nouns: list[str]
    adjectives: list[str]


class Language(NamedTuple):
    """What sentences are drawn from."""

    concepts: list[Concept]
    ranked: Zipf[Concept]
    names: Zipf[str]


def make_language(draw: Draw) -> Language:
    concepts = [
        Concept(
            relation, words, draw.several(NOUNS, COMPANY_NOUNS), draw.several(ADJECTIVES, COMPANY_ADJECTIVES)
        )
        for relation in RELATIONS
        for words in relation.concepts
    ]
    # A large shift keeps the rarest planted word at 20 occurrences; most names may be rarer than that.
    ranked = Zipf(draw.several(concepts, len(concepts)), shift=100.0)
    return Language(concepts, ranked, Zipf(make_names(draw, concepts), shift=2.0))


def make_names(draw: Draw, concepts: list[Concept]) -> list[str]:
    """Invented names, none of them a word that is planted or stands around planted ones."""
    taken = {*NOUNS, *ADJECTIVES, *(word for concept in concepts for word in concept.words)}
    names: dict[str, None] = {}
    while len(names) < NAMES:
        name = "".join(draw.one(part) for part in SYLLABLES)
        if name not in taken:
            names[name] = None
    return list(names)


def write_clause(draw: Draw, language: Language) -> list[str]:
    concept = language.ranked.draw(draw)
    form = int(draw.random() * len(concept.words))
    words = []
    for token in draw.one(concept.relation.frames[form]).split():
        if token == "X":
            word = concept.words[form]
        elif token == "N":
            word = draw.one(concept.nouns)
        elif token == "A":
            word = draw.one(concept.adjectives)
        elif token == "P":
            word = draw.one(PREPOSITIONS)
        elif token == "NAME":
            word = language.names.draw(draw)
        else:
            word = token
        if words and words[-1] == "a" and word[0] in "aeiou":
            words[-1] = "an"
        words.append(word)
    return words


def write_sentence(draw: Draw, language: Language) -> str:
    if draw.random() < SHORT_SENTENCE_SHARE:
        return draw.one(SHORT_SENTENCES)
    long = draw.random() < LONG_SENTENCE_SHARE
    words = write_clause(draw, language)
    for _ in range(draw.geometric(mean=40.0 if long else 1.5) - 1):
        words += [draw.one(LINKS), *write_clause(draw, language)]
    return " ".join(words)


def write_corpus(draw: Draw, language: Language) -> Iterator[str]:
    """Sentences until their lines fill CORPUS_BYTES."""
    size = 0
    while size < CORPUS_BYTES:
        line = write_sentence(draw, language)
        size += len(line) + 1
        yield line


def write_questions() -> Iterator[str]:
    """Every two concepts of a relation as a question, in the form of Google's questions-words.txt."""
    for relation in RELATIONS:
        for section, (asked, answer) in relation.sections.items():
            yield f": {section}"
            for one, other in permutations(relation.concepts, 2):
                yield f"{one[asked]} {one[answer]} {other[asked]} {other[answer]}"


class Sense(NamedTuple):
    """A planted word: a concept in one of its forms."""

    concept: Concept
    form: int

    @property
    def word(self) -> str:
        """The word as the corpus has it."""
        return self.concept.words[self.form]


def likeness(one: Sense, other: Sense) -> float:
    """How alike two planted words are, from 0 to 10: by the company and by the frames that they share."""
    company, other_company = ({*sense.concept.nouns, *sense.concept.adjectives} for sense in (one, other))
    shared = len(company & other_company) / (COMPANY_NOUNS + COMPANY_ADJECTIVES)
    same_frames = one.concept.relation is other.concept.relation and one.form == other.form
    return COMPANY_SCORE * shared + FORM_SCORE * same_frames


def partners(kind: str, one: Sense, senses: list[Sense]) -> list[Sense]:
    """The words that may stand beside `one` in a pair of this kind."""
    if kind == "same concept":
        return [other for other in senses if other.concept is one.concept and other.form != one.form]
    others = [other for other in senses if other.concept is not one.concept]
    if kind == "same frames":
        return [other for other in others if likeness(one, other) >= FORM_SCORE]
    return others


def write_pairs(draw: Draw, concepts: list[Concept]) -> Iterator[str]:
    """Different pairs of each kind with their `likeness`, in the form of WS-353 as gensim ships it."""
    yield "# word 1\tword 2\tlikeness by construction, 0 ... 10"
    senses = [Sense(concept, form) for concept in concepts for form in range(len(concept.words))]
    seen: set[frozenset[str]] = set()
    for kind in ("same concept", "same frames", "any"):
        wanted = len(seen) + PAIRS_OF_A_KIND
        while len(seen) < wanted:
            one = draw.one(senses)
            other = draw.one(partners(kind, one, senses))
            if frozenset((one.word, other.word)) not in seen:
                seen.add(frozenset((one.word, other.word)))
                yield f"{one.word}\t{other.word}\t{likeness(one, other):.1f}"


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "data")
    parser.add_argument("--seed", type=int, default=2021)
    args = parser.parse_args()
    draw = Draw(args.seed)
    language = make_language(draw)
    write_lines(args.output / "planted.txt", write_corpus(draw, language))
    write_lines(args.output / "planted-analogies.txt", write_questions())
    write_lines(args.output / "planted-pairs.txt", write_pairs(draw, language.concepts))


if __name__ == "__main__":
    main()
