"""What a path may be."""

import os

AnyPath = str | os.PathLike[str]
