"""Which of a project's services are started anew: those whose program, unit or settings are others than when they
were started, and those that do not run. What they can take over while they run is no reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import Layout

_TIMEOUT_S = 180.0
"""Each unit may take half a minute to end (`server/units.py`)."""


class RestartFacts(msgspec.Struct, frozen=True):
    """`started`: what each unit was started with last; `active`: how systemd has it."""

    started: dict[str, str]
    active: dict[str, str]


@dataclass(frozen=True)
class RestartPart:
    """`service` and `keeper` are digests of what they are to be started with (`units_part.started_with`)."""

    layout: Layout
    service: str = ""
    keeper: str = ""

    @property
    def name(self) -> str:
        return "restart"

    @property
    def remote(self) -> str:
        return program_text("restart")

    @property
    def record_path(self) -> str:
        """Where it is written what each unit was started with."""
        return f"{self.layout.root}/started.json"

    @property
    def _wanted(self) -> Mapping[str, str]:
        return {self.layout.keeper: self.keeper, self.layout.service: self.service}

    def asked(self) -> Any:
        return {"record": self.record_path, "units": [self.layout.socket, *self._wanted]}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        """A keeper that is started anew takes over the runs of the one before (docs/why/push.md): none is ended."""
        known = msgspec.json.decode(facts, type=RestartFacts)
        changes = []
        if known.active.get(self.layout.socket) != "active":
            changes.append(Change(f"start {self.layout.socket}", (), {"start": self.layout.socket}))
        for unit, digest in self._wanted.items():
            if known.active.get(unit) not in ("active", "activating", "reloading"):
                changes.append(Change(f"start {unit}", (), {"unit": unit, "digest": digest}))
            elif known.started.get(unit) != digest:
                changes.append(Change(f"restart {unit}", (), {"unit": unit, "digest": digest}))
        return changes

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        document = {
            "record": self.record_path,
            "start": [change.document["start"] for change in changes if "start" in change.document],
            "restart": {
                change.document["unit"]: change.document["digest"] for change in changes if "unit" in change.document
            },
        }
        await run_script(host, "restart", self.remote, document, type(None), as_root=True, timeout_s=_TIMEOUT_S)
