"""The command line: one function per subcommand, no logic of its own.

Results go to stdout, progress to stderr. Exit codes: 0 success, 1 failure, 2 misuse, 130 interrupted,
143 terminated.
"""

import argparse
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from types import FrameType
from typing import Any, NoReturn, get_args

from full_w2v import __version__
from full_w2v.backends import BACKENDS, backend_status
from full_w2v.config import Order, TrainConfig
from full_w2v.corpus import ERRORS
from full_w2v.errors import ConfigError, FullW2VError

PROGRAM = "full-w2v"
CORPUS_HELP = "text file, one sentence a line, words between white space; plain or .gz .bz2 .xz .zst"
FORMATS_HELP = "the suffix names the format: .txt .vec .bin .kv .safetensors"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show some word should show the others.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        with _terminating_cleanly():
            options.run(options)
    except BrokenPipeError:  # the reader of our output, head for one, has read all that it wants
        _abandon_stdout()
        return 0
    except (KeyboardInterrupt, MemoryError, OSError, FullW2VError) as error:
        _abandon_stdout()
        return _fail(*_explained(error))
    return 0


def train(options: argparse.Namespace) -> None:
    """Trains word vectors on text and saves them."""
    from full_w2v.formats import check_output
    from full_w2v.pipeline import train as run
    from full_w2v.terminal import PhaseBars

    config = TrainConfig(**{field.name: getattr(options, field.name) for field in fields(TrainConfig)})
    check_output(options.output, inputs=options.corpus)
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
    _print(json.dumps(report) if options.json else _summary(report))


def evaluate(options: argparse.Namespace) -> None:
    """Scores embeddings on word similarities and analogies."""
    from full_w2v.embeddings import Embeddings
    from full_w2v.evaluation import evaluate as score

    result = score(
        Embeddings.load(options.embeddings), options.pairs, options.analogies, options.restrict_vocabulary
    )
    _print(json.dumps(result.to_dict()) if options.json else result.to_text())


def neighbours(options: argparse.Namespace) -> None:
    """Prints the nearest words of each word, with their cosines."""
    from full_w2v.embeddings import Embeddings

    embeddings = Embeddings.load(options.embeddings)
    found = {word: embeddings.neighbours(word, options.count) for word in options.word}
    _print(json.dumps(found) if options.json else "\n".join(_neighbour_lines(found)))


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
        words, counts = counted.vocabulary.words, counted.vocabulary.counts.tolist()
    rows = zip(words, counts, strict=True)
    _print(json.dumps(dict(rows)) if options.json else "\n".join(f"{word}\t{count}" for word, count in rows))


def backends(options: argparse.Namespace) -> None:
    """Prints each backend, and what it would run on or why it cannot."""
    statuses = backend_status()
    if options.json:
        _print(json.dumps({status.name: vars(status) for status in statuses}))
        return
    lines = [
        f"{status.name:10} {'usable' if status.usable else 'unusable':9} {status.detail}"
        for status in statuses
    ]
    _print("\n".join(lines))


def convert(options: argparse.Namespace) -> None:
    """Reads embeddings in one format and writes them in another."""
    from full_w2v.embeddings import Embeddings
    from full_w2v.formats import check_output

    check_output(options.output, inputs=[options.input])
    Embeddings.load(options.input).save(options.output)


class _Parser(argparse.ArgumentParser):
    """A parser that reports misuse as every other error is reported, on one line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(_fail(f"{message}; {self.prog} --help shows the usage", 2))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Trains, queries and scores word vectors.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_neighbours(commands)
    _add_vocabulary(commands)
    _add_command(commands, "backends", backends)
    _add_convert(commands)
    return parser


def _add_command(commands: Any, name: str, run: Any, *, with_json: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=run.__doc__.rstrip("."), description=run.__doc__
    )
    parser.set_defaults(run=run)
    if with_json:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_evaluate(commands: Any) -> None:
    parser = _add_command(commands, "evaluate", evaluate)
    _add_embeddings(parser)
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        action="append",
        default=[],
        help="word, word and score on each line; may be given again",
    )
    parser.add_argument(
        "--analogies",
        metavar="FILE",
        action="append",
        default=[],
        help="questions in Google's format; may be given again (default, without --pairs: WordSim-353, "
        "SimLex-999 and Google's analogies)",
    )
    parser.add_argument(
        "--restrict-vocabulary",
        metavar="N",
        type=int,
        default=300_000,
        help="consider so many of the most frequent words (default %(default)s)",
    )


def _add_neighbours(commands: Any) -> None:
    parser = _add_command(commands, "neighbours", neighbours)
    _add_embeddings(parser)
    parser.add_argument("word", metavar="WORD", nargs="+", help="a word of the vocabulary")
    parser.add_argument(
        "--count", metavar="N", type=int, default=10, help="neighbours of each word (default %(default)s)"
    )


def _add_vocabulary(commands: Any) -> None:
    parser = _add_command(commands, "vocabulary", vocabulary)
    _add_corpus(parser)
    parser.add_argument(
        "--threads", metavar="N", type=int, default=0, help="0 takes every core (default %(default)s)"
    )


def _add_convert(commands: Any) -> None:
    parser = _add_command(commands, "convert", convert, with_json=False)
    parser.add_argument("input", metavar="IN", type=_embeddings_path, help="embeddings to read")
    parser.add_argument("output", metavar="OUT", type=_embeddings_path, help=FORMATS_HELP)


def _add_embeddings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "embeddings", metavar="PATH", type=_embeddings_path, help="embeddings in any format that train writes"
    )


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", metavar="CORPUS", nargs="+", help=CORPUS_HELP)
    parser.add_argument(
        "--min-count",
        metavar="N",
        type=int,
        default=5,
        help="drop words that occur less often (default %(default)s)",
    )
    parser.add_argument(
        "--max-final-vocab",
        metavar="N",
        type=int,
        help="keep at most so many words, by raising --min-count (default: no limit)",
    )
    parser.add_argument(
        "--encoding", metavar="NAME", default="utf-8", help="of the text (default %(default)s)"
    )
    parser.add_argument(
        "--errors",
        choices=ERRORS,
        default="strict",
        help="what to do with bytes that are not text in that encoding (default %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress on stderr")


def _add_train(commands: Any) -> None:
    parser = _add_command(commands, "train", train)
    _add_corpus(parser)
    parser.add_argument(
        "--output",
        metavar="PATH",
        required=True,
        type=_embeddings_path,
        help=FORMATS_HELP + " for the whole model",
    )
    defaults = TrainConfig()
    parser.add_argument(
        "--cbow",
        dest="architecture",
        action="store_const",
        const="cbow",
        default=defaults.architecture,
        help="predict each word from its contexts together (default: from each of them, skip-gram)",
    )
    parser.add_argument(
        "--cbow-mean",
        action=argparse.BooleanOptionalAction,
        default=defaults.cbow_mean,
        help="CBOW predicts from the contexts' mean (default) or from their sum",
    )

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
    parser.add_argument(
        "--hs",
        dest="hierarchical_softmax",
        action="store_true",
        help="hierarchical softmax, beside negative sampling; --negative 0 leaves it alone",
    )
    add("ns-exponent", float, "negatives are drawn by count to this power", "X")
    add("sample", float, "subsampling threshold for frequent words, a share of all words", "X")
    add("alpha", float, "learning rate at the beginning", "X")
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
    parser.add_argument(
        "--backend", choices=BACKENDS, default="auto", help="what trains (default %(default)s)"
    )
    parser.add_argument("--loss", action="store_true", help="report the mean loss of each epoch")


def _embeddings_path(path: str) -> str:
    """The type of arguments whose suffix names a format: an unknown one is misuse, known before any work."""
    from full_w2v.formats import known_suffix, suffixes

    if known_suffix(path) is None:
        raise argparse.ArgumentTypeError(
            f"expected a name that ends in {', '.join(suffixes())}, got {path!r}"
        )
    return path


def _summary(report: dict[str, Any]) -> str:
    text = (
        f"{report['output']}: {report['vocabulary']:,} words x {report['settings']['vector_size']}, "
        f"trained on {report['raw_words']:,} words at {report['words_per_second']:,.0f} words/s"
    )
    return text + "".join(f"\nepoch {i}: loss {loss:.6f}" for i, loss in enumerate(report["loss"], 1))


def _neighbour_lines(found: dict[str, list[tuple[str, float]]]) -> Iterator[str]:
    for word, rows in found.items():
        if len(found) > 1:
            yield f"{word}:"
        yield from (f"{cosine:7.4f}  {neighbour}" for neighbour, cosine in rows)


def _print(result: str) -> None:
    """Prints a result at once; raises OSError if it could not be written in full."""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _abandon_stdout() -> None:
    """Drops what stdout cannot write: Python would try again at exit, and fail without a handler."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminating_cleanly() -> Iterator[None]:
    """Lets SIGTERM unwind the program as Ctrl-C does, so that it leaves no unfinished file behind."""
    if threading.current_thread() is not threading.main_thread():  # only that one may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_terminated(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _explained(error: BaseException) -> tuple[str, int]:
    """What to tell the user, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --vector-size, a higher --min-count or --max-final-vocab", 1
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return place + error.strerror, 1
    return str(error), 2 if isinstance(error, ConfigError) else 1


def _fail(message: str, code: int) -> int:
    if sys.stderr is not None:  # for print, None is stdout
        print(f"{PROGRAM}: error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
