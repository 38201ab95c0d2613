"""Runs programs from PyPI that train with gensim's class, unchanged, on ours and on gensim's.

    python scripts/clients.py                      # those that are installed, three seeds each
    python scripts/clients.py node2vec --seeds 1

What changes is one name: gensim.models.Word2Vec is ours before the client is imported. Quality is an area
under the curve (1 is perfect, 0.5 chance): of cosines of joined against unjoined nodes of the graph of Les
Misérables (Knuth 1993, as networkx holds it), or of spectra of one peptide against those of others. The
spectra are computed: fragments of three real proteins with noise.
"""

import argparse
import importlib.util
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

ENGINES = ("full_w2v", "gensim")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clients", nargs="*", default=[], choices=[[], *CLIENTS], help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "SEED"), help="one run, in this process")
    options = parser.parse_args()
    if options.one:
        engine, seed = options.one
        print(json.dumps(CLIENTS[options.clients[0]](substitute(engine), int(seed))))
        return
    results = {client: compare(client, options.seeds) for client in options.clients or installed()}
    if options.json:
        print(json.dumps(results))
        return
    for client, engines in results.items():
        shown = (f"{engine} {statistics.mean(areas):.4f}" for engine, areas in engines.items())
        print(f"{client}: area under the curve, mean of {options.seeds} seeds: {', '.join(shown)}")


def installed() -> list[str]:
    """Clients that can run here."""
    return [name for name in CLIENTS if importlib.util.find_spec(name)]


def compare(client: str, seeds: int) -> dict[str, list[float]]:
    """Areas under the curve by engine, one a seed; each run is a process of its own."""
    areas: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for seed, engine in itertools.product(range(1, seeds + 1), ENGINES):
        command = [sys.executable, __file__, client, "--one", engine, str(seed)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        areas[engine].append(json.loads(done.stdout.splitlines()[-1]))
    return areas


def substitute(engine: str) -> type:
    """Lets gensim.models.Word2Vec be the engine's class, and returns it."""
    import gensim.models

    if engine == "full_w2v":
        import full_w2v

        gensim.models.Word2Vec = full_w2v.Word2Vec
    kind: type = gensim.models.Word2Vec
    return kind


def run_node2vec(kind: type, seed: int) -> float:
    """Embeds the graph with node2vec's walks."""
    from node2vec import Node2Vec

    graph = les_miserables()
    walker = Node2Vec(graph, dimensions=32, walk_length=20, num_walks=20, workers=1, quiet=True, seed=seed)
    model = walker.fit(window=5, min_count=1, sg=1, workers=2, seed=seed)
    assert type(model) is kind
    return area_of_edges(graph, {node: model.wv[str(node)] for node in graph})


def run_pecanpy(kind: type, seed: int) -> float:
    """Embeds the graph with pecanpy's command line: its walks, its call of gensim, its file of vectors."""
    import networkx
    from gensim.models import KeyedVectors
    from pecanpy import cli

    assert cli.Word2Vec is kind
    graph = networkx.convert_node_labels_to_integers(les_miserables())
    with tempfile.TemporaryDirectory() as folder:
        edges, vectors = Path(folder, "graph.edg"), Path(folder, "vectors.emb")
        edges.write_text("".join(f"{a}\t{b}\n" for a, b in graph.edges))
        sys.argv[1:] = ["--input", str(edges), "--output", str(vectors), "--mode", "SparseOTF"]
        sys.argv += ["--dimensions", "32", "--walk-length", "20", "--num-walks", "20", "--window-size", "5"]
        sys.argv += ["--epochs", "1", "--workers", "1", "--random_state", str(seed)]
        cli.main()
        keyed = KeyedVectors.load_word2vec_format(str(vectors))
    return area_of_edges(graph, {node: keyed[str(node)] for node in graph})


def run_spec2vec(kind: type, seed: int) -> float:
    """Scores spectra with Spec2Vec: those of one peptide should be more alike than those of two."""
    from spec2vec import Spec2Vec
    from spec2vec.model_building import train_new_word2vec_model

    documents, peptides = spectra(np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "spectra.model"))
        model = train_new_word2vec_model(
            documents, iterations=[5, 20], filename=path, workers=2, vector_size=50, seed=seed
        )
        assert type(model) is kind
        assert len(kind.load(path).wv) == len(model.wv)
    scorer = Spec2Vec(model, intensity_weighting_power=0.5)
    scores = np.asarray(scorer.matrix(documents, documents, is_symmetric=True))
    pairs = list(itertools.combinations(range(len(documents)), 2))
    same = [scores[a, b] for a, b in pairs if peptides[a] == peptides[b]]
    return area(same, [scores[a, b] for a, b in pairs if peptides[a] != peptides[b]])


CLIENTS: dict[str, Callable[[type, int], float]] = {
    "node2vec": run_node2vec,
    "pecanpy": run_pecanpy,
    "spec2vec": run_spec2vec,
}


def les_miserables() -> Any:
    """Who meets whom in the novel: 77 persons, 254 pairs."""
    import networkx

    return networkx.les_miserables_graph()


def area_of_edges(graph: Any, vectors: dict[Any, Any]) -> float:
    """Area under the curve of cosines of joined nodes against those that are not."""
    unit = {node: vector / np.linalg.norm(vector) for node, vector in vectors.items()}
    pairs = list(itertools.combinations(graph, 2))
    joined = [unit[a] @ unit[b] for a, b in pairs if graph.has_edge(a, b)]
    return area(joined, [unit[a] @ unit[b] for a, b in pairs if not graph.has_edge(a, b)])


def area(positive: Iterable[float], negative: Iterable[float]) -> float:
    """Share of pairs (one of each) in which the positive is larger; ties count half."""
    wanted, others = np.array(list(positive))[:, None], np.array(list(negative))
    return float(((wanted > others) + 0.5 * (wanted == others)).mean())


# Human haemoglobin (alpha and beta) and myoglobin, as UniProt P69905, P68871 and P02144 begin.
PROTEINS = (
    "VLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFK",
    "VHLTPEEKSAVTALWGKVNVDEVGGEALGRLLVVYPWTQRFFESFGDLSTPDAVMGNPKVKAHGKKVLGAFSDGLAHLDNLKGTFATLSELHCDKLHVDPENFR",
    "GLSDGEWQLVLNVWGKVEADIPGHGQEVLIRLFKGHPETLEKFDKFKHLKSEDEMKASEDLKKHGATVLTALGGILKKKGHHEAEIKPLAQSHATKHKIPVK",
)
# Monoisotopic masses of amino-acid residues, of water and of a proton, in dalton.
RESIDUES = dict(
    zip(
        "GASPVTCLINDQKEMHFRYW",
        (57.02146, 71.03711, 87.03203, 97.05276, 99.06841, 101.04768, 103.00919, 113.08406, 113.08406,
         114.04293, 115.02694, 128.05858, 128.09496, 129.04259, 131.04049, 137.05891, 147.06841, 156.10111,
         163.06333, 186.07931),
        strict=True,
    )
)  # fmt: skip
WATER, PROTON = 18.010565, 1.007276
REPEATS = 12


def tryptic_peptides(protein: str) -> list[str]:
    """What trypsin leaves of a protein: it cuts behind K and R, but not before P."""
    ends = [i + 1 for i, (a, b) in enumerate(itertools.pairwise(protein)) if a in "KR" and b != "P"]
    bounds = itertools.pairwise([0, *ends, len(protein)])
    return [protein[begin:end] for begin, end in bounds if end - begin >= 6]


def fragment_masses(peptide: str) -> list[float]:
    """m/z of the singly charged b and y ions: prefixes and suffixes of the peptide."""
    total = sum(RESIDUES[residue] for residue in peptide)
    masses = []
    for cut in range(1, len(peptide)):
        prefix = sum(RESIDUES[residue] for residue in peptide[:cut])
        masses += [prefix + PROTON, total - prefix + WATER + PROTON]
    return masses


def spectra(draw: np.random.Generator) -> tuple[list[Any], list[str]]:
    """Spectra of the proteins' peptides, with half of the fragments and with noise; and their peptides."""
    from matchms import Spectrum
    from spec2vec import SpectrumDocument

    documents, peptides = [], []
    for peptide in itertools.chain.from_iterable(map(tryptic_peptides, PROTEINS)):
        masses = np.array(fragment_masses(peptide))
        for _ in range(REPEATS):
            seen = masses[draw.random(len(masses)) < 0.5]
            peaks = np.unique(np.round(np.append(seen, draw.uniform(60, 1500, 8)), 2))
            spectrum = Spectrum(peaks, draw.uniform(0.05, 1, len(peaks)), metadata={"peptide": peptide})
            documents.append(SpectrumDocument(spectrum, n_decimals=1))
            peptides.append(peptide)
    return documents, peptides


if __name__ == "__main__":
    main()
