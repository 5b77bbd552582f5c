"""A project's folder while something is read in it."""

from __future__ import annotations

import os
from pathlib import Path


def pinned(root: Path) -> Path:
    """Where `root` leads now, when it is a link itself; else `root` as it was given.

    On a server it is `current`, which the next push lets lead elsewhere. Whoever reads several files asks once, and has
    all of them from one release.
    """
    return Path(os.path.realpath(root)) if root.is_symlink() else root
