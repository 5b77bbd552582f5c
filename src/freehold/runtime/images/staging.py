"""Laying out a build context on disk, readable by everybody: Docker copies the modes into the image."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

_FILE = 0o644
_EXECUTABLE = 0o755
_FOLDER = 0o755


class Files(Protocol):
    """A build context: a digest of what is in it, and a way to lay it out in an empty folder."""

    @property
    def digest(self) -> str: ...

    def stage(self, target: Path) -> None: ...


def room_for(target: Path, path: str) -> Path:
    """Where `path` goes below `target`; its folders are made."""
    folder = target
    for part in Path(path).parent.parts:
        folder /= part
        if not folder.is_dir():
            folder.mkdir()
            # Whatever this process's umask says: the agent's user must be able to read what is copied.
            folder.chmod(_FOLDER)
    return target / path


def set_mode(path: Path, *, is_executable: bool) -> None:
    path.chmod(_EXECUTABLE if is_executable else _FILE)
