"""Compares the quality of opt-in training modes with the default's, seed by seed.

Trains each mode on each corpus with each seed and scores the vectors. Runs are kept in --results, a line of
JSON each, and a run found there is not repeated: a long study may be cut into short commands, and a new mode
adds only its own runs. Figures are means and deviations over the seeds; the last columns show a mode's mean
difference from the default in standard deviations (of both modes' runs, pooled).

    python scripts/benchmark/modes.py corpus.txt --modes default share2 --pairs MEN.txt --results modes.jsonl
"""

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conditions import conditions, table
from peers import Sets, score_embeddings

import full_w2v
from full_w2v.evaluation import default_sets

DEFAULT = "default"
# What a mode changes in the default settings.
MODES: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "share2": {"share_negatives": 2},
    "share3": {"share_negatives": 3},
    "share4": {"share_negatives": 4},
    "tf32": {"score_precision": "tf32"},
    "bf16": {"row_precision": "bf16"},
}

Scores = dict[str, float]


def main() -> None:
    options = parse()
    default = default_sets()
    sets = Sets([*map(str, default.pairs), *options.pairs], list(map(str, default.analogies)))
    settings = {name: getattr(options, name) for name in ("vector_size", "epochs", "sample", "threads")}
    done = list(stored_runs(options.results))
    for corpus, seed, mode in itertools.product(options.corpora, options.seeds, chosen_modes(options)):
        key = {"corpus": Path(corpus).name, "mode": mode, **settings, "seed": seed}
        if all(run["key"] != key for run in done):
            result = full_w2v.train(corpus, seed=seed, backend="cpu", **settings, **MODES[mode])
            done.append({"key": key, "scores": score_embeddings(result.embeddings, sets)})
            keep(done[-1], options.results)
    chosen = [run for run in done if wanted(run["key"], options, settings)]
    if options.json:
        print(json.dumps({"conditions": conditions(), "runs": chosen}))
    else:
        show(chosen)
        facts = {**settings, "seeds": len(options.seeds), **conditions()}
        print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", nargs="+", help="text files, one sentence per line")
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=list(MODES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=1, help="1 (default) is reproducible to the bit")
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--sample", type=float, default=1e-4)
    parser.add_argument("--pairs", nargs="*", default=[], help="more word-similarity files, MEN for one")
    parser.add_argument("--results", type=Path, help="file of runs done, to be continued")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def chosen_modes(options: argparse.Namespace) -> list[str]:
    """The modes asked for; the default, which they are compared with, comes first."""
    return list(dict.fromkeys([DEFAULT, *options.modes]))


def stored_runs(path: Path | None) -> Iterator[dict[str, Any]]:
    """The runs kept in a file of an earlier study."""
    if path is not None and path.exists():
        yield from map(json.loads, path.read_text().splitlines())


def keep(run: dict[str, Any], path: Path | None) -> None:
    """Adds a run to the file, at once: a study may be stopped."""
    print(run, file=sys.stderr)
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(run) + "\n")


def wanted(key: dict[str, Any], options: argparse.Namespace, settings: dict[str, Any]) -> bool:
    """Whether a kept run belongs to the study that is asked for."""
    return (
        key["corpus"] in {Path(corpus).name for corpus in options.corpora}
        and key["mode"] in chosen_modes(options)
        and key["seed"] in options.seeds
        and all(key[name] == value for name, value in settings.items())
    )


def show(runs: list[dict[str, Any]]) -> None:
    """A table for each corpus: a row for each mode, the default first."""
    for corpus in dict.fromkeys(run["key"]["corpus"] for run in runs):
        of_mode: dict[str, list[Scores]] = {}
        for run in runs:
            if run["key"]["corpus"] == corpus:
                of_mode.setdefault(run["key"]["mode"], []).append(run["scores"])
        names = list(of_mode[DEFAULT][0])
        rows = [(corpus, *names, *(f"Δ {name}" for name in names))]
        for mode, scores in of_mode.items():
            columns = [
                ([one[name] for one in scores], [one[name] for one in of_mode[DEFAULT]]) for name in names
            ]
            rows.append((mode, *(figure(own) for own, _ in columns), *(shift(*both) for both in columns)))
        print("\n" + table(rows))


def figure(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{statistics.mean(values):.4f} ({deviation(values):.4f})"


def shift(values: list[float], default: list[float]) -> str:
    """How far a mode's mean is from the default's, in standard deviations."""
    pooled = ((deviation(values) ** 2 + deviation(default) ** 2) / 2) ** 0.5
    return f"{(statistics.mean(values) - statistics.mean(default)) / pooled:+.1f}" if pooled else "–"


def deviation(values: list[float]) -> float:
    """Standard deviation over seeds; 0 of a single one."""
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
