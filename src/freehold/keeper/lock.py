"""The keeper's lock: one keeper per project, and what it says of the one who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from freehold.base.program import fingerprint
from freehold.wire.keeper import SOCKET_FILE

_WAIT_S = 10.0
"""For a keeper that is just ending; one that answers is not waited for."""
_PAUSE_S = 0.02


class Lock:
    """Held by the kernel as long as this process lives."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path = path
        self._file = file

    @property
    def lost(self) -> bool:
        """Somebody removed the project's state: another keeper may hold another lock of the same name."""
        mine = os.fstat(self._file.fileno())
        try:
            there = self._path.stat()
        except OSError:
            return True
        return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)


@contextlib.contextmanager
def held(path: Path) -> Iterator[Lock | None]:
    """The lock at `path`, with the fingerprint of our program written in it; None when another keeper has it."""
    with path.open("a") as file:
        if not _take(file, path.parent / SOCKET_FILE):
            yield None
            return
        file.truncate(0)
        file.write(f"{fingerprint()}\n")
        file.flush()
        yield Lock(path, file)


def _take(file: IO[str], socket: Path) -> bool:
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if socket.exists() or time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
