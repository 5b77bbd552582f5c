"""Directories of our own in places that everybody shares (`/dev/shm`, `/tmp`), made so that nobody can slip in."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from freehold.base.errors import Code, FreeholdError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a tmpfs on every Linux; what we make there is ours alone


def own_directory(parent: Path, name: str, mode: int) -> Path:
    """`parent/name`, ours and with exactly `mode`; made when it is not there.

    Raises DENIED when somebody else made it first, or put a link there.
    """
    path = parent / name
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise FreeholdError(
                Code.DENIED, f"{path} is not ours: somebody else made it.", f"Look at it, and remove it: ls -ld {path}"
            ) from None
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
    return path


def memory_base(user_id: int, shared_memory: Path = SHARED_MEMORY) -> Path | None:
    """Where a secret can lie without touching a disk; None where that is not safe.

    systemd-logind removes what a person left in shared memory when they log out (`RemoveIPC=`, logind.conf(5)), and a
    detached run outlives that. It spares root and users who linger (`loginctl enable-linger`).
    """
    if not shared_memory.is_dir() or not os.access(shared_memory, os.W_OK):
        return None
    logind = Path("/run/systemd/seats").is_dir()
    return shared_memory if user_id == 0 or _lingers(user_id) or not logind else None


def _lingers(user_id: int) -> bool:
    try:
        return Path("/var/lib/systemd/linger", pwd.getpwuid(user_id).pw_name).exists()
    except KeyError:
        return False
