"""Which branch a repository is on, read from its folder alone (gitrepository-layout(5))."""

from __future__ import annotations

from pathlib import Path

_HEADS = "refs/heads/"


def branch_instead_of(repository: Path, branch: str) -> str:
    """The branch that is checked out where the repository has none called `branch`; else empty, and so for a worktree,
    whose branches are elsewhere."""
    git = repository / ".git"
    head = _read(git / "HEAD").strip().removeprefix(f"ref: {_HEADS}")
    packed = {line.rpartition(" ")[2] for line in _read(git / "packed-refs").splitlines()}
    there = (git / _HEADS / branch).exists() or f"{_HEADS}{branch}" in packed
    return "" if there or head == branch or not (git / _HEADS).is_dir() else head


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
