"""Files that were written since a moment, in folders that are no repositories; and what is kept of files."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.plain_file import read_plain
from freehold.runner.repositories import SKIPPED
from freehold.wire.left import LARGEST_KEPT_BYTES, LONGEST_PATH, MOST_FILES, MOST_KEPT_BYTES, FileLeft

MOST_ENTRIES = 200_000
"""That are looked at; a folder with more of them was not written by hand."""


@dataclass(frozen=True)
class Found:
    path: str
    size_bytes: int


def written_since(
    folders: Iterable[Path], since: float, elsewhere: Collection[Path], deadline: float
) -> tuple[list[Found], bool]:
    """Plain files whose content or name changed after `since` (seconds since 1970), by path; False when there may be
    more. What lies in `elsewhere` is passed over, and folders whose names begin with a dot. No link is followed.

    What counts is when the kernel saw the change (`st_ctime`), which a program cannot set.
    """
    passed_over = {os.fspath(place) for place in elsewhere}
    found: dict[str, Found] = {}
    looked = 0
    for folder in folders:
        for entry in _below(os.fspath(folder), passed_over):
            looked += 1
            if looked > MOST_ENTRIES or time.monotonic() > deadline:
                return [found[path] for path in sorted(found)], False
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                    found[entry.path] = Found(entry.path, status.st_size)
    return [found[path] for path in sorted(found)], True


def _below(folder: str, passed_over: Collection[str]) -> Iterator[os.DirEntry[str]]:
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        if place in passed_over:
            continue
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield entry
                elif entry.name not in SKIPPED and not entry.name.startswith("."):
                    waiting.append(entry.path)


@dataclass
class Kept:
    """The list of what was left, and what is kept of the contents, until there is enough of either."""

    files: list[FileLeft] = field(default_factory=list)
    more: int = 0
    _bytes: int = 0

    def add(self, path: str, state: str) -> None:
        told = os.fsencode(path).decode(errors="replace")
        if len(self.files) >= MOST_FILES or len(told) > LONGEST_PATH:
            self.more += 1
            return
        size_bytes, content = (0, None) if state == "removed" else self._read(path)
        self.files.append(FileLeft(path=told, state=state, size_bytes=size_bytes, content=content))

    def _read(self, path: str) -> tuple[int, bytes | None]:
        with contextlib.suppress(OSError, ValueError):
            size_bytes = Path(path).lstat().st_size
            if size_bytes > min(LARGEST_KEPT_BYTES, MOST_KEPT_BYTES - self._bytes):
                return size_bytes, None
            content = read_plain(Path(path), LARGEST_KEPT_BYTES)
            self._bytes += len(content)
            return len(content), content
        return 0, None
