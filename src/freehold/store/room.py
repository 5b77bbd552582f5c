"""Whether the database has room: what cannot be written down cannot be taken in, and somebody should know before."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import size

LEAST_FREE_BYTES = 256 * 1024
"""On the disk of an SQLite database: a transaction or two."""
REMEMBERED_S = 60.0
"""How long a write that found no room is told of, where none has gone well since: a quota, or a server's disk, cannot
be looked at from here."""


class Room:
    """Told how writes went; `problem` says why there is no room. `folder` is that of an SQLite database."""

    def __init__(self, folder: Path | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._failed: tuple[float, str] | None = None

    def failed(self, error: FreeholdError) -> None:
        if error.code is Code.DISK:
            self._failed = (self._monotonic(), error.message)

    def succeeded(self) -> None:
        self._failed = None

    def problem(self) -> str:
        """In a sentence; empty while there is room, as far as is known."""
        failed = self._failed  # another thread writes
        if failed and self._monotonic() - failed[0] < REMEMBERED_S:
            return failed[1]
        free_bytes = self._free_bytes()
        if free_bytes is not None and free_bytes < LEAST_FREE_BYTES:
            return f"the database's disk is full: {size(free_bytes)} free where {self._folder} is"
        return ""

    def _free_bytes(self) -> int | None:
        if self._folder is None:
            return None
        try:
            found = os.statvfs(self._folder)
        except OSError:  # that the database is gone is told by who reads it
            return None
        return found.f_bavail * found.f_frsize
