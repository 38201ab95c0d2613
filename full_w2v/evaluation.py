"""How good embeddings are: correlation with people's judgements of word pairs, and answers to analogies.

Both give what gensim's KeyedVectors.evaluate_word_pairs and evaluate_word_analogies give with their default
settings. Words are compared in upper case; of words that then are the same the first, most frequent, counts.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from full_w2v.any_path import AnyPath
from full_w2v.corpus.file_signatures import HEAD_BYTES, not_utf8
from full_w2v.embeddings import Embeddings
from full_w2v.errors import BackendError, ConfigError, FormatError, setting, shown

RESTRICT_VOCABULARY = 300_000  # gensim's default
QUESTION_BLOCK = 2048  # whose cosines with search.WORD_BLOCK words are held at a time: 16 MB


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PairsResult:
    """Agreement with judged word pairs.

    spearman, pearson: correlation of cosines with scores over the pairs found; None if there are fewer than
        two, or if one of both is the same for all pairs.
    found: pairs with both words in the vocabulary. total: pairs in the file.
    """

    name: str
    spearman: float | None
    pearson: float | None
    found: int
    total: int


@dataclass(frozen=True)
class SectionResult:
    """Answers to one section's analogies.

    correct: questions answered right. found: questions with all four words in the vocabulary; total: all.
    """

    name: str
    correct: int
    found: int
    total: int

    @property
    def accuracy(self) -> float | None:
        """Share of the questions found that were answered right; None if none was found."""
        return self.correct / self.found if self.found else None


@dataclass(frozen=True)
class AnalogiesResult(SectionResult):
    """Answers to a file of analogies, and to each section of it."""

    sections: tuple[SectionResult, ...]


@dataclass(frozen=True)
class Evaluation:
    """Results for one embedding on several sets, in the order in which they were asked for."""

    words: int
    dimension: int
    pairs: tuple[PairsResult, ...]
    analogies: tuple[AnalogiesResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "words": self.words,
            "dimension": self.dimension,
            "pairs": [asdict(result) for result in self.pairs],
            "analogies": [
                _section_dict(result) | {"sections": [_section_dict(part) for part in result.sections]}
                for result in self.analogies
            ],
        }

    def to_text(self) -> str:
        """Aligned lines for people; ends without a newline."""
        blocks = [f"{self.words:,} words, {self.dimension} dimensions"]
        if self.pairs:
            rows = [
                (pair.name, _number(pair.spearman), _number(pair.pearson), f"{pair.found} / {pair.total}")
                for pair in self.pairs
            ]
            blocks.append(_table([("word pairs", "Spearman", "Pearson", "found"), *rows]))
        if self.analogies:
            parts = [row for result in self.analogies for row in _analogy_rows(result)]
            blocks.append(_table([("analogies", "accuracy", "correct", "found"), *parts]))
        return "\n\n".join(blocks)


@dataclass(frozen=True)
class EvaluationSets:
    """Files to evaluate on."""

    pairs: tuple[Path, ...]
    analogies: tuple[Path, ...]


def default_sets() -> EvaluationSets:
    """WS-353, SimLex-999 and the Google analogies, as gensim ships them."""
    spec = find_spec("gensim")  # without importing it, which takes a second
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the default evaluation sets come with gensim, which is not installed")
    folder = Path(spec.origin).parent / "test" / "test_data"
    return EvaluationSets(
        (folder / "wordsim353.tsv", folder / "simlex999.txt"), (folder / "questions-words.txt",)
    )


def evaluate(
    embeddings: Embeddings,
    pairs: Sequence[AnyPath] = (),
    analogies: Sequence[AnyPath] = (),
    restrict_vocabulary: int = RESTRICT_VOCABULARY,
) -> Evaluation:
    """Evaluates on all given files, or on `default_sets()` if none is given.

    Files, settings and errors are those of `evaluate_pairs` and `evaluate_analogies`. Where cupy is installed
    and finds a CUDA device with room for the vectors, analogies are answered there.
    """
    if not pairs and not analogies:
        defaults = default_sets()
        pairs, analogies = defaults.pairs, defaults.analogies
    embeddings = _on_device_if_usable(embeddings)
    return Evaluation(
        len(embeddings),
        embeddings.dimension,
        tuple(evaluate_pairs(embeddings, path, restrict_vocabulary) for path in pairs),
        tuple(evaluate_analogies(embeddings, path, restrict_vocabulary) for path in analogies),
    )


def _on_device_if_usable(embeddings: Embeddings) -> Embeddings:
    if find_spec("cupy") is None:
        return embeddings
    try:
        return embeddings.on_device()
    except BackendError as error:
        _log.info("analogies are answered on the host: %s", error)
        return embeddings


def evaluate_pairs(
    embeddings: Embeddings, path: AnyPath, restrict_vocabulary: int = RESTRICT_VOCABULARY
) -> PairsResult:
    """Correlation of cosines with people's judgements of how similar two words are.

    path: UTF-8 lines of two words and a score, separated by tabs, commas or spaces. Ignored are further
        fields, empty lines, lines that begin with # and a first line whose score is not a number (a header).
    restrict_vocabulary: pairs count as found if both words are among the first so many.
    Raises FormatError, with the line, for a file that is something else; OSError if it cannot be read.
    """
    path = Path(path)
    judged = list(_read_pairs(path))
    if not judged:
        raise FormatError(f"{path}: expected lines of two words and a score, got none")
    ids = _upper_case_ids(embeddings, restrict_vocabulary)
    found = [(ids[a], ids[b], score) for a, b, score in judged if a in ids and b in ids]
    scores = np.array([score for _, _, score in found])
    cosines = _cosines(embeddings, np.array([pair[:2] for pair in found], np.int64).reshape(-1, 2))
    return PairsResult(
        path.stem,
        correlation(average_ranks(scores), average_ranks(cosines)),
        correlation(scores, cosines),
        len(found),
        len(judged),
    )


def evaluate_analogies(
    embeddings: Embeddings, path: AnyPath, restrict_vocabulary: int = RESTRICT_VOCABULARY
) -> AnalogiesResult:
    """Share of questions "a is to b as c is to d" for which d is the word nearest to b - a + c.

    Vectors are scaled to length 1 before they are added; a, b and c are excluded from the answers (3CosAdd).

    path: UTF-8 lines of four words, with lines ": name" before each section; empty lines and lines that begin
        with # are ignored. Questions before the first section form one with the file's name.
    restrict_vocabulary: questions count as found if their words are among the first so many, and answers are
        sought among these.
    Blocks of questions meet blocks of words: less than 100 MB on top of the embeddings, whatever their size.
    Raises FormatError, with the line, for a file that is something else; OSError if it cannot be read.
    """
    path = Path(path)
    sections = _read_analogies(path)
    if not any(questions for _, questions in sections):
        raise FormatError(f"{path}: expected lines of four words, got none")
    ids = _upper_case_ids(embeddings, restrict_vocabulary)
    found = [[q for q in questions if all(word in ids for word in q)] for _, questions in sections]
    asked = [[ids[word] for word in question] for questions in found for question in questions]
    first_form = np.array([ids[word.upper()] for word in embeddings.words[:restrict_vocabulary]])
    right = _answered_right(embeddings, np.array(asked, np.int64).reshape(-1, 4), first_form)
    bounds = pairwise(np.cumsum([0, *map(len, found)]).tolist())
    results = tuple(
        SectionResult(name, int(right[begin:end].sum()), end - begin, len(questions))
        for (name, questions), (begin, end) in zip(sections, bounds, strict=True)
    )
    total = sum(len(questions) for _, questions in sections)
    return AnalogiesResult(path.stem, int(right.sum()), len(right), total, results)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Pearson's correlation; None for fewer than two values, or if all of either are the same."""
    if len(a) < 2 or a.min() == a.max() or b.min() == b.max():
        return None
    a, b = a / np.abs(a).max(), b / np.abs(b).max()  # or squares of large and small scores might not fit
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing their average: Pearson's correlation of these is Spearman's."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return ranks


def _upper_case_ids(embeddings: Embeddings, restrict_vocabulary: int) -> dict[str, int]:
    """Id of the first word with each upper-case form, among the first so many words."""
    if restrict_vocabulary < 1:
        raise ConfigError(f"{setting('restrict_vocabulary')} must be at least 1, got {restrict_vocabulary}")
    ids: dict[str, int] = {}
    for i, word in enumerate(embeddings.words[:restrict_vocabulary]):
        ids.setdefault(word.upper(), i)
    return ids


def _cosines(embeddings: Embeddings, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    left, right = (embeddings.unit_vectors(ids).astype(np.float64) for ids in pairs.T)
    cosines: NDArray[np.float64] = (left * right).sum(axis=1)
    return cosines


def _answered_right(
    embeddings: Embeddings, questions: NDArray[np.int64], first_form: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each question (a, b, c, d) is answered with d, or with a word that differs only in case.

    questions: word ids, shape [questions, 4]. first_form: id of the first word with the same upper case, for
        each word that may be an answer.
    """
    forms = defaultdict(list)
    for word, first in enumerate(first_form.tolist()):
        forms[first].append(word)
    right = np.zeros(len(questions), np.bool_)
    for begin in range(0, len(questions), QUESTION_BLOCK):
        block = questions[begin : begin + QUESTION_BLOCK]
        barred = [
            (i, word) for i, row in enumerate(block[:, :3].tolist()) for first in row for word in forms[first]
        ]
        answers = embeddings.search.nearest(_targets(embeddings, block), np.array(barred), len(first_form))
        right[begin : begin + QUESTION_BLOCK] = (answers >= 0) & (first_form[answers] == block[:, 3])
    return right


def _targets(embeddings: Embeddings, questions: NDArray[np.int64]) -> NDArray[np.float32]:
    a, b, c = (embeddings.unit_vectors(ids) for ids in questions[:, :3].T)
    targets: NDArray[np.float32] = b - a + c
    return targets


def _read_pairs(path: Path) -> Iterator[tuple[str, str, float]]:
    """Both words in upper case and the score of each line."""
    for position, (number, line) in enumerate(_lines(path)):
        separator = next((mark for mark in "\t," if mark in line), None)
        fields = [field.strip() for field in line.split(separator)]
        if len(fields) < 3 or not fields[0] or not fields[1]:
            raise FormatError(f"{path}: line {number}: expected two words and a score, got {shown(line)}")
        try:
            score = float(fields[2])
        except ValueError:
            score = math.nan
        if math.isfinite(score):
            yield fields[0].upper(), fields[1].upper(), score
        elif position > 0:  # the first line may be a header
            raise FormatError(
                f"{path}: line {number}: expected a score after two words, got {shown(fields[2])}"
            )


def _read_analogies(path: Path) -> list[tuple[str, list[list[str]]]]:
    """Name and questions of each section, questions in upper case."""
    sections: list[tuple[str, list[list[str]]]] = []
    for number, line in _lines(path):
        if line.startswith(":"):
            sections.append((line.lstrip(":").strip(), []))
            continue
        question = line.upper().split()
        if len(question) != 4:
            raise FormatError(f"{path}: line {number}: expected four words, got {shown(line)}")
        if not sections:
            sections.append((path.stem, []))
        sections[-1][1].append(question)
    return sections


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is neither empty nor a comment."""
    with path.open("rb") as file:
        if (reason := not_utf8(file.peek(HEAD_BYTES)[:HEAD_BYTES])) is not None:
            raise FormatError(f"{path}: {reason}")
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig").strip()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                raise FormatError(f"{path}: line {number} is not UTF-8 (byte 0x{byte:02x})") from None
            if text and not text.startswith("#"):
                yield number, text


def _section_dict(result: SectionResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "accuracy": result.accuracy,
        "correct": result.correct,
        "found": result.found,
        "total": result.total,
    }


def _analogy_rows(result: AnalogiesResult) -> list[tuple[str, ...]]:
    sections = [(f"  {section.name}", section) for section in result.sections]
    return [
        (name, _number(part.accuracy), str(part.correct), f"{part.found} / {part.total}")
        for name, part in [(result.name, result), *sections]
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as lines, the first column aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
