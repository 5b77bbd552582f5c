"""The files of a project that travel to a server, with a digest of each."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import open_plain
from freehold.base.words import size
from freehold.project.load import AGENTS_DIRECTORY
from freehold.project.overlay import OVERLAY_FILE
from freehold.runtime.images.patterns import IGNORE_FILE, IgnoreRules, read_ignore_rules
from freehold.runtime.revision import Entry, Kind, Manifest
from freehold.runtime.snapshot import checked_link

MOST_ENTRIES, DEEPEST = 50_000, 64
LARGEST_BYTES = 4 * 1024**3
"""As of a revision (`runtime/revision_scan.py`), which is a copy of the same files."""


@dataclass(frozen=True)
class ReleaseFiles:
    """`manifest` names every file, folder and link below the project's folder; `sources` says where the bytes of a
    digest are."""

    manifest: Manifest
    sources: Mapping[str, Path | bytes]

    @property
    def content(self) -> str:
        """The same for the same files."""
        return self.manifest.name

    def of_agent(self, name: str) -> ReleaseFiles:
        """What is in the agent's folder, and the folder."""
        return ReleaseFiles(Manifest(agent_entries(self.manifest, name)), self.sources)


def agent_entries(manifest: Manifest, name: str) -> tuple[Entry, ...]:
    folder = f"{AGENTS_DIRECTORY}/{name}"
    return tuple(entry for entry in manifest.entries if entry.path == folder or entry.path.startswith(f"{folder}/"))


def read_release_files(root: Path, binding: bytes) -> ReleaseFiles:
    """The project's files as they are, and `binding` as its `.env.toml`.

    Left out are `.git`, `.env*` and `.freehold` at any depth, and what `.freeholdignore` lists: that of the project,
    and those of single agents and of `shared/` for their own folders. Symbolic links stay links.

    Raises CONFIG for a link that leaves the project, for what is no file, cannot be read, or has a name that is no
    text, TOO_LARGE above `MOST_ENTRIES`, `DEEPEST` or `LARGEST_BYTES`.
    """
    entries, sources, total = [], {}, 0
    for path, status in _walk(root, "", (("", read_ignore_rules(root)),)):
        entry = _entry(root, path, status)
        entries.append(entry)
        total += entry.size_bytes
        if entry.is_file:
            sources[entry.digest] = root / path
        if total > LARGEST_BYTES or len(entries) > MOST_ENTRIES or path.count("/") >= DEEPEST:
            raise _too_much(root, path)
    digest = hashlib.sha256(binding).hexdigest()
    entries.append(Entry(OVERLAY_FILE, Kind.FILE, digest, len(binding)))
    return ReleaseFiles(Manifest.of(entries), {**sources, digest: binding})


def _walk(root: Path, below: str, rules: tuple[tuple[str, IgnoreRules], ...]) -> Iterator[tuple[str, os.stat_result]]:
    """Paths below `root`, folders before what is in them. Rules hold from the folder on that they are in."""
    try:
        with os.scandir(root / below) as listing:
            found = sorted(listing, key=lambda entry: entry.name)
        for entry in found:
            path = posixpath.join(below, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if any(each.ignores(posixpath.relpath(path, at or "."), is_folder=is_folder) for at, each in rules):
                continue
            yield path, entry.stat(follow_symlinks=False)
            if is_folder:
                own = ((path, read_ignore_rules(root / path)),) if _has_rules(path) else ()
                yield from _walk(root, path, (*rules, *own))
    except OSError as error:
        raise FreeholdError(
            Code.CONFIG,
            f"{error.filename or root / below}: cannot be read: {error.strerror}",
            f"Correct it, or list it in {IGNORE_FILE}.",
        ) from error


def _has_rules(path: str) -> bool:
    """Whether a `.freeholdignore` in this folder counts: where it does for runs and images."""
    return path == "shared" or (path.startswith(f"{AGENTS_DIRECTORY}/") and path.count("/") == 1)


def _entry(root: Path, path: str, status: os.stat_result) -> Entry:
    live, mode = root / path, status.st_mode
    if _is_no_text(path):
        raise FreeholdError(
            Code.CONFIG, f"{path!a}: its name is no text (UTF-8)", f"Rename it, or list its folder in {IGNORE_FILE}."
        )
    if stat.S_ISDIR(mode):
        return Entry(path, Kind.FOLDER)
    if stat.S_ISLNK(mode):
        return Entry(path, Kind.LINK, str(checked_link(root, live)))
    if not stat.S_ISREG(mode):
        raise FreeholdError(Code.CONFIG, f"{path} is not a file", f"Move it elsewhere, or list it in {IGNORE_FILE}.")
    kind = Kind.PROGRAM if mode & 0o111 else Kind.FILE
    try:
        with os.fdopen(open_plain(live), "rb") as file:
            return Entry(path, kind, hashlib.file_digest(file, "sha256").hexdigest(), status.st_size)
    except OSError as error:
        raise FreeholdError(
            Code.CONFIG, f"{path}: {error.strerror}", f"Correct it, or list it in {IGNORE_FILE}."
        ) from None


def _is_no_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return True
    return False


def _too_much(root: Path, path: str) -> FreeholdError:
    bounds = f"{MOST_ENTRIES} files and folders, {size(LARGEST_BYTES)}, or folders more than {DEEPEST} deep"
    return FreeholdError(
        Code.TOO_LARGE,
        f"{root} holds more than {bounds}; the last file was {path}",
        f"List in {root / IGNORE_FILE} what no agent needs.",
    )
