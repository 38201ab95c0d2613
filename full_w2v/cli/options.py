"""The options of each subcommand."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, NoReturn, get_args

from full_w2v import objectives
from full_w2v.aliases import ALIASES
from full_w2v.backends import BACKENDS
from full_w2v.cli import commands as run
from full_w2v.cli.unused_options import refuse_unused_options
from full_w2v.config import TrainConfig, declaration
from full_w2v.corpus import ERRORS, FORMATS
from full_w2v.encoding.corpus_cache import HASHES
from full_w2v.encoding.phrases import PhraseSettings, Score
from full_w2v.file_formats import known_suffix, suffixes
from full_w2v.version import __version__

PROGRAM = "full-w2v"
CORPUS_HELP = (
    "file, directory, pattern, URL, or - for standard input: text with one sentence per line and words "
    "separated by white space, JSON, Parquet or Arrow; plain or .gz .bz2 .xz .zst"
)


def new_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = _Parser(prog=PROGRAM, description="Trains, queries and scores word vectors.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_neighbours(commands)
    _add_vocabulary(commands)
    _add_phrase_command(commands)
    _add_command(commands, "backends", run.backends)
    _add_bench(commands)
    _add_convert(commands)
    return parser


def _add_command(
    commands: Any, name: str, action: Any, *, with_json: bool = True, aliases: Sequence[str] = ()
) -> "_Parser":
    parser: _Parser = commands.add_parser(
        name, aliases=aliases, help=action.__doc__.rstrip("."), description=action.__doc__
    )
    parser.set_defaults(run=action, parser=parser)
    if with_json:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_evaluate(commands: Any) -> None:
    parser = _add_command(commands, "evaluate", run.evaluate)
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
    _add_setting(parser, "--restrict-vocabulary", 300_000, "consider this many of the most frequent words")


def _add_neighbours(commands: Any) -> None:
    parser = _add_command(commands, "neighbours", run.neighbours)
    _add_embeddings(parser)
    parser.add_argument("word", metavar="WORD", nargs="+", help="a word of the vocabulary")
    _add_setting(parser, "--count", 10, "number of neighbours of each word")


def _add_vocabulary(commands: Any) -> None:
    parser = _add_command(commands, "vocabulary", run.vocabulary, aliases=["vocab"])
    _add_corpus(parser)
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="save to a file, or - for standard output: .jsonl holds JSON lines, others word2vec.c's text",
    )
    parser.add_argument(
        "--counts", action="store_true", help="CORPUS are vocabulary files, whose counts are added up"
    )
    parser.add_argument("--only", metavar="FILE", help="keep only the words of this vocabulary file")
    _add_setting(parser, "--threads", 0, "CPU threads; 0 uses every core")


def _add_phrase_command(commands: Any) -> None:
    parser = _add_command(commands, "phrases", run.phrases, with_json=False)
    _add_text(parser)
    parser.add_argument(
        "--output", metavar="PATH", required=True, help="text file to write, or - for standard output"
    )
    _add_phrases(parser, 1, "number of passes that join phrases")
    _add_setting(parser, "--threads", 0, "CPU threads; 0 uses every core")


def _add_bench(commands: Any) -> None:
    parser = _add_command(commands, "bench", run.bench)
    parser.add_argument(
        "--backend", choices=("cpu", "cuda"), default="cuda", help="what to measure (default %(default)s)"
    )
    _add_setting(parser, "--words", 1 << 24, "words to train in each run; the emulated device takes few")
    _add_setting(parser, "--vocabulary", 100_000, "rows of each matrix")
    _add_setting(parser, "--repeats", 3, "runs of each kernel")
    _add_setting(parser, "--threads", 0, "CPU threads; 0 uses every core")


def _add_convert(commands: Any) -> None:
    parser = _add_command(commands, "convert", run.convert, with_json=False)
    parser.add_argument("input", metavar="IN", type=_embeddings_path, help="embeddings to read")
    parser.add_argument("output", metavar="OUT", type=_embeddings_path, help=_formats_help())
    _add_loading(parser)


def _add_embeddings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "embeddings",
        metavar="PATH",
        type=_embeddings_path,
        help="embeddings in any format that train can write",
    )
    _add_loading(parser)


def _add_loading(parser: argparse.ArgumentParser) -> None:
    """How much of a damaged or large file of embeddings is loaded: the fields of LoadOptions."""
    parser.add_argument("--limit", metavar="N", type=int, help="load only the first N words (default: all)")
    parser.add_argument(
        "--errors",
        choices=ERRORS,
        default="strict",
        help="what to do with words that are not UTF-8 (default %(default)s: reject the file)",
    )
    parser.add_argument(
        "--duplicates",
        choices=("refuse", "first"),
        default="refuse",
        help="reject a file that has a word twice (default), or keep its first vector",
    )


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    _add_text(parser)
    _add_setting(parser, "--min-count", 5, "drop words that occur less often")
    parser.add_argument(
        "--max-final-vocab",
        metavar="N",
        type=int,
        help="keep at most this many words, by raising --min-count (default: no limit)",
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", metavar="CORPUS", nargs="+", help=CORPUS_HELP)
    parser.add_argument(
        "--memory-limit",
        metavar="BYTES",
        type=_bytes,
        help="memory for counting words or pairs of words, such as 512M; more words spill to disk, and for "
        "more pairs the corpus is read several times (default: no limit)",
    )
    _add_reading(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """How text becomes tokens and sentences: the fields of ReadSettings."""
    parser.add_argument(
        "--format", choices=FORMATS, default="auto", help="format of the files (default: by name and content)"
    )
    parser.add_argument(
        "--column", metavar="NAME", help="field of JSON lines and tables that holds the text (default: text)"
    )
    parser.add_argument("--lowercase", action="store_true", help="convert text to lower case")
    parser.add_argument("--normalize", choices=("NFC", "NFKC"), help="normalise text to this Unicode form")
    parser.add_argument("--pattern", metavar="REGEX", help="use what this matches, or its group, as tokens")
    parser.add_argument("--tokenizer", metavar="FILE", help="split text by this Hugging Face tokenizers file")
    parser.add_argument(
        "--sentences",
        metavar="line|document|N",
        default="line",
        help="what a sentence is: a line (default), a whole file or record, or every N tokens of a file",
    )
    parser.add_argument(
        "--encoding", metavar="NAME", default="utf-8", help="encoding of the text (default %(default)s)"
    )
    parser.add_argument(
        "--errors",
        choices=ERRORS,
        default="strict",
        help="what to do with bytes that are not text in that encoding (default %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress on stderr")


def _add_train(commands: Any) -> None:
    parser = _add_command(commands, "train", run.train)
    _add_corpus(parser)
    parser.add_argument(
        "--output",
        metavar="PATH",
        required=True,
        type=_embeddings_path,
        help=_formats_help() + "; .safetensors holds the whole model",
    )
    _add_preparation(parser)
    _add_phrases(parser, 0, "number of passes that join phrases; 0 joins none")
    _add_objectives(parser)
    _add_declared(parser)
    parser.add_argument(
        "--backend", choices=BACKENDS, default="auto", help="what to train on (default %(default)s)"
    )


def _add_objectives(parser: "_Parser") -> None:
    """The options that choose objectives; an architecture's excludes those of the others."""
    architectures = parser.add_mutually_exclusive_group()
    for one in objectives.objectives():
        if one.option:
            group = architectures if one.role == "architecture" else parser
            action = group.add_argument(
                one.option,
                dest=one.setting,
                action="store_const",
                const=one.value,
                default=getattr(TrainConfig(), one.setting),
                help=one.help,
            )
            parser.remembered(action)


def _add_declared(parser: argparse.ArgumentParser) -> None:
    """An option for each setting of TrainConfig that declares a help text."""
    for one in fields(TrainConfig):
        declared, option = declaration(one), f"--{one.name.replace('_', '-')}"
        default: Any = one.default
        if not declared.help:
            continue
        if isinstance(default, bool):
            action = argparse.BooleanOptionalAction if default else "store_true"
            parser.add_argument(option, action=action, default=default, help=declared.help)
        elif declared.choices:
            parser.add_argument(option, choices=declared.choices, default=default, help=declared.help)
        else:
            _add_setting(parser, option, default, declared.help, declared.metavar)


def _add_preparation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vocab",
        metavar="FILE",
        dest="vocabulary",
        help="use the words and counts of this file, as saved by vocabulary --output, and drop all others",
    )
    parser.add_argument("--cache", metavar="DIR", help="keep the encoded corpus in this folder and reuse it")
    parser.add_argument(
        "--cache-hash",
        choices=HASHES,
        default="sampled",
        help="recognise files by size, time and a hash of samples (default), or by a hash of all content",
    )


def _add_phrases(parser: argparse.ArgumentParser, passes: int, text: str) -> None:
    default = PhraseSettings()
    _add_setting(parser, "--phrases", passes, text, dest=run.PHRASE + "passes")
    _add_setting(
        parser, "--phrase-min-count", default.min_count, "join only words that occur together more often"
    )
    _add_setting(parser, "--phrase-threshold", default.threshold, "join words whose score is above this", "X")
    parser.add_argument(
        "--phrase-score",
        choices=get_args(Score),
        default=default.score,
        help="the formula for the score (default %(default)s; gensim's own threshold is 10)",
    )
    _add_setting(parser, "--phrase-delimiter", default.delimiter, "separates the words of a phrase", "TEXT")


def _add_setting(
    parser: argparse.ArgumentParser,
    option: str,
    default: int | float | str,
    text: str,
    metavar: str = "N",
    *,
    dest: str | None = None,
) -> None:
    """Adds an option whose value is of the type of its default."""
    parser.add_argument(
        option,
        dest=dest,
        metavar=metavar,
        type=type(default),
        default=default,
        help=f"{text} (default %(default)s)",
    )


def _bytes(text: str) -> int:
    """The type of sizes: a number of bytes, or one with K, M, G or T (powers of 1024) behind it."""
    number, unit = (text[:-1], text[-1:].upper()) if text[-1:].isalpha() else (text, "")
    if not number.isdigit() or unit not in ("", *"KMGT"):
        raise argparse.ArgumentTypeError(f"expected a size such as 512M or 2G, got {text!r}")
    return int(number) << 10 * " KMGT".index(unit or " ")


def _formats_help() -> str:
    return f"the suffix names the format: {' '.join(suffixes())}"


def _embeddings_path(path: str) -> str:
    """The type of arguments whose suffix names a format: an unknown one is misuse, known before any work."""
    if known_suffix(path) is None:
        raise argparse.ArgumentTypeError(
            f"expected a name that ends in {', '.join(suffixes())}, got {path!r}"
        )
    return path


def fail(message: str, code: int) -> int:
    """Prints an error on one line of stderr and returns the exit code."""
    if sys.stderr is not None:  # for print, None is stdout
        print(f"{PROGRAM}: error: {message}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    """A parser that reports misuse as every other error is reported, on one line."""

    def __init__(self, **settings: Any) -> None:
        self.options: dict[str, str] = {}  # by the name of what they set
        super().__init__(allow_abbrev=False, **settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Adds an argument and remembers how it is set."""
        return self.remembered(super().add_argument(*names, **settings))

    def remembered(self, action: argparse.Action) -> argparse.Action:
        """The action of an argument; remembers how it is set."""
        if action.option_strings:
            self.options[action.dest] = action.option_strings[0]
        return action

    def check(self, given: argparse.Namespace) -> None:
        """Raises ConfigError for an option without effect."""
        refuse_unused_options(self.prog.split()[-1], given, self.get_default, self.options.__getitem__)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Ends the program for arguments that the command does not take, with our names for them."""
        hints = [hint for hint in map(self._hint, unknown) if hint]
        self.error("; ".join([f"unrecognized arguments: {' '.join(unknown)}", *hints]))

    def _hint(self, argument: str) -> str:
        if not argument.startswith("--"):
            return ""
        option = argument.partition("=")[0]
        name = option[2:].replace("-", "_")
        ours = ALIASES.get(name, name).partition(",")[0]
        if option != self.options.get(ours, option):
            return f"{option} is {self.options[ours]} here"
        near = get_close_matches(option, self.options.values(), 1, 0.6)
        return f"did you mean {near[0]}" if near else ""

    def error(self, message: str) -> NoReturn:
        self.exit(fail(f"{message}; {self.prog} --help shows the usage", 2))
