"""The engines that benchmarks compare: each one trains a text file with the same settings in this process.

Run as a program it is one benchmark run in a process of its own, whose peak memory is its own:
`python peers.py ENGINE CORPUS SETTINGS_JSON [SETS_JSON]` prints one JSON object.
"""

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from full_w2v.embeddings import Embeddings

# These slow a current OpenBLAS down; peers are measured without them.
SLOWING_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True)
class Settings:
    """What every engine is told; training is with negative sampling.

    architecture: "skip-gram" or "cbow", which predicts from the contexts' mean.
    """

    architecture: str = "skip-gram"
    vector_size: int = 128
    window: int = 5
    negative: int = 5
    sample: float = 1e-4
    min_count: int = 5
    epochs: int = 1
    threads: int = 1
    seed: int = 1
    share_negatives: int = 1


@dataclass(frozen=True)
class Sets:
    """Files to score vectors on; none means none."""

    pairs: list[str] = field(default_factory=list)
    analogies: list[str] = field(default_factory=list)
    restrict_vocabulary: int = 30_000


@dataclass(frozen=True)
class Run:
    """One run: seconds reading and counting text, seconds training, and what came of it.

    whole_seconds: from before the process starts until the vectors are saved.
    """

    read_seconds: float
    train_seconds: float
    whole_seconds: float
    raw_words: int
    peak_mebibytes: float
    quality: dict[str, float]

    @property
    def words_per_second(self) -> float:
        """Raw words per second of training."""
        return self.raw_words / self.train_seconds


def full_w2v_run(corpus: str, settings: Settings, output: Path) -> tuple[float, float, int]:
    """Trains with this package: (seconds to read, seconds to train, raw words of all epochs)."""
    import full_w2v

    values = asdict(settings)
    result = full_w2v.train(corpus, min_count=values.pop("min_count"), **values)
    result.save(output)
    seconds = result.report.seconds
    return seconds["vocabulary"] + seconds["encode"], seconds["train"], result.report.raw_words


def gensim_run(corpus: str, settings: Settings, output: Path) -> tuple[float, float, int]:
    """Trains with gensim's corpus_file mode, its fastest."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=int(settings.architecture == "skip-gram"),
        vector_size=settings.vector_size,
        window=settings.window,
        negative=settings.negative,
        sample=settings.sample,
        min_count=settings.min_count,
        workers=settings.threads,
        seed=settings.seed,
    )
    began = time.perf_counter()
    model.build_vocab(corpus_file=corpus)
    built = time.perf_counter()
    model.train(
        corpus_file=corpus,
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=settings.epochs,
    )
    ended = time.perf_counter()
    model.wv.save_word2vec_format(str(output), binary=True)
    return built - began, ended - built, model.corpus_total_words * settings.epochs


def fasttext_run(corpus: str, settings: Settings, output: Path) -> tuple[float, float, int]:
    """Trains with fastText without subwords. It does not tell when reading ends: all counts as training.

    Raw words are counted here, as the other engines count them: fastText tells only of those it keeps.
    """
    import fasttext
    import numpy as np

    from full_w2v.embeddings import Embeddings

    began = time.perf_counter()
    model = fasttext.train_unsupervised(
        corpus,
        model="cbow" if settings.architecture == "cbow" else "skipgram",
        dim=settings.vector_size,
        ws=settings.window,
        neg=settings.negative,
        t=settings.sample,
        minCount=settings.min_count,
        epoch=settings.epochs,
        thread=settings.threads,
        lr=0.025,
        minn=0,
        maxn=0,
        verbose=0,
    )
    ended = time.perf_counter()
    kept = [word for word in model.get_words() if word != "</s>"]
    Embeddings(kept, np.stack([model.get_word_vector(word) for word in kept])).save(output)
    with Path(corpus).open("rb") as lines:
        raw_words = sum(len(line.split()) for line in lines)
    return 0.0, ended - began, raw_words * settings.epochs


OURS = "full_w2v"
ENGINES: dict[str, Callable[[str, Settings, Path], tuple[float, float, int]]] = {
    OURS: full_w2v_run,
    "gensim": gensim_run,
    "fasttext": fasttext_run,
}


def installed_engines() -> list[str]:
    """Engines that can run here, ours first."""
    return [name for name in ENGINES if importlib.util.find_spec(name)]


def run(engine: str, corpus: str, settings: Settings, sets: Sets | None = None) -> Run:
    """One run of an engine in a process of its own. Raises CalledProcessError if it fails."""
    command = [sys.executable, __file__, engine, corpus, json.dumps(asdict(settings))]
    command += [json.dumps(asdict(sets or Sets())), str(time.clock_gettime(time.CLOCK_MONOTONIC))]
    environment = {name: value for name, value in os.environ.items() if name not in SLOWING_VARIABLES}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def score(path: Path, sets: Sets) -> dict[str, float]:
    """Spearman correlations and analogy accuracies of saved vectors, by name of the set."""
    if not sets.pairs and not sets.analogies:
        return {}
    from full_w2v.embeddings import Embeddings

    return score_embeddings(Embeddings.load(path), sets)


def score_embeddings(embeddings: "Embeddings", sets: Sets) -> dict[str, float]:
    """The same of vectors in memory."""
    from full_w2v.evaluation import evaluate

    result = evaluate(embeddings, sets.pairs, sets.analogies, sets.restrict_vocabulary)
    scores = {pairs.name: pairs.spearman for pairs in result.pairs}
    scores |= {analogies.name: analogies.accuracy for analogies in result.analogies}
    return {name: value for name, value in scores.items() if value is not None}


def main() -> None:
    engine, corpus, settings, sets, began = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "vectors.bin"
        read, train, words = ENGINES[engine](corpus, Settings(**json.loads(settings)), output)
        whole = time.clock_gettime(time.CLOCK_MONOTONIC) - float(began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        quality = score(output, Sets(**json.loads(sets)))
    print(json.dumps(asdict(Run(read, train, whole, words, peak, quality))))


if __name__ == "__main__":
    main()
