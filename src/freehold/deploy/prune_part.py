"""Releases that are kept no longer, with their images, and what pushes that were cut off left half there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.words import plural
from freehold.deploy.image_layers.place import SOCKET
from freehold.deploy.part import Change
from freehold.deploy.program_part import ProgramPart
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import Layout
from freehold.server.release import releases_in, to_remove

_TIMEOUT_S = 300.0


class PruneFacts(msgspec.Struct, frozen=True):
    releases: list[str]
    half: list[str]


@dataclass(frozen=True)
class PrunePart:
    """Keeps `release`, which will count then, `before`, and as many as are kept (`server/release.py`). `program` is
    asked afterwards to take away the programs that no release needs any more."""

    layout: Layout
    release: str = ""
    before: str = ""
    program: ProgramPart | None = None

    @property
    def name(self) -> str:
        return "prune"

    @property
    def remote(self) -> str:
        return program_text("prune")

    def asked(self) -> Any:
        return {"releases": self.layout.releases}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        known = msgspec.json.decode(facts, type=PruneFacts)
        changes = [
            Change(f"remove release {name}, and images that only it needs", (), {"remove": name})
            for name in self.going(facts)
        ]
        if known.half:
            changes.append(Change(f"remove what {plural(len(known.half), 'push')} left half there"))
        return changes

    def going(self, facts: msgspec.Raw) -> list[str]:
        """The releases that are removed."""
        known = msgspec.json.decode(facts, type=PruneFacts)
        there = {*releases_in(known.releases), *([self.release] if self.release else [])}
        return to_remove(sorted(there), self.release, before=self.before)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        await self.remove(host, [change.document["remove"] for change in changes if "remove" in change.document])
        if self.program:
            await self.program.prune(host)

    async def remove(self, host: Host, releases: Sequence[str]) -> None:
        """Those, but for the one that counts, with the images that nobody else there needs; and what is half there."""
        document = {**self.asked(), "current": self.layout.current, "remove": list(releases), "docker": SOCKET}
        program = program_text("images", "unneeded_images", "prune")
        await run_script(host, "prune", program, document, type(None), as_root=True, timeout_s=_TIMEOUT_S)
