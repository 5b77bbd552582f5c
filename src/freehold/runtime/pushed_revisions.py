"""Revisions on a server, as the keeper takes them: what the gateway says that it made is believed only as far as it was
pushed.

The gateway is what the internet talks to, and its folder is its own. A revision in there may say that an agent gets
every credential, or change while a run is made from it. So the keeper reads releases, which nobody but root writes to,
and has copies of its own.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, remove_tree
from freehold.project.place import pinned
from freehold.runtime.release_file import release_in
from freehold.runtime.revision import Kind, Manifest
from freehold.runtime.revision_scan import MODES, Content, Live, Scanner
from freehold.runtime.revisions import Revisions
from freehold.server.release import releases_in

YOUNG_S = 3600.0
"""What is younger may be about to be used."""
_SCANNED = "releases"


class PushedRevisions:
    """`claimed` are the gateway's, `own` the keeper's, in a folder that the gateway cannot write to; `root` leads to
    the release that counts."""

    def __init__(self, root: Path, home: Path, claimed: Revisions, own: Revisions) -> None:
        self._root, self._home = root, home
        self._claimed, self._own = claimed, own
        self._alone = threading.Lock()
        """What is half made is of no use to whoever tidies up."""

    def path_of(self, name: str) -> Path:
        """Our copy of the revision. Raises NOT_FOUND; DENIED where parts of it are of no release that is kept: the
        project's own files, and each agent's, are those of one release, whole; DISK."""
        with self._alone:
            return self._own.path_of(name) if self._own.has(name) else self._copied(name)

    def prune(self, used: Collection[str]) -> None:
        """Remove our copies but those `used`, and young ones."""
        young = time.time() - YOUNG_S
        with self._alone:
            kept = [path.name for path in self._own.made() if path.stat().st_mtime > young]
            self._own.prune({*used, *kept})

    def _copied(self, name: str) -> Path:
        manifest = self._claimed.manifest(name)
        if manifest.name != name:
            raise _forged(name, "it is not what its name says")
        aside = self._own.folder / f".{_SCANNED}"
        try:
            make_private_directory(self._own.folder)
            remove_tree(aside)
            before = [path.name for path in self._own.made()]
            sources = self._pushed(manifest, self._own.contents(before), aside)
            self._own.write(manifest, Live(manifest, {}, sources), before)
        except OSError as error:
            why = f"{self._own.folder}: {error.strerror}"
            raise FreeholdError(Code.DISK, why, "Make room on the disk that holds it.") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        self._own.complete(manifest)
        return self._own.path_of(name)

    def _pushed(self, manifest: Manifest, known: Mapping[Content, Path], aside: Path) -> Mapping[Content, Path]:
        """Where the bytes are of everything in it that is not `known`. Raises DENIED."""
        wanted = {name: manifest.of_agent(name) for name in {"", *manifest.agents}}
        found: dict[Content, Path] = {}
        for release in self._releases():
            live = self._scanned(release, known, aside / release.name)
            same = [name for name, entries in wanted.items() if entries == live.manifest.of_agent(name)]
            for name in same:
                del wanted[name]
            found |= live.sources
            if not wanted:
                return found
        parts = ", ".join(f"agent {name}" if name else "the project's own files" for name in sorted(wanted))
        raise _forged(name=manifest.name, why=f"no release has it so: {parts}")

    def _scanned(self, release: Path, known: Mapping[Content, Path], aside: Path) -> Live:
        aside.mkdir(mode=MODES[Kind.FOLDER], parents=True)
        return Scanner(release, self._home).scan(known, aside, time.time_ns())

    def _releases(self) -> Iterator[Path]:
        """The one that counts first, then the newest; the project's folder alone where it is no release."""
        current = pinned(self._root)
        yield current
        if release_in(current):
            others = releases_in([path.name for path in current.parent.iterdir()])
            yield from (current.parent / each for each in others if each != current.name)


def _forged(name: str, why: str) -> FreeholdError:
    return FreeholdError(
        Code.DENIED, f"revision {name} is not what was pushed: {why}", "Push again. If that does not help, look into "
        "who else writes to the gateway's folder.",
    )  # fmt: skip
