"""Git repositories in a run's folders, read from their files: no program is asked, and nothing of theirs is run."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.base.plain_file import read_plain
from freehold.wire.left import MOST_REPOSITORIES

DEEPEST = 4
"""Folders below a run's own in which repositories are looked for; agents clone into the first or second."""
MOST_FOLDERS = 5000
SKIPPED = frozenset({".git", ".cache", ".freehold", "node_modules", "__pycache__", ".venv"})
"""Folders full of what nobody wrote by hand."""
_LARGEST_REFERENCES = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class Repository:
    """`git_dir` is the working tree's own (`HEAD`, its log); `common_dir` has objects and references."""

    path: Path
    git_dir: Path
    common_dir: Path

    def head(self) -> str:
        """The commit that is checked out; empty where there is none, or none can be read."""
        text = _text(self.git_dir / "HEAD", _LONGEST_LINE).strip()
        if not text.startswith("ref: "):
            return _commit(text)
        name = text.removeprefix("ref: ").strip()
        if ".." in name or name.startswith("/"):
            return ""
        loose = _commit(_text(self.common_dir / name, _LONGEST_LINE).strip())
        return loose or _packed(_text(self.common_dir / "packed-refs", _LARGEST_REFERENCES), name)

    def first(self) -> str:
        """The commit that it was cloned at; empty for one that began without any."""
        line = _text(self.git_dir / "logs" / "HEAD", _LARGEST_REFERENCES).partition("\n")[0]
        head, _, what = line.partition("\t")
        words = head.split(" ")
        return _commit(words[1]) if what.startswith("clone:") and len(words) > 1 else ""


def find_repositories(folders: Iterable[Path]) -> list[Repository]:
    """Those in and below `folders`, by path; no link is followed. Raises nothing for what cannot be read."""
    found: dict[Path, Repository] = {}
    for folder in folders:
        for repository in _below(folder):
            found.setdefault(repository.path, repository)
            if len(found) >= MOST_REPOSITORIES:
                break
    return [found[path] for path in sorted(found)]


def _below(folder: Path) -> Iterator[Repository]:
    seen = 0
    waiting = [(folder, 0)]
    while waiting and seen < MOST_FOLDERS:
        place, depth = waiting.pop()
        seen += 1
        if repository := _repository_at(place):
            yield repository
        if depth < DEEPEST:
            waiting += [(Path(entry.path), depth + 1) for entry in _folders(place)]


def _folders(place: Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        return [entry for entry in entries if entry.name not in SKIPPED and entry.is_dir(follow_symlinks=False)]
    return []


def _repository_at(place: Path) -> Repository | None:
    mark = place / ".git"
    with contextlib.suppress(OSError):
        if mark.is_symlink():
            return None
        if mark.is_dir():
            return Repository(place, mark, mark) if (mark / "HEAD").is_file() else None
        if mark.is_file():  # a working tree beside its repository (`git worktree`, a submodule)
            git_dir = place / _text(mark, _LONGEST_LINE).strip().removeprefix("gitdir: ")
            common = _text(git_dir / "commondir", _LONGEST_LINE).strip()
            return Repository(place, git_dir, git_dir / common if common else git_dir)
    return None


def _packed(text: str, name: str) -> str:
    for line in text.splitlines():
        commit, _, known = line.partition(" ")
        if known == name:
            return _commit(commit)
    return ""


def _commit(text: str) -> str:
    return text if _COMMIT.fullmatch(text) else ""


def _text(path: Path, most_bytes: int) -> str:
    try:
        return read_plain(path, most_bytes).decode(errors="replace")
    except (OSError, ValueError):  # ValueError: a zero byte in a path that a file named
        return ""
