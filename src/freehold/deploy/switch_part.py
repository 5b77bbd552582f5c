"""Which release counts on a server: two links, of which nothing but this part changes any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.deploy.guard import Guard
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import PROGRAMS, Layout


class SwitchFacts(msgspec.Struct, frozen=True):
    """Where the links lead now; empty where there is none."""

    current: str
    program: str


@dataclass(frozen=True)
class SwitchPart:
    """`release` and `program` are to count; a program that is empty stays as it is. `token` is that of the lease;
    `guard` is armed before. `rolled_back`: what it is written that somebody went back from, where that changes."""

    layout: Layout
    release: str = ""
    program: str = ""
    token: str = ""
    guard: Guard | None = None
    rolled_back: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return "switch"

    @property
    def remote(self) -> str:
        return program_text("guard", "switch")

    def asked(self) -> Any:
        return {"current": self.layout.current, "program": self.layout.program}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        known = msgspec.json.decode(facts, type=SwitchFacts)
        changes = []
        if self.program and known.program != self.program:
            target = f"../{PROGRAMS}/{self.program}"
            changes.append(_change(self.layout.program, known.program, self.program, target))
        if self.release and known.current != self.release:
            changes.append(_change(self.layout.current, known.current, self.release, f"releases/{self.release}"))
        return changes

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        links = [change.document["link"] for change in changes]
        guard = self.guard.document() if self.guard else None
        marks = None if self.rolled_back is None else (self.layout.rolled_back, list(self.rolled_back))
        document = {
            "links": links, "lease": self.layout.lease, "token": self.token, "guard": guard, "rolled_back": marks
        }  # fmt: skip
        await run_script(host, "switch", self.remote, document, type(None), as_root=True)


def _change(path: str, before: str, after: str, target: str) -> Change:
    what = f"let {path} lead to {after}" + (f" (until now {before})" if before else "")
    return Change(what, (), {"link": (path, target)})
