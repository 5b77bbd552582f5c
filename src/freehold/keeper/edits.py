"""Which version of the project's files a run is served by, and whether there is a newer one."""

from __future__ import annotations

from pathlib import Path

from freehold.project.state import state_directory
from freehold.runtime.revisions import Revisions
from freehold.wire.runs import StartRun

Edits = tuple[int | str, ...]


def edits_of(root: Path, start: StartRun) -> Edits:
    """What changes when an edit counts: the files themselves, or the revision that a scheduler made of them."""
    if start.options.revision:
        return (newest_revision(root, start),)
    folder = root / "agents" / start.agent
    files = (root / "config.toml", root / ".env.toml", folder / "config.toml", folder / "SKILL.md")
    return tuple(_modified_ns(file) for file in files)


def newest_revision(root: Path, start: StartRun) -> str:
    """The revision that counts for the run's agent now; empty for a run that was begun from the files as they are."""
    begun_from = start.options.revision
    chosen = Revisions(state_directory(root)).current() if begun_from else None
    return chosen.of_agent(start.agent) if chosen else begun_from


def _modified_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
