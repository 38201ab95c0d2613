"""Measures the corpus path: counting and encoding of text, plain and compressed, against what bounds them.

Interleaved runs in this process, from the page cache: megabytes of text per second on each number of threads.
Compressed copies of the corpus are made in a temporary folder; for them the decompressor alone is timed too,
and the ratio of both is taken round by round. A virtual machine may get less of its cores than it shows, and
decompression cannot run beside counting then: what two threads did at once, against one, is measured in each
round too, and `--cores` leaves out the rounds with less.

    python scripts/benchmark/corpus.py corpus.txt --threads 1 2 --repeats 5
"""

import argparse
import gzip
import hashlib
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conditions import conditions, spread, table

from full_w2v.corpus import open_corpus
from full_w2v.corpus.decompression import text_chunks, zstd
from full_w2v.encoding.encoded_corpus import count_corpus

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 6),
    "zst": lambda data: zstd.compress(data, 9),
}


def main() -> None:
    options = parse()
    text = Path(options.corpus).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        paths = {"plain": Path(options.corpus)}
        for suffix in options.compressed:
            paths[suffix] = Path(folder, f"corpus.txt.{suffix}")
            paths[suffix].write_bytes(COMPRESSORS[suffix](text))
        rounds = wanted_rounds(paths, options)
    report = {name: [figures[name] for figures in rounds] for name in rounds[0]}
    cores = report.pop("cores")
    if options.json:
        facts = {"conditions": conditions(), "corpus": options.corpus}
        print(json.dumps({**facts, "cores": cores, "seconds": report}))
    else:
        show(report, cores, len(text) / 1e6, options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="plain text file, one sentence per line")
    parser.add_argument("--threads", metavar="N", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--compressed", nargs="*", choices=COMPRESSORS, default=list(COMPRESSORS))
    parser.add_argument("--repeats", metavar="N", type=int, default=5)
    parser.add_argument(
        "--cores",
        metavar="X",
        type=float,
        default=0.0,
        help="take only rounds with so many cores at work, of 2; ten times --repeats are tried",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def wanted_rounds(paths: dict[str, Path], options: argparse.Namespace) -> list[dict[str, float]]:
    rounds: list[dict[str, float]] = []
    for _ in range(10 * options.repeats):
        figures = measure(paths, options.threads)
        if figures["cores"] >= options.cores:
            rounds.append(figures)
        if len(rounds) == options.repeats:
            return rounds
    raise SystemExit(f"only {len(rounds)} of {10 * options.repeats} rounds had {options.cores} cores at work")


def cores_at_work() -> float:
    """How many cores two threads get: 2 where each is as fast as one alone."""
    data = bytes(1 << 26)

    def hash_all() -> None:
        hashlib.sha256(data).digest()

    def both() -> None:
        other = threading.Thread(target=hash_all)
        other.start()
        hash_all()
        other.join()

    # The first run also fetches the data: a slow one would promise more cores than there are.
    return 2 * min(timed(hash_all), timed(hash_all)) / timed(both)


def measure(paths: dict[str, Path], threads: list[int]) -> dict[str, float]:
    """Seconds of each case, run once: "plain, threads 1", "gz alone", ...; and the fewest "cores" at work."""
    cores = [cores_at_work()]
    seconds: dict[str, float] = {}
    for kind, path in paths.items():
        if kind != "plain":
            seconds[f"{kind} alone"] = timed(lambda path=path: drain(path))
        for count in threads:
            seconds[f"{kind}, threads {count}"] = timed(lambda path=path, count=count: read(path, count))
        cores.append(cores_at_work())
    return {"cores": min(cores), **seconds}


def timed(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def drain(path: Path) -> None:
    with path.open("rb") as file:
        for _ in text_chunks(file, path):
            pass


def read(path: Path, threads: int) -> None:
    with count_corpus(open_corpus(path), threads=threads) as counted, counted.encode() as encoded:
        assert encoded.tokens > 0


def show(
    report: dict[str, list[float]], cores: list[float], megabytes: float, options: argparse.Namespace
) -> None:
    rows = [("", "seconds: median [least, most]", "MB/s", "times the decompressor alone")]
    for name, seconds in report.items():
        alone = report.get(f"{name.partition(',')[0]} alone", [])
        ratios = [ours / theirs for ours, theirs in zip(seconds, alone, strict=True)] if alone else []
        ratio = spread(ratios) if ratios and "alone" not in name else ""
        rows.append((name, spread(seconds), f"{megabytes / statistics.median(seconds):,.0f}", ratio))
    print(table(rows))
    facts = {
        "corpus": options.corpus,
        "repeats": options.repeats,
        "cores at work": spread(cores),
        **conditions(),
    }
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()))


if __name__ == "__main__":
    main()
