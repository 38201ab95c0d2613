"""Compares the drop-in class with gensim's through gensim's interface, the whole call included.

    python scripts/benchmark/interface.py corpus.txt --threads 2 --sample 1e-4

What is timed is Word2Vec(...): vocabulary, encoding and training, from a list of lists in memory, from
corpus_file, and from a restartable iterable that splits lines as it goes. Interleaved runs, each in a process
of its own; medians and ranges over the repeats, ratios round by round, and the quality reached.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conditions import conditions, spread, table
from peers import SLOWING_VARIABLES

OURS, THEIRS = "full_w2v", "gensim"
SOURCES = ("list of lists", "corpus_file", "iterable")


@dataclass(frozen=True)
class Timing:
    """Seconds of the whole call, raw words per second in it, and Spearman correlations by name of the set."""

    seconds: float
    words_per_second: float
    quality: dict[str, float]


class Lines:
    """Sentences of a file, split while they are read, as often as anyone asks."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __iter__(self) -> Iterator[list[str]]:
        with Path(self._path).open(encoding="utf-8") as file:
            for line in file:
                yield line.split()


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        engine, source, corpus, settings = sys.argv[2:]
        print(json.dumps(asdict(time_call(engine, source, corpus, json.loads(settings)))))
        return
    options = parse()
    settings = {
        "sg": int(not options.cbow),
        "vector_size": options.vector_size,
        "sample": options.sample,
        "epochs": options.epochs,
        "workers": options.threads,
    }
    runs: dict[tuple[str, str], list[Timing]] = defaultdict(list)
    for repeat in range(options.repeats):
        for source in options.sources:
            for engine in (OURS, THEIRS):
                done = run(engine, source, options.corpus, {**settings, "seed": repeat + 1})
                runs[source, engine].append(done)
                print(f"round {repeat + 1}, {source}: {engine} {done.seconds:.1f} s", file=sys.stderr)
    report(options, settings, runs)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--sources", nargs="+", default=list(SOURCES), choices=SOURCES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--sample", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--cbow", action="store_true", help="CBOW instead of skip-gram")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def run(engine: str, source: str, corpus: str, settings: dict[str, Any]) -> Timing:
    """One call in a process of its own. Raises CalledProcessError if it fails."""
    command = [sys.executable, __file__, "--one", engine, source, corpus, json.dumps(settings)]
    environment = {name: value for name, value in os.environ.items() if name not in SLOWING_VARIABLES}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def time_call(engine: str, source: str, corpus: str, settings: dict[str, Any]) -> Timing:
    """Times one call in this process, on sentences that are read before if they are to be in memory."""
    import full_w2v

    if engine == OURS:
        kind: Any = full_w2v.Word2Vec
    else:
        from gensim.models import Word2Vec as kind  # noqa: N813
    given: dict[str, Any] = {
        "list of lists": lambda: {"sentences": list(Lines(corpus))},
        "corpus_file": lambda: {"corpus_file": corpus},
        "iterable": lambda: {"sentences": Lines(corpus)},
    }[source]()
    began = time.perf_counter()
    model = kind(**given, **settings)
    seconds = time.perf_counter() - began
    words = model.corpus_total_words * settings["epochs"]
    return Timing(seconds, words / seconds, score(model))


def score(model: Any) -> dict[str, float]:
    """Spearman correlations on the sets that evaluation finds here."""
    from full_w2v.embeddings import Embeddings
    from full_w2v.evaluation import default_sets, evaluate

    sets = default_sets()
    result = evaluate(Embeddings.from_gensim(model), list(map(str, sets.pairs)), [], 30_000)
    return {pairs.name: pairs.spearman for pairs in result.pairs if pairs.spearman is not None}


def report(
    options: argparse.Namespace, settings: dict[str, Any], runs: dict[tuple[str, str], list[Timing]]
) -> None:
    figures = []
    for source in options.sources:
        ours, theirs = runs[source, OURS], runs[source, THEIRS]
        ratios = [b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True)]
        figures.append({"source": source, "ratios": ratios, OURS: ours, THEIRS: theirs})
    facts = {"corpus": options.corpus, "repeats": options.repeats, **settings, **conditions()}
    if options.json:
        print(json.dumps({"conditions": facts, "runs": figures}, default=asdict))
        return
    rows = [("source", "full_w2v s", "gensim s", "times faster", "quality: full_w2v | gensim")]
    rows += [
        (
            line["source"],
            spread([timing.seconds for timing in line[OURS]]),
            spread([timing.seconds for timing in line[THEIRS]]),
            spread(line["ratios"]),
            f"{means(line[OURS])} | {means(line[THEIRS])}",
        )
        for line in figures
    ]
    print(table(rows))
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))


def means(timings: list[Timing]) -> str:
    """Mean of each set's correlations."""
    names = sorted(set.intersection(*(set(timing.quality) for timing in timings)))
    return ", ".join(f"{name} {sum(t.quality[name] for t in timings) / len(timings):.3f}" for name in names)


if __name__ == "__main__":
    main()
