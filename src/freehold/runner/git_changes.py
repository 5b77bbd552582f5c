"""What differs in one git working tree from the commit at which the run found it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from freehold.runner.git_program import Answer, GitFailedError, GitProgram, names
from freehold.wire.left import MOST_COMMITS, MOST_FILES, RepositoryLeft

EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""What a repository without a commit is compared with, by the length of its ids: git knows both."""
_STATES = {b"A": "added", b"D": "removed"}
_LARGEST_LIST = 1024 * 1024


@dataclass(frozen=True)
class Changed:
    """`files` are paths within the working tree, each with its state (`wire/left.py`)."""

    told: RepositoryLeft
    files: tuple[tuple[str, str], ...] = ()


async def look_at_changes(git: GitProgram, path: Path, base: str, head: str, scratch: Path, longest: int) -> Changed:
    """Of the working tree at `path`, with a patch of at most `longest` bytes. Raises `GitFailedError`."""
    tree = base or EMPTY_TREES[len(head) or 40]
    if base or head:
        await git.ask("read-tree", tree, most_bytes=1000)
        # Each file is read once here, and not for each question below. Changed files make it say that it failed.
        await git.ask("update-index", "-q", "--refresh", most_bytes=1000, may_fail=True)
    await _add_untracked(git, scratch)
    listed = await _diff(git, "--name-status", "-z", most_bytes=_LARGEST_LIST)
    patch = await _diff(git, "--patch", most_bytes=longest) if longest > 0 else Answer(b"", cut=bool(listed.output))
    told = RepositoryLeft(
        path=shown(path),
        base=base,
        commits=await _commits(git, base, head),
        patch=patch.output.decode(errors="replace"),
        cut=patch.cut,
    )
    return Changed(told, tuple(_states(listed.output)))


async def _diff(git: GitProgram, *words: str, most_bytes: int) -> Answer:
    return await git.ask(
        "diff", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all", *words,
        most_bytes=most_bytes,
    )  # fmt: skip


async def _add_untracked(git: GitProgram, scratch: Path) -> None:
    """Let git compare files that it does not know as if they were new."""
    listed = await git.ask("ls-files", "-z", "--others", "--exclude-standard", most_bytes=_LARGEST_LIST)
    # A name that ends so is a repository in this one; it is looked at by itself.
    found = [name for name in names(listed.output) if not name.endswith("/")][:MOST_FILES]
    if not found:
        return
    (scratch / "untracked").write_bytes(b"".join(os.fsencode(name) + b"\0" for name in found))
    from_file = f"--pathspec-from-file={scratch / 'untracked'}"
    await git.ask("add", "--intent-to-add", "--ignore-errors", from_file, "--pathspec-file-nul", most_bytes=1000)


async def _commits(git: GitProgram, base: str, head: str) -> list[str]:
    if not head or head == base:
        return []
    since = f"{base}..{head}" if base else head
    words = ("log", "-z", "--no-show-signature", "--format=%h %s", f"--max-count={MOST_COMMITS}", since, "--")
    try:
        told = await git.ask(*words, most_bytes=_LARGEST_LIST)
    except GitFailedError:  # a history that does not reach back to where it began
        return []
    return [line.decode(errors="replace")[:200] for line in told.output.split(b"\0") if line][:MOST_COMMITS]


def _states(output: bytes) -> list[tuple[str, str]]:
    words = output.split(b"\0")
    pairs = zip(words[0::2], words[1::2], strict=False)
    return [(os.fsdecode(name), _STATES.get(state, "changed")) for state, name in pairs if name]


def shown(path: Path | str) -> str:
    """A path as text: what is no UTF-8 in it is replaced."""
    return os.fsencode(path).decode(errors="replace")
