"""What systemd is told of a project, and the command for people that are logged in to the server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.deploy.text_difference import text_difference
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.command import command_text
from freehold.server.layout import UNITS, Layout
from freehold.server.release import UNITS_FILE
from freehold.server.units import Listening, keeper_unit, service_unit, socket_unit

FIRST_PORT, LAST_PORT = 8080, 8999
_TIMEOUT_S = 120.0


class UnitsFacts(msgspec.Struct, frozen=True):
    """`files` are the texts that are there, by path; `port` is the project's own, 0 for none; `taken` are others'."""

    files: dict[str, str | None]
    disabled: list[str]
    port: int
    taken: list[int]


def port_for(facts: UnitsFacts, wanted: int = FIRST_PORT) -> int:
    """The port that the project's gateway listens on: once chosen it stays, else the first that is free from `wanted`
    on. Pure. Raises FAILED when there is none."""
    if facts.port:
        return facts.port
    taken = set(facts.taken)
    for port in range(wanted, max(LAST_PORT, wanted + 100) + 1):
        if port not in taken and port <= 65535:
            return port
    raise FreeholdError(
        Code.FAILED, f"no port from {wanted} on is free on the server", "Set gateway.port to a free one."
    )


def unit_texts(layout: Layout, port: int) -> dict[str, str]:
    """By path; the command for people is one of them."""
    return {
        f"{UNITS}/{layout.socket}": socket_unit(layout, Listening(port)),
        f"{UNITS}/{layout.keeper}": keeper_unit(layout),
        f"{UNITS}/{layout.service}": service_unit(layout),
        layout.command: command_text(layout),
    }


def started_with(layout: Layout, units: Mapping[str, str], program: str, settings: str) -> tuple[str, str]:
    """Digests of what the service and the keeper take in when they start. `settings` is what of the project's
    configuration is read then only."""
    texts = {path.rpartition("/")[2]: text for path, text in units.items()}
    service = (program, texts[layout.service], texts[layout.socket], settings)
    return _digest(*service), _digest(program, texts[layout.keeper])


@dataclass(frozen=True)
class UnitsPart:
    """`texts` are by path; None while it is not known what port there is: then it reads, and plans nothing."""

    layout: Layout
    texts: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        return "units"

    @property
    def remote(self) -> str:
        return program_text("units")

    @property
    def enabled(self) -> tuple[str, ...]:
        return (self.layout.socket, self.layout.keeper, self.layout.service)

    def asked(self) -> Any:
        files = [*(f"{UNITS}/{unit}" for unit in self.enabled), self.layout.command]
        return {"files": files, "enabled": self.enabled, "socket": f"{UNITS}/{self.layout.socket}"}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        known = msgspec.json.decode(facts, type=UnitsFacts)
        if self.texts is None:
            return ()
        changes = []
        for path, text in self.texts.items():
            before = known.files.get(path)
            if before != text:
                changes.append(Change(f"write {path}", text_difference(path, before, text)))
        changes += [Change(f"enable {unit}") for unit in known.disabled]
        return changes

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        if changes:
            await self._do(host, {"do": "put", "files": dict(self.texts or {}), "enabled": self.enabled})

    async def restore(self, host: Host, release: str) -> None:
        """What systemd was told when `release` was pushed. Raises NOT_FOUND when that is not known."""
        path = f"{self.layout.release(release)}/{UNITS_FILE}"
        await self._do(host, {"do": "restore", "units": path, "enabled": self.enabled})

    async def _do(self, host: Host, document: Mapping[str, Any]) -> None:
        await run_script(
            host, "units", self.remote, document, dict[str, list[str]], as_root=True, timeout_s=_TIMEOUT_S
        )  # fmt: skip


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
