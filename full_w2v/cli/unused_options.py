"""Rejects options that have no effect given the others, so that nobody relies on them."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from full_w2v import objectives
from full_w2v.errors import ConfigError

# How text is read: of no use where none is.
READING = (
    "memory_limit",
    "format",
    "column",
    "lowercase",
    "normalize",
    "pattern",
    "tokenizer",
    "sentences",
    "encoding",
    "errors",
    "threads",
)


@dataclass(frozen=True)
class Rule:
    """Options, by the names of their values, that do nothing if `idle` holds, and why."""

    names: tuple[str, ...]
    idle: Callable[[argparse.Namespace], bool]
    why: str


RULES = {
    "train": (
        Rule(("cache_hash",), lambda given: given.cache is None, "without --cache"),
        Rule(("min_count", "max_final_vocab"), lambda given: given.vocabulary is not None, "with --vocab"),
        Rule(
            ("phrase_min_count", "phrase_threshold", "phrase_score", "phrase_delimiter"),
            lambda given: given.phrase_passes == 0,
            "without --phrases",
        ),
    ),
    "vocabulary": (
        Rule(READING, lambda given: given.counts, "with --counts"),
        Rule(("json",), lambda given: given.output is not None, "with --output"),
    ),
}


def _objective_rules() -> Iterator[Rule]:
    """Settings that belong to an objective do nothing without it."""
    for one in objectives.objectives():
        yield Rule(one.owns, partial(_is_unused, one), one.unused)


def _is_unused(one: objectives.Objective, given: argparse.Namespace) -> bool:
    return not one.is_used(given)


def refuse_unused_options(
    command: str, given: argparse.Namespace, default: Callable[[str], object], option: Callable[[str], str]
) -> None:
    """Raises ConfigError for the first option that has another value than its default, but no effect.

    default, option: of the name of a value, its default and how it is set.
    """
    rules = RULES.get(command, ())
    for rule in (*rules, *_objective_rules()) if command == "train" else rules:
        for name in rule.names:
            value = getattr(given, name)
            if rule.idle(given) and value != default(name):
                spelled = f"--no-{option(name)[2:]}" if value is False else option(name)
                raise ConfigError(f"{spelled} has no effect {rule.why}")
