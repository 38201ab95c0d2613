"""Runs the command line: python -m full_w2v.cli."""

import sys

from full_w2v.cli import main

sys.exit(main())
