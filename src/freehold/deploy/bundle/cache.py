"""The packages of programs, kept on this machine: fetched once for each platform and Python, used without a network."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO

from freehold.base.errors import Code, FreeholdError
from freehold.project.home import HOME_VARIABLE, freehold_home

_LOOK_EVERY_S = 0.1
_KEPT = 6
"""Archives of 25 MB each: three Pythons of two versions."""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`FREEHOLD_HOME/cache/programs`; where that is not set, `~/.cache/freehold/programs` (`XDG_CACHE_HOME` counts)."""
    if environ.get(HOME_VARIABLE):
        return freehold_home(environ) / "cache" / "programs"
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "freehold" / "programs"


async def _locked(file: IO[str]) -> None:
    """Ours. No thread waits for it: of ten pushes at once, nine would have all threads, and the tenth none to go on."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            return


class ProgramCache:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, digest: str, make: Callable[[Path], Awaitable[None]]) -> Path:
        """The archive called so, made when it is not there, by one process at a time. Raises what `make` raises, and
        DISK when nothing can be kept."""
        path = self._folder / f"{digest}.tar.gz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / f"{digest}.lock").open("w") as lock:
                await _locked(lock)
                if not path.exists():
                    await make(path)
                os.utime(path)
            self._forget_old(path)
        except OSError as error:
            raise FreeholdError(
                Code.DISK, f"{error.filename or self._folder} cannot be written: {error.strerror}",
                "The program is kept there; make room, or set XDG_CACHE_HOME.",
            ) from error  # fmt: skip
        return path

    def _forget_old(self, used: Path) -> None:
        archives = sorted(self._folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in archives[_KEPT:]:
            if path != used:
                path.unlink(missing_ok=True)
