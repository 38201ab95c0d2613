"""The command line: one function per subcommand, no logic of its own.

Results go to stdout, progress to stderr. Exit codes: 0 success, 1 failure, 2 misuse, 130 interrupted.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from full_w2v import __version__
from full_w2v.backends import BACKENDS, backend_status
from full_w2v.config import Order, TrainConfig
from full_w2v.errors import ConfigError, FullW2VError

PROGRAM = "full-w2v"
CORPUS_HELP = "text file, one sentence a line, words between white space; plain or .gz .bz2 .xz .zst"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output, head for one, has gone: not an error, but nothing more can be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was written", 130)
    except ConfigError as error:
        return _fail(str(error), 2)
    except MemoryError:
        return _fail(
            "out of memory; try a smaller --vector-size, a higher --min-count or --max-final-vocab", 1
        )
    except (FullW2VError, OSError) as error:
        return _fail(_message(error), 1)
    return 0


def train(options: argparse.Namespace) -> None:
    """Trains word vectors on text and saves them."""
    from full_w2v.formats import check_output
    from full_w2v.pipeline import train as run
    from full_w2v.terminal import PhaseBars

    config = TrainConfig(**{field.name: getattr(options, field.name) for field in fields(TrainConfig)})
    check_output(options.output)
    with PhaseBars(enabled=not options.quiet) as bars:
        result = run(
            options.corpus,
            min_count=options.min_count,
            max_final_vocab=options.max_final_vocab,
            encoding=options.encoding,
            errors=options.errors,
            backend=options.backend,
            config=config,
            on_phase=bars.phase,
            on_progress=bars.training,
        )
    result.save(options.output)
    report = {"output": options.output, "vocabulary": len(result.model.vocabulary), **result.report.to_dict()}
    if options.json:
        print(json.dumps(report))
    else:
        print(
            f"{options.output}: {len(result.model.vocabulary):,} words x {config.vector_size}, trained on "
            f"{report['raw_words']:,} words at {report['words_per_second']:,.0f} words/s"
        )


def evaluate(options: argparse.Namespace) -> None:
    """Scores embeddings on word similarities and analogies."""
    from full_w2v.embeddings import Embeddings
    from full_w2v.evaluation import evaluate as score

    result = score(
        Embeddings.load(options.embeddings), options.pairs, options.analogies, options.restrict_vocabulary
    )
    print(json.dumps(result.to_dict()) if options.json else result.to_text())


def neighbours(options: argparse.Namespace) -> None:
    """Prints the nearest words of each word, with their cosines."""
    from full_w2v.embeddings import Embeddings

    embeddings = Embeddings.load(options.embeddings)
    found = {word: embeddings.neighbours(word, options.count) for word in options.word}
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for word, rows in found.items():
        if len(found) > 1:
            print(f"{word}:")
        for neighbour, cosine in rows:
            print(f"{cosine:7.4f}  {neighbour}")


def vocabulary(options: argparse.Namespace) -> None:
    """Prints each word of a corpus with its count, most frequent first."""
    from full_w2v.corpus import open_corpus
    from full_w2v.encoded import count_corpus
    from full_w2v.terminal import PhaseBars

    corpus = open_corpus(options.corpus, encoding=options.encoding, errors=options.errors)
    with (
        PhaseBars(enabled=not options.quiet) as bars,
        count_corpus(
            corpus,
            min_count=options.min_count,
            max_final_vocab=options.max_final_vocab,
            threads=options.threads,
            progress=bars.phase,
        ) as counted,
    ):
        rows = zip(counted.vocabulary.words, counted.vocabulary.counts.tolist(), strict=True)
    if options.json:
        print(json.dumps(dict(rows), ensure_ascii=False))
        return
    for word, count in rows:
        print(f"{word}\t{count}")


def backends(options: argparse.Namespace) -> None:
    """Prints each backend, and what it would run on or why it cannot."""
    statuses = backend_status()
    if options.json:
        print(json.dumps([vars(status) for status in statuses]))
        return
    for status in statuses:
        print(f"{status.name:10} {'usable' if status.usable else 'unusable':9} {status.detail}")


def convert(options: argparse.Namespace) -> None:
    """Reads embeddings in one format and writes them in another."""
    from full_w2v.embeddings import Embeddings
    from full_w2v.formats import check_output

    check_output(options.output)
    Embeddings.load(options.input).save(options.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Trains, queries and scores word vectors.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_train(commands)

    command = _add_command(commands, "evaluate", evaluate)
    command.add_argument("embeddings", metavar="PATH", help="embeddings in any format that train writes")
    command.add_argument(
        "--pairs", metavar="FILE", action="append", default=[], help="word word score a line"
    )
    command.add_argument(
        "--analogies", metavar="FILE", action="append", default=[], help="questions in Google's format"
    )
    command.add_argument(
        "--restrict-vocabulary",
        metavar="N",
        type=int,
        default=300_000,
        help="most frequent words to consider",
    )

    command = _add_command(commands, "neighbours", neighbours)
    command.add_argument("embeddings", metavar="PATH", help="embeddings in any format that train writes")
    command.add_argument("word", metavar="WORD", nargs="+")
    command.add_argument("--count", metavar="N", type=int, default=10, help="neighbours of each word")

    command = _add_command(commands, "vocabulary", vocabulary)
    _add_corpus(command)
    command.add_argument("--threads", metavar="N", type=int, default=0, help="0 takes every core")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")

    _add_command(commands, "backends", backends)

    command = _add_command(commands, "convert", convert, with_json=False)
    command.add_argument("input", metavar="IN")
    command.add_argument("output", metavar="OUT", help=".txt .vec .bin .kv .safetensors")
    return parser


def _add_command(commands: Any, name: str, run: Any, *, with_json: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=run.__doc__.rstrip("."), description=run.__doc__
    )
    parser.set_defaults(run=run)
    if with_json:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", metavar="CORPUS", nargs="+", help=CORPUS_HELP)
    parser.add_argument(
        "--min-count", metavar="N", type=int, default=5, help="drop words that occur less often"
    )
    parser.add_argument("--max-final-vocab", metavar="N", type=int, help="keep at most so many words")
    parser.add_argument("--encoding", default="utf-8", help="of the text (default %(default)s)")
    parser.add_argument(
        "--errors",
        choices=("strict", "replace", "ignore"),
        default="strict",
        help="what to do with bytes that are not text in that encoding (default %(default)s)",
    )


def _add_train(commands: Any) -> None:
    parser = _add_command(commands, "train", train)
    _add_corpus(parser)
    parser.add_argument(
        "--output",
        metavar="PATH",
        required=True,
        help="the suffix names the format: .txt .vec .bin .kv, or .safetensors for the whole model",
    )
    defaults = TrainConfig()

    def add(name: str, kind: type, text: str, metavar: str = "N") -> None:
        default = getattr(defaults, name.replace("-", "_"))
        parser.add_argument(
            f"--{name}", metavar=metavar, type=kind, default=default, help=f"{text} (default %(default)s)"
        )

    add("vector-size", int, "dimension of the vectors")
    add("window", int, "largest distance between centre and context word")
    parser.add_argument(
        "--shrink-windows",
        action=argparse.BooleanOptionalAction,
        default=defaults.shrink_windows,
        help="draw each window's size from 1 ... --window (default), or always take it whole",
    )
    add("negative", int, "negatives a centre word")
    add("ns-exponent", float, "negatives are drawn by count to this power", "X")
    add("sample", float, "subsampling threshold for frequent words, a share of all words", "X")
    add("alpha", float, "learning rate at the begin", "X")
    add("min-alpha", float, "learning rate at the end", "X")
    add("epochs", int, "passes over the corpus")
    add("threads", int, "CPU threads; 0 takes every core")
    add("seed", int, "key of every random draw")
    add("share-negatives", int, "consecutive centre words that share their negatives")
    parser.add_argument(
        "--order",
        choices=get_args(Order),
        default=defaults.order,
        help="update window by window (default) or pair by pair",
    )
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="default %(default)s")
    parser.add_argument("--loss", action="store_true", help="report the mean loss of each epoch")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fspath(error.filename)!s}: {error.strerror}"
    return str(error)


def _fail(message: str, code: int) -> int:
    print(f"{PROGRAM}: error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
