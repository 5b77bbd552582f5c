"""A revision of a project: which files it had, and what each held. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from freehold.project.load import AGENTS_DIRECTORY, REVISION_FILES

_NAME = re.compile(r"[0-9a-f]{32}")


class Kind(StrEnum):
    FILE = "file"
    PROGRAM = "program"
    LINK = "link"
    FOLDER = "folder"


class Entry(msgspec.Struct, frozen=True, order=True):
    """`path` is below the revision's folder; `digest` is of a file's bytes (SHA-256, hex), or what a link says."""

    path: str
    kind: Kind
    digest: str = ""
    size_bytes: int = 0

    @property
    def is_file(self) -> bool:
        return self.kind in (Kind.FILE, Kind.PROGRAM)

    @property
    def agent(self) -> str:
        """The agent whose folder it is in; empty for what belongs to the project."""
        parts = self.path.split("/", 3)
        return parts[2] if len(parts) > 2 and parts[:2] == [REVISION_FILES, AGENTS_DIRECTORY] else ""


class Manifest(msgspec.Struct, frozen=True):
    """Everything in a revision, in the order of the paths: a folder comes before what is in it."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        return cls(tuple(sorted({entry.path: entry for entry in entries}.values())))

    @property
    def name(self) -> str:
        """The same for the same content: of names, contents and the executable bit, not of times."""
        digest = hashlib.sha256(msgspec.json.encode(self.entries))
        return digest.hexdigest()[:32]

    @property
    def agents(self) -> frozenset[str]:
        return frozenset(entry.agent for entry in self.entries if entry.agent)

    def of_agent(self, name: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.agent == name)

    def with_earlier(self, earlier: Manifest, agents: Iterable[str] = (), *, project: bool = False) -> Manifest:
        """This one, with the folders of `agents` as they were in an earlier one; with `project`, what is no agent's."""
        taken = {*agents, *([""] if project else [])}
        mine = (entry for entry in self.entries if entry.agent not in taken)
        theirs = (entry for entry in earlier.entries if entry.agent in taken)
        return Manifest.of((*theirs, *mine))


def is_revision(name: str) -> bool:
    """Whether `name` can be one's: it becomes a part of a path."""
    return _NAME.fullmatch(name) is not None
