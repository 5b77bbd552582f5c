"""One service a project: a lock that its process holds, and that falls when it ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE


@contextlib.contextmanager
def only_one(path: Path, project: str) -> Iterator[None]:
    """Hold the lock at `path`. Raises CONFLICT, naming the process that holds it."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
    except OSError as error:
        raise FreeholdError(Code.DISK, f"{path}: {error.strerror}", f"Look at {path.parent} (df -h, ls -l).") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(handle, 100, 0).decode(errors="replace").strip() or "another process"
            raise FreeholdError(
                Code.CONFLICT, f"project {project} is running already: {who}", "`freehold stop` ends it."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
