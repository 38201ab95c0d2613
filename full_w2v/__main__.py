"""`python -m full_w2v` is the command line."""

import sys

from full_w2v.cli import main

if __name__ == "__main__":
    sys.exit(main())
