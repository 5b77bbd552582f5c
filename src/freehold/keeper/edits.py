"""When the files that a run was configured by were last edited."""

from __future__ import annotations

from pathlib import Path

Edits = tuple[int, ...]


def edits_of(root: Path, agent: str) -> Edits:
    """One number a file, which changes when the file does; 0 for one that is not there."""
    folder = root / "agents" / agent
    files = (root / "config.toml", root / ".env.toml", folder / "config.toml", folder / "SKILL.md")
    return tuple(_modified_ns(file) for file in files)


def _modified_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
