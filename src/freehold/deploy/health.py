"""Whether what was pushed is well on its server: looked at until it is, or the time for it is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.errors import FreeholdError
from freehold.base.words import duration
from freehold.deploy.guard import guard_unit
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.deploy.step import Step
from freehold.deploy.unhealthy import TIMEOUT_S, UnhealthyError
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import Layout
from freehold.wire.keeper import SOCKET_FILE

_ROUND_S = 20.0
"""Of one question to the server, so that a broken connection is found out."""
_LONGEST_LOOK_S = 60.0


class Health(msgspec.Struct, frozen=True):
    """What was found last. `problems` are told, and are no reason to go back: they are of single agents, or were there
    before. `now` is the server's time then, in seconds."""

    healthy: bool
    final: bool
    why: str
    problems: list[str]
    restarts: dict[str, int]
    journal: list[str]
    now: float = 0.0


@dataclass(frozen=True)
class NotWell:
    """A release that was not well, or could not be made to count, for the reason `error` at `step`."""

    host: Host
    layout: Layout
    release: str
    error: FreeholdError
    step: Step = Step.HEALTH

    def told(self, outcome: str) -> UnhealthyError:
        """`outcome` says what counts now."""
        what = "is not well" if self.step is Step.HEALTH else f"does not count ({self.step} failed)"
        where = f"{self.layout.project} on {self.host.name}: release {self.release}"
        why = self.error.message.replace("\n", "\n  ")
        journal = self.error.journal if isinstance(self.error, UnhealthyError) else ()
        return UnhealthyError(f"{where} {what}; {outcome}\n  {why}", journal)

    def not_back(self, before: str, error: FreeholdError) -> UnhealthyError:
        """`before` was to count again, and `error` is what came of it."""
        if isinstance(error, UnhealthyError):
            return self.told(f"release {before} counts again, and is not well either: {error.message}")
        return self.told(f"going back to release {before} failed too: {error.message}")


@dataclass(frozen=True)
class EdgePort:
    """Where visitors come in on the server: `host` is the name they ask for, empty for none."""

    port: int
    tls: bool = False
    host: str = ""


@dataclass(frozen=True)
class HealthPart:
    """Waits until `release`, else the one that counts there, is in force and well. With `due` it is looked at although
    it was well a moment ago, since other parts change something. `since` is the server's time when the push began: what
    the services said before is not told. `say` is told what is no reason to go back."""

    layout: Layout
    release: str = ""
    timeout_s: float = TIMEOUT_S
    edge: tuple[EdgePort, ...] = ()
    due: bool = False
    since: float = 0.0
    say: Callable[[str], None] = lambda _line: None

    @property
    def name(self) -> str:
        return "health"

    @property
    def remote(self) -> str:
        return program_text("health")

    def asked(self) -> Any:
        return {
            "socket": self.layout.gateway_socket,
            "keeper_socket": f"{self.layout.keeper_state}/{SOCKET_FILE}",
            "units": [self.layout.service, self.layout.keeper],
            "release": self.release,
            "current": self.layout.current,
            "edge": self.edge,
        }

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        known = msgspec.json.decode(facts, type=Health)
        if known.healthy and not self.due:
            return ()
        what = f"see that it is well, within {duration(self.timeout_s)}"
        return (Change(what, (known.why,) if known.why and not self.due else ()),)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        """Raises `UnhealthyError` when it is not well in time."""
        if changes:
            for problem in (await self.wait(host)).problems:
                self.say(f"problem: {problem}")

    async def wait(self, host: Host) -> Health:
        """Raises `UnhealthyError`."""
        end, restarts = time.monotonic() + self.timeout_s, dict[str, int]()
        while True:
            left = max(end - time.monotonic(), 0.0)
            found = await self._look(host, min(left, _ROUND_S), restarts, journal=left <= _ROUND_S)
            if found.healthy:
                return found
            if found.final or time.monotonic() >= end:
                raise UnhealthyError(
                    found.why, found.journal or (await self._look(host, 0.0, {}, journal=True)).journal
                )
            restarts = restarts or found.restarts

    async def _look(self, host: Host, for_s: float, restarts: dict[str, int], *, journal: bool) -> Health:
        document = {
            **self.asked(), "for_s": for_s, "restarts": restarts, "journal": journal, "since": self.since,
            "disarm": f"{guard_unit(self.layout)}.timer",
        }  # fmt: skip
        return await run_script(
            host, "health", self.remote, document, Health, as_root=True, timeout_s=for_s + _LONGEST_LOOK_S
        )
