"""Files that survive a crash: whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_RANDOM = "?" * 8
"""As many characters as `tempfile` puts behind a prefix."""


def write_atomically(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Replace `path` by `data` in one step: readers see the old or the new content, also after a crash.

    The mode holds from the first byte on. Raises `OSError`, and then leaves no temporary file.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_leftovers(path: Path) -> None:
    """Remove what writers of `path` left beside it that were killed in `write_atomically`. For its only writer.

    Raises `OSError`.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.{_RANDOM}"):
        left.unlink(missing_ok=True)


def make_private_directory(path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
    """Create `path` (and its parents) for this user alone, or with `mode`, which an existing directory gets too."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)


def remove_tree(path: Path) -> None:
    """Remove a directory and what is in it; it is no error when it is not there."""
    if path.exists():
        shutil.rmtree(path)
