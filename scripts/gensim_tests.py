"""Runs gensim's own tests of Word2Vec, which come with gensim, with our class instead of gensim's.

    python scripts/gensim_tests.py            # all of them
    python scripts/gensim_tests.py -k online  # those with "online" in their name

DIFFERENCES lists every test that does not pass, with the reason. The command fails if a test outside of the
list does not pass, or one of the list does.
"""

import argparse
import importlib
import logging
import sys
import types
import unittest
from collections.abc import Iterator

import gensim.models.word2vec

from full_w2v import Word2Vec

MODULE = "gensim.test.test_word2vec"
DIFFERENCES: dict[str, str] = {}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", metavar="TEXT", default="", help="only tests whose name holds this text")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test, show what it logs")
    options = parser.parse_args()
    tests = [test for test in load_tests() if options.k in test.id()]
    if not tests:
        parser.error(f"no test's name holds {options.k!r}")
    if not options.verbose:
        logging.getLogger().addHandler(logging.NullHandler())
    runner = unittest.TextTestRunner(verbosity=2 if options.verbose else 1)
    result = runner.run(unittest.TestSuite(tests))
    sys.exit(report(result, {name_of(test) for test in tests}))


def load_tests() -> list[unittest.TestCase]:
    """Tests of gensim, whose name `word2vec` leads to gensim's module with our class in it.

    gensim's own module stays as it is: its class is the base of ours.
    """
    substitute = types.ModuleType("gensim.models.word2vec")
    vars(substitute).update(vars(gensim.models.word2vec), Word2Vec=Word2Vec)
    module = importlib.import_module(MODULE)
    module.word2vec = substitute  # type: ignore[attr-defined]
    return list(single_tests(unittest.defaultTestLoader.loadTestsFromModule(module)))


def single_tests(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from single_tests(test)
        else:
            yield test


def name_of(test: unittest.TestCase) -> str:
    """Class and method of a test."""
    return test.id().removeprefix(f"{MODULE}.")


def report(result: unittest.TestResult, ran: set[str]) -> int:
    """Compares what failed with DIFFERENCES; returns the exit status."""
    failed = {name_of(test) for test, _ in [*result.failures, *result.errors]}  # type: ignore[arg-type]
    for test, reason in result.skipped:
        print(f"skipped {name_of(test)}: {reason}")  # type: ignore[arg-type]
    for name in sorted(failed & set(DIFFERENCES)):
        print(f"differs {name}: {DIFFERENCES[name]}")
    unexpected, mended = sorted(failed - set(DIFFERENCES)), sorted((ran & set(DIFFERENCES)) - failed)
    for name in unexpected:
        print(f"failed {name}")
    for name in mended:
        print(f"passed {name}, which DIFFERENCES lists; take it off the list")
    passed = len(ran) - len(failed) - len(result.skipped)
    print(f"{len(ran)} tests: {passed} passed, {len(failed)} failed, {len(result.skipped)} skipped")
    return 1 if unexpected or mended else 0


if __name__ == "__main__":
    main()
