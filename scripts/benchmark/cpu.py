"""Compares the speed of training on the CPU with gensim and fastText.

Interleaved runs, each in a process of its own, of every engine on the same corpus with the same settings
and threads: words per second of training (raw words, before subsampling), seconds to read the corpus, seconds
of the whole run (from before the process starts until the vectors are saved), peak memory, and the quality of
the vectors. Medians and ranges over the repeats; ratios are taken round by round. With --share-negatives this
package takes part a second time, in that mode.

    python scripts/benchmark/cpu.py corpus.txt --threads 1 2 --vector-size 128 --sample 1e-4
"""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from dataclasses import replace
from typing import Any

from conditions import conditions, spread, table
from peers import OURS, Run, Sets, Settings, installed_engines, run

from full_w2v.evaluation import default_sets


def main() -> None:
    options = parse()
    sets = default_sets()
    sets = Sets([*map(str, sets.pairs), *options.pairs], list(map(str, sets.analogies)))
    base = Settings(
        architecture="cbow" if options.cbow else "skip-gram",
        vector_size=options.vector_size,
        window=options.window,
        negative=options.negative,
        sample=options.sample,
        epochs=options.epochs,
    )
    contenders = {engine: (engine, base) for engine in options.engines}
    if options.share_negatives > 1:
        shared = replace(base, share_negatives=options.share_negatives)
        contenders[f"{OURS}, {options.share_negatives} shared"] = (OURS, shared)
    reports = []
    for threads in options.threads:
        rounds = measure(contenders, options.corpus, threads, sets, options.repeats)
        reports.append(report(replace(base, threads=threads), rounds))
        if not options.json:
            show(reports[-1])
    result = {
        "conditions": conditions(),
        "corpus": options.corpus,
        "repeats": options.repeats,
        "runs": reports,
    }
    if options.json:
        print(json.dumps(result))
    else:
        facts = {"corpus": options.corpus, "repeats": options.repeats, **result["conditions"]}
        print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="text file, one sentence per line")
    parser.add_argument("--engines", nargs="+", default=installed_engines(), choices=installed_engines())
    parser.add_argument("--cbow", action="store_true", help="CBOW (default: skip-gram)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--vector-size", type=int, default=128)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument(
        "--share-negatives", type=int, default=1, metavar="K", help=f"run {OURS} with K windows shared, too"
    )
    parser.add_argument("--sample", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--pairs", nargs="*", default=[], help="more word-similarity files, MEN for one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if OURS not in options.engines:
        parser.error(f"--engines must name {OURS}: the others are measured against it")
    return options


def measure(
    contenders: dict[str, tuple[str, Settings]], corpus: str, threads: int, sets: Sets, repeats: int
) -> dict[str, list[Run]]:
    """Rounds of one run of each contender (engine, settings), so that a drift of the machine meets all."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for repeat in range(repeats):
        for name, (engine, settings) in contenders.items():
            done = run(engine, corpus, replace(settings, threads=threads, seed=repeat + 1), sets)
            runs[name].append(done)
            print(
                f"threads {threads}, round {repeat + 1}: {name} {done.words_per_second:,.0f} words/s",
                file=sys.stderr,
            )
    return dict(runs)


def report(settings: Settings, rounds: dict[str, list[Run]]) -> dict[str, Any]:
    """Medians and ranges of each engine, and its times as multiples of ours, round by round."""
    ours = rounds[OURS]
    sets = set.intersection(*(set(done.quality) for runs in rounds.values() for done in runs))
    engines = {}
    for engine, runs in rounds.items():
        both = list(zip(ours, runs, strict=True))
        engines[engine] = {
            "words_per_second": [done.words_per_second for done in runs],
            "whole_seconds": [done.whole_seconds for done in runs],
            "ours_is_done_sooner": [b.whole_seconds / a.whole_seconds for a, b in both],
            "read_seconds": [done.read_seconds for done in runs],
            "peak_mebibytes": [done.peak_mebibytes for done in runs],
            "ours_is_faster": [a.words_per_second / b.words_per_second for a, b in both],
            "quality": {name: [done.quality[name] for done in runs] for name in sorted(sets)},
        }
    return {"settings": vars(settings), "engines": engines}


def show(report: dict[str, Any]) -> None:
    """Prints one report as two tables."""
    print(f"\n{', '.join(f'{name} {value}' for name, value in report['settings'].items() if name != 'seed')}")
    head = ("engine", "M words/s: median [least, most]", "ours is faster", "reading s", "whole run s")
    rows = [(*head, "ours is done sooner", "peak MiB")]
    for engine, figures in report["engines"].items():
        rows.append(
            (
                engine,
                spread([value / 1e6 for value in figures["words_per_second"]]),
                spread(figures["ours_is_faster"]),
                f"{statistics.median(figures['read_seconds']):.2f}",
                f"{statistics.median(figures['whole_seconds']):.1f}",
                spread(figures["ours_is_done_sooner"]),
                f"{max(figures['peak_mebibytes']):,.0f}",
            )
        )
    print(table(rows))
    names = list(next(iter(report["engines"].values()))["quality"])
    rows = [("quality, mean (deviation)", *names)]
    for engine, figures in report["engines"].items():
        rows.append((engine, *(mean_and_deviation(figures["quality"][name]) for name in names)))
    print(table(rows))


def mean_and_deviation(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ({deviation:.4f})"


if __name__ == "__main__":
    main()
