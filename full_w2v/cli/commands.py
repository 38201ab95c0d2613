"""What each subcommand does: it calls the package and prints the result."""

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import fields, replace
from errno import EBADF
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from full_w2v.backends import backend_status
from full_w2v.cli.spelling import as_options
from full_w2v.config import TrainConfig
from full_w2v.corpus import FileCorpus, ReadSettings, expanded
from full_w2v.corpus.decompression import FORMATS as COMPRESSIONS
from full_w2v.encoding.phrases import PhraseSettings
from full_w2v.encoding.preparation import Preparation
from full_w2v.errors import ConfigError, FormatError, TrainingWarning, setting, shown, spelled
from full_w2v.vocabulary import Vocabulary

if TYPE_CHECKING:
    from full_w2v.embeddings import Embeddings

Settings = TypeVar("Settings", ReadSettings, Preparation, TrainConfig)
# Options of phrases have this before the name of their setting.
PHRASE = "phrase_"


def train(options: argparse.Namespace) -> None:
    """Trains word vectors on text and saves them."""
    from full_w2v.cli.terminal import PhaseBars
    from full_w2v.formats import check_output, check_words
    from full_w2v.output.streams import is_standard_output
    from full_w2v.pipeline import train as run

    config = _chosen(TrainConfig, options)
    wanted = _phrases(options) if options.phrase_passes else None
    read = [path for path in (options.vocabulary, options.tokenizer) if path is not None]
    check_output(options.output, inputs=read)
    corpus = _corpus(options)
    check_output(options.output, inputs=corpus.files)
    with PhaseBars(enabled=not options.quiet) as bars, warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)  # it is shown below
        result = run(
            corpus,
            preparation=replace(_chosen(Preparation, options), phrases=wanted),
            backend=options.backend,
            config=config,
            on_phase=bars.phase,
            on_progress=bars.training,
            on_vocabulary=lambda vocabulary: check_words(options.output, vocabulary.words),
        )
    result.save(options.output)
    for message in result.report.warnings:
        print(f"full-w2v: warning: {spelled(message, as_options(options.parser.options))}", file=sys.stderr)
    report = {"output": options.output, "vocabulary": len(result.model.vocabulary), **result.report.to_dict()}
    result_text = json.dumps(report) if options.json else _summary(report)
    if is_standard_output(options.output):  # which holds the vectors
        print(result_text, file=sys.stderr)
    elif sys.stdout is not None or options.json:  # without one nobody reads the summary
        _print(result_text)


def evaluate(options: argparse.Namespace) -> None:
    """Scores embeddings on word similarities and analogies."""
    from full_w2v.evaluation import evaluate as score

    embeddings = _loaded(options, options.embeddings)
    result = score(embeddings, options.pairs, options.analogies, options.restrict_vocabulary)
    _print(json.dumps(result.to_dict()) if options.json else result.to_text())


def neighbours(options: argparse.Namespace) -> None:
    """Prints the nearest words of each word, with their cosines."""
    embeddings = _loaded(options, options.embeddings)
    found = {word: embeddings.neighbours(word, options.count) for word in options.word}
    _print(json.dumps(found) if options.json else "\n".join(_neighbour_lines(found)))


def vocabulary(options: argparse.Namespace) -> None:
    """Prints or saves the words of a corpus with their counts, most frequent first."""
    from full_w2v.encoding.vocabulary_file import load_vocabulary, load_words, save_vocabulary
    from full_w2v.output.atomic_write import check_writable

    corpus = None if options.counts else _corpus(options)
    files = expanded(options.corpus) if corpus is None else corpus.files
    if options.output is not None:
        read = [] if options.only is None else [options.only]
        check_writable(options.output, [*files, *read])
    limits = {"min_count": options.min_count, "max_final_vocab": options.max_final_vocab}
    if corpus is None:
        first, *others = (load_vocabulary(path) for path in files)
        found = first.merged(*others).restricted(**limits)
    else:
        found = _counted(options, corpus, limits)
    if options.only is not None:
        found = found.restricted(words=load_words(options.only))
    if options.output is not None:
        save_vocabulary(found, options.output)
        _say(options, f"{_output_name(options)}: {len(found):,} words that occur {found.tokens:,} times")
        return
    rows = zip(found.words, found.counts.tolist(), strict=True)
    _print(json.dumps(dict(rows)) if options.json else "\n".join(f"{word}\t{count}" for word, count in rows))


def _corpus(options: argparse.Namespace) -> FileCorpus:
    """The corpus that the arguments name; all of them are paths."""
    return FileCorpus(options.corpus, _chosen(ReadSettings, options))


def _counted(options: argparse.Namespace, corpus: FileCorpus, limits: dict[str, Any]) -> Vocabulary:
    from full_w2v.cli.terminal import PhaseBars
    from full_w2v.encoding.encoded_corpus import count_corpus

    resources = {"threads": options.threads, "memory_limit": options.memory_limit}
    with (
        PhaseBars(enabled=not options.quiet) as bars,
        count_corpus(corpus, **limits, **resources, progress=bars.phase) as counted,
    ):
        return counted.vocabulary


def phrases(options: argparse.Namespace) -> None:
    """Writes a corpus as text with its phrases joined to single words, such as new_york."""
    from full_w2v.cli.terminal import PhaseBars
    from full_w2v.encoding.phrases import sentences_of
    from full_w2v.encoding.preparation import prepare
    from full_w2v.output.atomic_write import atomic_file, check_writable

    if Path(options.output).suffix.lower() in COMPRESSIONS:
        raise ConfigError(f"{options.output}: phrases are written as plain text; choose a name without "
                          f"{Path(options.output).suffix}")  # fmt: skip
    corpus = _corpus(options)
    check_writable(options.output, corpus.files)
    wanted = Preparation(
        min_count=1, phrases=_phrases(options), memory_limit=options.memory_limit, threads=options.threads
    )
    with PhaseBars(enabled=not options.quiet) as bars:
        prepared = prepare(corpus, wanted, bars.phase, _check_text_words)
        with prepared.encoded as encoded, atomic_file(options.output) as file:
            sentences = sentences_of(prepared.vocabulary, encoded, bars.phase)
            file.writelines(f"{sentence}\n".encode() for sentence in sentences)
            sizes = f"{encoded.sentences:,} sentences of {encoded.tokens:,} words"
    _say(options, f"{_output_name(options)}: {sizes}, {len(prepared.vocabulary):,} of them different")


def _check_text_words(vocabulary: Vocabulary) -> None:
    """Raises FormatError for a word that white space would split where the text is read."""
    for word in vocabulary.words:
        if word.split() != [word]:
            raise FormatError(
                f"the word {shown(word)} contains white space, which the text of phrases cannot hold; "
                "choose a pattern or tokenizer that gives words without"
            )


def _phrases(options: argparse.Namespace) -> PhraseSettings:
    """The settings of phrases; a ConfigError names them as the options do."""
    chosen = {field.name: getattr(options, PHRASE + field.name) for field in fields(PhraseSettings)}
    try:
        return PhraseSettings(**chosen)
    except ConfigError as error:
        raise ConfigError(spelled(error.template, lambda name, _: setting(PHRASE + name))) from None


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


def bench(options: argparse.Namespace) -> None:
    """Measures training throughput here and compares it with the bounds of a device model."""
    from full_w2v.bench.throughput import BenchSettings, to_text
    from full_w2v.bench.throughput import bench as measure

    settings = BenchSettings(**{field.name: getattr(options, field.name) for field in fields(BenchSettings)})
    result = measure(options.backend, settings)
    _print(json.dumps(result) if options.json else to_text(result))


def convert(options: argparse.Namespace) -> None:
    """Reads embeddings in one format and writes them in another."""
    from full_w2v.formats import check_output

    check_output(options.output, inputs=[options.input])
    embeddings = _loaded(options, options.input)
    embeddings.save(options.output)
    words, dimension = embeddings.vectors.shape
    _say(options, f"{options.output}: {words:,} words x {dimension}")


def _loaded(options: argparse.Namespace, path: str) -> "Embeddings":
    from full_w2v.embeddings import Embeddings

    return Embeddings.load(path, limit=options.limit, errors=options.errors, duplicates=options.duplicates)


def _chosen(settings: type[Settings], options: argparse.Namespace) -> Settings:
    return settings(
        **{field.name: getattr(options, field.name) for field in fields(settings) if field.name != "phrases"}
    )


def _summary(report: dict[str, Any]) -> str:
    text = (
        f"{report['output']}: {report['vocabulary']:,} words x {report['settings']['vector_size']}, "
        f"trained {report['trained_words']:,} of {report['raw_words']:,} words in {report['pairs']:,} pairs "
        f"at {report['words_per_second']:,.0f} words/s"
    )
    return text + "".join(f"\nepoch {i}: loss {loss:.6f}" for i, loss in enumerate(report["loss"], 1))


def _neighbour_lines(found: dict[str, list[tuple[str, float]]]) -> Iterator[str]:
    for word, rows in found.items():
        if len(found) > 1:
            yield f"{word}:"
        yield from (f"{cosine:7.4f}  {neighbour}" for neighbour, cosine in rows)


def _output_name(options: argparse.Namespace) -> str:
    return "standard output" if options.output == "-" else str(options.output)


def _say(options: argparse.Namespace, what: str) -> None:
    """Says on stderr what was written, unless progress is not wanted there."""
    if not getattr(options, "quiet", False) and sys.stderr is not None:
        print(what, file=sys.stderr)


def _print(result: str) -> None:
    """Prints a result at once; raises OSError if it could not be written in full."""
    if sys.stdout is None:
        raise OSError(EBADF, "is closed", "standard output")
    try:
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error
