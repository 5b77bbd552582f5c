"""A project's release on a server: what of it is there, what travels, and how it is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.base.words import plural, size
from freehold.deploy.part import Change
from freehold.deploy.release_files import ReleaseFiles, agent_entries
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host, RemoteFile
from freehold.hosts.script import run_script
from freehold.project.problems import shown, unknown
from freehold.runtime.revision import Entry, Kind, Manifest
from freehold.server.layout import Layout
from freehold.server.release import ReleaseRecord, next_id

_TIMEOUT_S = 600.0
_TRIES = 2
_SMALL_BYTES = 256 * 1024
"""Of all files together."""
_Row = tuple[str, Kind, str, int]


class ReleaseFacts(msgspec.Struct, frozen=True):
    """`manifest` is that of the current release; None where there is none, or where it is the one that is pushed."""

    current: str
    releases: list[ReleaseRecord]
    manifest: list[_Row] | None
    rolled_back: list[str] = []
    """Those that a rollback went back from."""

    @property
    def record(self) -> ReleaseRecord | None:
        return next((record for record in self.releases if record.id == self.current), None)

    @property
    def there(self) -> Manifest:
        """What the server has already, as far as it was told."""
        return Manifest(tuple(Entry(*row) for row in self.manifest or ()))


class _Sealed(msgspec.Struct, frozen=True):
    missing: list[str]


@dataclass(frozen=True)
class ReleasePart:
    """Makes `files` a release. `record` is what it will say of itself, but for its id and content; `units` are the
    texts that it brings along for systemd. `agent` pushes that one alone: the rest stays as it is in the current
    release. `environment` is named in what is told."""

    layout: Layout
    files: ReleaseFiles
    record: ReleaseRecord
    units: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""
    environment: str = "NAME"
    fresh: str = field(default_factory=new_ulid)

    @property
    def name(self) -> str:
        return "release"

    @property
    def remote(self) -> str:
        return program_text("release")

    def asked(self) -> Any:
        content = "" if self.agent else self.files.content
        return {
            "releases": self.layout.releases,
            "current": self.layout.current,
            "content": content,
            "rolled_back": self.layout.rolled_back,
        }

    def wanted(self, facts: ReleaseFacts) -> ReleaseRecord:
        """The record of the release that is to count: the current one's, when nothing of it would differ."""
        if self.agent:
            require_release(facts, self.layout, self.environment)
        self._require_ours(facts)
        mine = self._record(facts)
        return facts.record if facts.record and _same(facts.record, mine) else mine

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        known = msgspec.json.decode(facts, type=ReleaseFacts)
        record = self.wanted(known)
        if record.id == known.current:
            return ()
        manifest = self._manifest(known)
        there = known.there if known.manifest is not None else manifest if known.record else Manifest()
        missing = _missing(manifest, there)
        sent = sum({entry.digest: entry.size_bytes for entry in missing}.values())
        what = f"write release {record.id}: {plural(len(missing), 'file')} of {_count(manifest)}, {size(sent)}"
        document = {"record": record, "manifest": manifest, "send": sorted({entry.digest for entry in missing})}
        return (Change(what, tuple(difference(there, manifest)), document),)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for change in changes:
            record, manifest = change.document["record"], change.document["manifest"]
            send = change.document["send"]
            for _ in range(_TRIES):
                brought = await self._send(host, record.id, send)
                send = (await self._seal(host, record, manifest, brought)).missing
                if not send:
                    break
            else:
                raise FreeholdError(Code.FAILED, f"{host.name}: files of the release do not arrive", "Push again.")

    def _require_ours(self, facts: ReleaseFacts) -> None:
        """Two names may make the same one on a server: then they are two projects all the same."""
        there = facts.record.project if facts.record else self.record.project
        if there != self.record.project:
            raise FreeholdError(
                Code.CONFLICT,
                f"{self.layout.root} is the project {shown(there)} there, and this one is {shown(self.record.project)}",
                "Give this one another name (`projectName` in its .env.toml); or that one's, if they are the same.",
            )

    def _record(self, facts: ReleaseFacts) -> ReleaseRecord:
        release_id = next_id([each.id for each in facts.releases], self.fresh)
        content = self._manifest(facts).name
        mine = msgspec.structs.replace(self.record, id=release_id, content=content)
        if not self.agent or facts.record is None:
            return mine
        before = facts.record
        credentials = tuple(sorted({*before.credentials, *mine.credentials}))
        return msgspec.structs.replace(
            mine, program=before.program, service=before.service, keeper=before.keeper, credentials=credentials,
            images=tuple(sorted({*before.images, *mine.images})),
        )  # fmt: skip

    def _manifest(self, facts: ReleaseFacts) -> Manifest:
        """What will be in it."""
        if not self.agent:
            return self.files.manifest
        theirs = set(agent_entries(facts.there, self.agent))
        others = (entry for entry in facts.there.entries if entry not in theirs)
        return Manifest.of((*others, *agent_entries(self.files.manifest, self.agent)))

    async def _send(self, host: Host, release_id: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """Files that travel with the question instead, since they are small: it saves the server a few programs."""
        sources = self.files.sources
        if lost := [digest for digest in digests if digest not in sources]:
            raise FreeholdError(
                Code.FAILED,
                f"{host.name}: {plural(len(lost), 'file')} of release {self.layout.current} cannot be read there",
                f"Push the whole project: freehold push -E {host.name}",
            )
        contents = _small({digest: sources[digest] for digest in digests})
        if contents is None:
            files = [RemoteFile(digest, sources[digest]) for digest in digests]
            await host.put(files, f"{self.layout.releases}/.incoming-{release_id}", as_root=True)
        return contents or {}

    async def _seal(
        self, host: Host, record: ReleaseRecord, manifest: Manifest, brought: Mapping[str, bytes]
    ) -> _Sealed:
        document = {
            "releases": self.layout.releases,
            "record": record,
            "entries": [[entry.path, entry.kind, entry.digest, entry.size_bytes] for entry in manifest.entries],
            "units": None if self.agent else dict(self.units),
            "before": self.layout.current,
            "brought": brought,
        }
        return await run_script(
            host, "release", self.remote, document, _Sealed, as_root=True, timeout_s=_TIMEOUT_S
        )  # fmt: skip


def require_release(facts: ReleaseFacts, layout: Layout, environment: str) -> ReleaseRecord:
    """The current one's record. Raises NOT_FOUND when there is none."""
    if facts.record is None:
        raise FreeholdError(
            Code.NOT_FOUND,
            f"{layout.project} was never pushed there",
            f"Push the whole project: freehold push -E {environment}",
        )
    return facts.record


def require_agent(files: ReleaseFiles, agent: str, known: Sequence[str]) -> None:
    """Raises NOT_FOUND, with those that there are, when nothing of the agent would travel."""
    if not agent_entries(files.manifest, agent):
        raise FreeholdError(Code.NOT_FOUND, unknown("agent", agent, list(known)))


def difference(before: Manifest, after: Manifest) -> list[str]:
    """What a release changes in files and links: `+ path`, `~ path`, `- path`, sorted by path. Pure."""
    old = {entry.path: entry for entry in before.entries if entry.kind is not Kind.FOLDER}
    new = {entry.path: entry for entry in after.entries if entry.kind is not Kind.FOLDER}
    told = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old:
            told.append(f"+ {path}")
        elif path not in new:
            told.append(f"- {path}")
        elif old[path] != new[path]:
            told.append(f"~ {path}")
    return told


def _small(sources: Mapping[str, Path | bytes]) -> Mapping[str, bytes] | None:
    """What is in them; None when that is more than `_SMALL_BYTES`. Raises FAILED for what cannot be read."""
    contents: dict[str, bytes] = {}
    left = _SMALL_BYTES
    for digest, source in sources.items():
        try:
            size_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
            if (left := left - size_bytes) < 0:
                return None
            contents[digest] = source if isinstance(source, bytes) else source.read_bytes()
        except OSError as error:
            raise FreeholdError(Code.FAILED, f"{source!s} cannot be read: {error.strerror}") from None
    return contents


def _same(one: ReleaseRecord, other: ReleaseRecord) -> bool:
    """But for when, by whom and from which commit it was pushed."""
    names = ("project", "content", "program", "service", "keeper", "credentials")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _missing(wanted: Manifest, there: Manifest) -> list[Entry]:
    known = {(entry.kind, entry.digest) for entry in there.entries}
    return [entry for entry in wanted.entries if entry.is_file and (entry.kind, entry.digest) not in known]


def _count(manifest: Manifest) -> int:
    return sum(entry.kind is not Kind.FOLDER for entry in manifest.entries)
