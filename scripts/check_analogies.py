"""Reads what `full-w2v evaluate --json` printed; fails if too small a share of the analogies was right."""

import json
import sys


def main() -> None:
    needed = float(sys.argv[1])
    accuracy = json.load(sys.stdin)["analogies"]["accuracy"]
    if accuracy < needed:
        sys.exit(f"only {accuracy:.1%} of the analogies are right, at least {needed:.0%} were expected")
    print(f"{accuracy:.1%} of the analogies are right, at least {needed:.0%} were expected.")


if __name__ == "__main__":
    main()
