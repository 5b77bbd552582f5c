"""Reading a project's live files into a manifest; bytes that no revision has yet are copied aside as they are read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import open_plain, read_plain
from freehold.base.words import size
from freehold.project.agent_config import SKILL_FILE
from freehold.project.dockerfiles.syntax import DockerfileError, parse
from freehold.project.home import environment_file
from freehold.project.load import (
    AGENTS_DIRECTORY,
    CONFIG_FILE,
    REVISION_ENVIRONMENT,
    REVISION_FILES,
    agent_directories,
)
from freehold.project.overlay import OVERLAY_FILE, chosen_environment
from freehold.project.place import pinned
from freehold.project.problems import Problems
from freehold.project.state import for_both
from freehold.project.toml import LARGEST_FILE
from freehold.runtime.images.context import selection, taken
from freehold.runtime.images.patterns import IGNORE_FILE
from freehold.runtime.release_file import release_in
from freehold.runtime.revision import Entry, Kind, Manifest
from freehold.runtime.snapshot import checked_link, listed

LARGEST_PROJECT_BYTES = 4 * 1024 * 1024 * 1024
"""Of all agents together: a revision is a copy."""
SETTLED_NS = 2_000_000_000
"""A file that changed so lately may change again within the same tick of its file system's clock: it is read anew."""
_PIECE = 1024 * 1024
_MOST_TRIES = 3
"""To read a file that is written to meanwhile; one that always is, a log, is taken as it was the last time."""
MODES = {Kind.FILE: 0o600, Kind.PROGRAM: 0o700, Kind.FOLDER: 0o700}
_OWN_FILES = (CONFIG_FILE, OVERLAY_FILE, "Dockerfile", IGNORE_FILE)

Content = tuple[Kind, str]
"""What a file holds: a link to a file shares its mode, so a program is another thing than a file of the same bytes."""
Identity = tuple[int, int, int, int, int]
"""Device, inode, size, and when content and status changed: the same for the same content, once it is settled."""


@dataclass(frozen=True)
class Live:
    """What was found. `manifest` lacks the agents, and the project's own files (the agent ""), that have `errors`;
    and every agent, when their folder cannot be read (`agents_known`). `sources` is where the bytes are that no
    revision had. All of it is of one `release`; empty where the project's folder is none.
    """

    manifest: Manifest
    errors: Mapping[str, FreeholdError]
    sources: Mapping[Content, Path]
    agents_known: bool = True
    release: str = ""


@dataclass
class Scanner:
    """`seen` is what each file was when it was read last, so that most of a project need not be read again."""

    root: Path
    home: Path
    environment: str = ""
    seen: dict[Path, tuple[Identity, str]] = field(default_factory=dict)

    def scan(self, known: Mapping[Content, Path], aside: Path, now_ns: int) -> Live:
        """The files as they are. `known` says of which digests there is a copy; others are copied to the folder
        `aside`. Raises DISK when that cannot be written; what is wrong with the files is in the answer.
        """
        return _Scan(self, known, aside, now_ns).whole()


class _Scan:
    def __init__(self, scanner: Scanner, known: Mapping[Content, Path], aside: Path, now_ns: int) -> None:
        self._root = pinned(scanner.root)
        self._scanner = scanner
        self._known = known
        self._aside = aside
        self._now_ns = now_ns
        self._seen: dict[Path, tuple[Identity, str]] = {}
        self._sources: dict[Content, Path] = {}
        self._total = 0

    def whole(self) -> Live:
        entries: list[Entry] = []
        errors: dict[str, FreeholdError] = {}
        agents: list[str] | None = None
        try:
            agents = self._agents()
        except OSError as error:
            told = f"{AGENTS_DIRECTORY}: {error.strerror}"
            errors[""] = FreeholdError(Code.CONFIG, told, "All agents stay as they were until it is corrected.")
        for agent in ("", *(agents or ())):
            try:
                entries += self._of_agent(agent) if agent else self._of_project()
            except FreeholdError as error:
                if error.code is Code.DISK:
                    raise
                errors[agent] = error
            except OSError as error:  # removed, or made another thing, between being listed and being read
                told = f"{self._told(Path(error.filename or self._root))}: {error.strerror}"
                errors[agent] = FreeholdError(Code.CONFIG, told, "It is looked at again.")
        self._scanner.seen = self._seen
        sound = (entry for entry in entries if entry.agent not in errors)
        return Live(Manifest.of(sound), errors, self._sources, agents is not None, release_in(self._root))

    def _agents(self) -> list[str]:
        folder = self._root / AGENTS_DIRECTORY
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "is a link; put the folder itself in its place")
        return [path.name for path in agent_directories(self._root, Problems()) if (path / SKILL_FILE).exists()]

    def _of_agent(self, name: str) -> Iterator[Entry]:
        yield from self._folder(self._root / AGENTS_DIRECTORY / name, f"{AGENTS_DIRECTORY}/{name}")

    def _of_project(self) -> Iterator[Entry]:
        yield Entry(REVISION_FILES, Kind.FOLDER)
        if (self._root / AGENTS_DIRECTORY).is_dir():
            yield Entry(f"{REVISION_FILES}/{AGENTS_DIRECTORY}", Kind.FOLDER)
        for name in _OWN_FILES:
            yield from self._own_file(name)
        yield from self._copied_into_the_image()
        if (self._root / "shared").is_dir():
            yield from self._folder(self._root / "shared", "shared", hidden=False)
        if name := chosen_environment(self._root, self._scanner.environment):
            path = environment_file(self._scanner.home, name).resolve()
            yield from self._file(path, REVISION_ENVIRONMENT, Kind.FILE)

    def _own_file(self, name: str) -> Iterator[Entry]:
        """A link in its place is told as one, wherever it leads."""
        live = self._root / name
        if os.path.lexists(live):
            yield from self._file(live, f"{REVISION_FILES}/{name}", _kind(live.lstat().st_mode))

    def _copied_into_the_image(self) -> Iterator[Entry]:
        """What the project's Dockerfile copies from the project's folder."""
        try:
            text = read_plain(self._root / "Dockerfile", LARGEST_FILE).decode(errors="replace")
            paths = list(taken(self._root, selection(parse(text))))
        except (OSError, DockerfileError):
            return  # told by whoever loads the project, or builds its image
        folders = {str(parent) for path in paths for parent in Path(path).parents if str(parent) != "."}
        yield from (Entry(f"{REVISION_FILES}/{folder}", Kind.FOLDER) for folder in folders)
        for path in paths:
            yield from self._item(self._root, path, f"{REVISION_FILES}/{path}", (self._root / path).lstat().st_mode)

    def _folder(self, folder: Path, name: str, *, hidden: bool = True) -> Iterator[Entry]:
        yield Entry(f"{REVISION_FILES}/{name}", Kind.FOLDER)
        for item in listed(folder, hidden=hidden):
            yield from self._item(folder, item.path, f"{REVISION_FILES}/{name}/{item.path}", item.status.st_mode)

    def _item(self, folder: Path, below: str, path: str, mode: int) -> Iterator[Entry]:
        if stat.S_ISDIR(mode):
            yield Entry(path, Kind.FOLDER)
        elif stat.S_ISLNK(mode):
            yield Entry(path, Kind.LINK, str(checked_link(folder, folder / below)))
        elif stat.S_ISREG(mode):
            yield from self._file(folder / below, path, _kind(mode))
        else:
            raise FreeholdError(
                Code.CONFIG, f"{self._told(folder / below)} is not a file.", "Move it elsewhere, or ignore it."
            )

    def _file(self, live: Path, path: str, kind: Kind) -> Iterator[Entry]:
        """Nothing for a file that is not there (any more): whether it must be is for whoever loads the project."""
        try:
            digest, size_bytes = self._read(live, kind)
        except FileNotFoundError:
            return
        except OSError as error:
            what = error.strerror or str(error)
            raise FreeholdError(Code.CONFIG, f"{self._told(live)}: {what}", "Correct it there.") from error
        self._total += size_bytes
        if self._total > LARGEST_PROJECT_BYTES:
            bounds = f"the project's files are more than {size(LARGEST_PROJECT_BYTES)}"
            raise FreeholdError(Code.TOO_LARGE, f"{self._told(live)}: {bounds}", "Ignore what no agent needs.")
        yield Entry(path, kind, digest, size_bytes)

    def _read(self, live: Path, kind: Kind) -> tuple[str, int]:
        with os.fdopen(open_plain(live), "rb") as file:
            for _ in range(_MOST_TRIES):
                before = os.fstat(file.fileno())
                digest = self._remembered(live, before, kind) or self._copy(file.fileno(), before.st_size, kind)
                if _identity(os.fstat(file.fileno())) == _identity(before):
                    break
        if max(before.st_mtime_ns, before.st_ctime_ns) < self._now_ns - SETTLED_NS:
            self._seen[live] = (_identity(before), digest)
        return digest, before.st_size

    def _remembered(self, live: Path, status: os.stat_result, kind: Kind) -> str:
        identity, digest = self._scanner.seen.get(live, (None, ""))
        return digest if identity == _identity(status) and self._has((kind, digest)) else ""

    def _has(self, content: Content) -> bool:
        return content in self._known or content in self._sources

    def _copy(self, descriptor: int, size_bytes: int, kind: Kind) -> str:
        """The digest of what is there, of which there is a copy then."""
        hasher = hashlib.sha256()
        for piece in _pieces(descriptor, size_bytes):
            hasher.update(piece)
        content = (kind, hasher.hexdigest())
        if not self._has(content):
            content = (kind, self._copy_aside(descriptor, size_bytes, kind))
        return content[1]

    def _copy_aside(self, descriptor: int, size_bytes: int, kind: Kind) -> str:
        """Read once more: what is copied is what counts, whatever was there before."""
        hasher = hashlib.sha256()
        part = self._aside / "part"
        try:
            with part.open("wb") as copy:
                for piece in _pieces(descriptor, size_bytes):
                    hasher.update(piece)
                    copy.write(piece)
            part.chmod(for_both(MODES[kind]))
            content = (kind, hasher.hexdigest())
            self._sources[content] = part.rename(self._aside / f"{kind}-{content[1]}")
        except OSError as error:
            raise FreeholdError(
                Code.DISK, f"{self._aside.parent}: {error.strerror}", "Make room on the disk that holds it."
            ) from error
        return content[1]

    def _told(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)


def _pieces(descriptor: int, size_bytes: int) -> Iterator[bytes]:
    """The first `size_bytes`, or fewer when there are no more."""
    position = 0
    while piece := os.pread(descriptor, min(_PIECE, size_bytes - position), position):
        position += len(piece)
        yield piece


def _identity(status: os.stat_result) -> Identity:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _kind(mode: int) -> Kind:
    return Kind.PROGRAM if mode & 0o111 else Kind.FILE
