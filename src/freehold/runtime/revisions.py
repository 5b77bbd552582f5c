"""The revisions of a project, in `.freehold/revisions`: whole copies of its files, which nobody changes any more.

current                       which one counts, and which agents go on with an earlier one
<name>/revision.json          its manifest, written last: without it the copy is not complete
<name>/files/…                the project's files; unchanged ones are hard links of those in the revision before
<name>/environment.toml       the environment's file, where there is one
.aside/                       bytes on their way into a revision
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE, make_private_directory, remove_tree, write_atomically
from freehold.base.plain_file import read_plain
from freehold.project.state import for_both
from freehold.runtime.revision import Kind, Manifest, is_revision
from freehold.runtime.revision_scan import MODES, Content, Live, Scanner

REVISIONS = "revisions"
"""In the project's state directory."""
_CURRENT, _MANIFEST, _ASIDE = "current", "revision.json", ".aside"
_LARGEST_BYTES = 256 * 1024 * 1024
"""Of a manifest: a line for each of a million files."""


class Chosen(msgspec.Struct, frozen=True):
    """The revision that counts. `holdovers` are agents that it breaks, and the revision that each goes on with."""

    revision: str
    holdovers: dict[str, str] = {}

    def of_agent(self, name: str) -> str:
        return self.holdovers.get(name, self.revision)

    @property
    def all(self) -> set[str]:
        return {self.revision, *self.holdovers.values()}


class Revisions:
    """One process writes: the scheduler's, which also removes what is of no use (`prune`). A keeper reads; it may be
    another user, whom a pipe in the place of a file must not hold up."""

    def __init__(self, state: Path) -> None:
        self.folder = state / REVISIONS

    def path_of(self, name: str) -> Path:
        """Where the revision is. Raises NOT_FOUND."""
        path = self.folder / name
        if not self.has(name):
            raise FreeholdError(
                Code.NOT_FOUND, f"there is no revision {name} of the project", "The next one is made at an edit."
            )
        return path

    def has(self, name: str) -> bool:
        return is_revision(name) and (self.folder / name / _MANIFEST).is_file()

    def made(self) -> list[Path]:
        """Every one that is complete; the time of each folder is when it was made."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        return [path for path in folders if self.has(path.name)]

    def current(self) -> Chosen | None:
        """The one that was chosen last; None when there is none, or when it is not there (any more)."""
        try:
            chosen = msgspec.json.decode(read_plain(self.folder / _CURRENT, _LARGEST_BYTES), type=Chosen)
            self.path_of(chosen.revision)
        except (OSError, msgspec.DecodeError, FreeholdError):
            return None
        return chosen

    def manifest(self, name: str) -> Manifest:
        """Raises NOT_FOUND, also for one that is damaged."""
        path = self.path_of(name)
        try:
            return msgspec.json.decode(read_plain(path / _MANIFEST, _LARGEST_BYTES), type=Manifest)
        except (OSError, msgspec.DecodeError) as error:
            told = f"{path / _MANIFEST}: not readable: {error}"
            raise FreeholdError(Code.NOT_FOUND, told, "The next one is made at an edit.") from error

    def chosen_at(self) -> datetime | None:
        """Since when the one that counts does; None when there is none."""
        try:
            return datetime.fromtimestamp((self.folder / _CURRENT).stat().st_mtime, UTC)
        except OSError:
            return None

    def choose(self, chosen: Chosen) -> None:
        """From now on this one counts, also after a restart. Raises DISK."""
        if self.current() == chosen:
            return  # so that the file's time says since when
        with self._writing():
            write_atomically(self.folder / _CURRENT, msgspec.json.encode(chosen), for_both(PRIVATE_FILE))

    @contextlib.contextmanager
    def scanned(self, scanner: Scanner, known: Iterable[str], now_ns: int) -> Iterator[Live]:
        """The live files; what was copied of them lasts as long as the context. Raises DISK."""
        aside = self.folder / _ASIDE
        try:
            with self._writing():
                make_private_directory(self.folder, for_both(MODES[Kind.FOLDER]))
                remove_tree(aside)  # of a process that was killed
                make_private_directory(aside)
            yield scanner.scan(self.contents(known), aside, now_ns)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def write(self, manifest: Manifest, live: Live, known: Iterable[str]) -> Path:
        """Lay a revision out, not complete yet; where. Its bytes come from `live` and from the revisions `known`.

        Raises DISK, and then leaves nothing.
        """
        path = self.folder / manifest.name
        if (path / _MANIFEST).is_file():
            return path
        contents = {**self.contents(known), **live.sources}
        try:
            with self._writing():
                remove_tree(path)
                path.mkdir(mode=for_both(MODES[Kind.FOLDER]))
                _lay_out(manifest, path, contents)
        except FreeholdError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return path

    def complete(self, manifest: Manifest) -> str:
        """Make what was laid out a revision, once all of it is on the disk; its name. Raises DISK."""
        path = self.folder / manifest.name
        if not (path / _MANIFEST).is_file():
            with self._writing():
                _sync(path)
                write_atomically(path / _MANIFEST, msgspec.json.encode(manifest), for_both(PRIVATE_FILE))
        return manifest.name

    def drop(self, manifest: Manifest) -> None:
        """Remove what was laid out and not completed."""
        path = self.folder / manifest.name
        if not (path / _MANIFEST).is_file():
            shutil.rmtree(path, ignore_errors=True)

    def prune(self, keep: Collection[str]) -> list[str]:
        """Remove every revision but these, and what is incomplete; which. What cannot be removed is left."""
        removed = []
        kept = {*keep, _ASIDE, *(self.current() or Chosen("")).all}
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            if path.name in kept or not path.is_dir():
                continue
            (path / _MANIFEST).unlink(missing_ok=True)  # first: half a revision is none
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path.name)
        return removed

    def contents(self, names: Iterable[str]) -> Mapping[Content, Path]:
        """Where the bytes of these revisions are; one that cannot be read has none."""
        found: dict[Content, Path] = {}
        for name in names:
            with contextlib.suppress(FreeholdError):
                entries = self.manifest(name).entries
                found |= {(one.kind, one.digest): self.folder / name / one.path for one in entries if one.is_file}
        return found

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FreeholdError(
                Code.DISK, f"{self.folder}: {error.strerror}", "Make room on the disk that holds it."
            ) from error


def _lay_out(manifest: Manifest, path: Path, contents: Mapping[Content, Path]) -> None:
    for entry in manifest.entries:
        target = path / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind is Kind.FOLDER:
            target.mkdir(mode=for_both(MODES[Kind.FOLDER]), exist_ok=True)
        elif entry.kind is Kind.LINK:
            target.symlink_to(entry.digest)
        else:
            _put(contents[entry.kind, entry.digest], target, entry.kind)


def _put(source: Path, target: Path, kind: Kind) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # too many links of one file, or a file system without any
        shutil.copyfile(source, target)
        target.chmod(for_both(MODES[kind]))


def _sync(path: Path) -> None:
    """Let the whole file system be on the disk: one call, where each of a thousand agents has several files."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)
