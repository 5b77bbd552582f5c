"""A stranger's repository as plain files, bounded, and with nothing in it that git would obey.

Nothing is checked out: checking out is where filters, hooks and links of a repository act. Objects are fetched into a
bare repository, listed, and written one by one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import visible
from freehold.base.words import size
from freehold.cli.agent_folder import LARGEST_FILE
from freehold.cli.agent_git import Git
from freehold.project.agent_config import SKILL_FILE


@dataclass(frozen=True)
class FetchLimits:
    """Bounds of one fetch: seconds and bytes of what arrives, bytes of its list of files, files and bytes looked at."""

    seconds: float = 300.0
    pack_bytes: int = 256 * 1024 * 1024
    listing_bytes: int = 32 * 1024 * 1024
    files: int = 10_000
    file_bytes: int = 64 * 1024 * 1024


_DEEPEST = 64
_FILES = ("100644", "100664", "100755")
_OWN_TO_GIT = (".git", "git~1")
_HINT = "look at it, clone it by hand if you trust it, and add the agent's folder from there"


@dataclass(frozen=True)
class _Entry:
    """What a tree names. Of a link or a repository inside only the path is of use."""

    path: str
    mode: str
    identity: str
    size_bytes: int

    @property
    def is_taken(self) -> bool:
        return self.mode in _FILES and self.size_bytes <= LARGEST_FILE


def fetch(address: str, target: Path, folders: Collection[str], limits: FetchLimits | None = None) -> None:
    """Write the newest files of the repository at `address` below `target`: those that may be part of an agent.

    Which are the ones in `folders`, or all where the repository is an agent itself. What is no plain file (a link, a
    repository inside) becomes a pipe, and what is too large a file with a hole: `read_folder` refuses both by name.
    Raises UNREACHABLE with git's words, TIMEOUT, TOO_LARGE, and DENIED for paths that no repository should have.
    """
    limits = limits or FetchLimits()
    with tempfile.TemporaryDirectory(prefix="freehold-fetch-") as directory:
        git = Git(Path(directory), address, seconds=limits.seconds, pack_bytes=limits.pack_bytes)
        git.fetch()
        entries = list(_wanted(list(_entries(git.listing(limits.listing_bytes))), folders))
        taken = [entry for entry in entries if entry.is_taken]
        if len(entries) > limits.files or sum(entry.size_bytes for entry in taken) > limits.file_bytes:
            message = f"{address} holds more than {limits.files} files or {size(limits.file_bytes)}"
            raise FreeholdError(Code.TOO_LARGE, message, _HINT)
        contents = git.contents([entry.identity for entry in taken], limits.file_bytes)
    target.mkdir()
    for entry in entries:
        _require_harmless(entry.path, address)
        try:
            _write(entry, contents, target / entry.path)
        except (FileExistsError, NotADirectoryError):
            raise _denied(address, entry.path, "twice") from None


def _entries(listing: bytes) -> Iterator[_Entry]:
    for line in filter(None, listing.split(b"\0")):
        facts, _, path = line.partition(b"\t")
        mode, _, identity, length = facts.decode().split()
        yield _Entry(os.fsdecode(path), mode, identity, int(length) if length.isdigit() else 0)


def _wanted(entries: list[_Entry], folders: Collection[str]) -> Iterator[_Entry]:
    everything = any(entry.path == SKILL_FILE for entry in entries)
    return (entry for entry in entries if everything or entry.path.split("/", 1)[0] in folders)


def _require_harmless(path: str, address: str) -> None:
    """Git refuses such names when it checks out; here nothing does it for us."""
    parts = path.split("/")
    if len(parts) > _DEEPEST or any(part in {"", ".", ".."} or part.lower() in _OWN_TO_GIT for part in parts):
        raise _denied(address, path, "")


def _denied(address: str, path: str, how: str) -> FreeholdError:
    told = " ".join(filter(None, (f"{address} holds {visible(path)[:200]}", how)))
    return FreeholdError(Code.DENIED, f"{told}, which no honest repository does", "do not use it; tell its host")


def _write(entry: _Entry, contents: dict[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode not in _FILES:
        os.mkfifo(path)
        return
    with path.open("xb") as file:
        if entry.is_taken:
            file.write(contents[entry.identity])
        else:
            file.truncate(min(entry.size_bytes, 1024 * LARGEST_FILE))
    path.chmod(0o755 if entry.mode == "100755" else 0o644)
