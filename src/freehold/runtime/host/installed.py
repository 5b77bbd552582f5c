"""The launcher as `freehold doctor --fix` installed it: the one program that sudo runs for the keeper."""

from __future__ import annotations

import stat
from pathlib import Path

from freehold.runtime.host import launcher
from freehold.runtime.host.account import LAUNCHER


def launcher_problem(path: Path = LAUNCHER, owner: int = 0) -> str:
    """What is wrong with the installed launcher; the empty string when nothing is."""
    try:
        status = path.lstat()
        content = path.read_bytes()
    except OSError:
        return f"{path} is not installed."
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != owner or writable:
        return f"{path} is not root's alone to change."
    if content != Path(launcher.__file__).read_bytes():
        return f"{path} is of another version of Freehold."
    return ""
