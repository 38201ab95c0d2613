"""Reads what `full-w2v evaluate --json` printed; fails if too small a share of the analogies was right."""

import json
import sys


def main() -> None:
    needed = float(sys.argv[1])
    (result,) = json.load(sys.stdin)["analogies"]
    verdict = f"{result['correct']:,} of {result['total']:,} analogies are right; {needed:.0%} were expected"
    if result["correct"] < needed * result["total"]:
        sys.exit(verdict)
    print(verdict)


if __name__ == "__main__":
    main()
