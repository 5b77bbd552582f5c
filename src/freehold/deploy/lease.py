"""The lease of a push: who changes a project on a server, and until when others wait."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import Layout

LASTS_S = 90.0
RENEWED_S = 20.0
"""Three renewals may be lost before others take it over."""
_RENEWAL_TIMEOUT_S = 30.0


class Held(msgspec.Struct, frozen=True):
    """Somebody else's lease. `left_s` is how long it lasts unless it is renewed."""

    token: str
    owner: str
    process: str
    left_s: float


class _Ours(msgspec.Struct, frozen=True):
    ours: bool


def this_user() -> str:
    """`jane@laptop`."""
    return f"{getpass.getuser()}@{platform.node() or 'somewhere'}"


def this_process() -> str:
    """Names this process among all on all machines, so that it can be told that it has died."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def has_died(process: str) -> bool:
    """Whether it was one of this machine, and is no more. False for what cannot be told."""
    machine, _, rest = process.rpartition(" ")[0].rpartition(" ")
    started = process.rpartition(" ")[2]
    if machine != _machine() or not rest.isdigit():
        return False
    return _started(int(rest)) != started


def _machine() -> str:
    """The same for processes that can see each other."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{platform.node()}:{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _started(pid: int) -> str:
    """When, as far as the system tells; empty for a process that is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "alive"
    return "alive"


@dataclass
class Lease:
    """Ours once `facts.gather` took it; `kept` renews it, and gives it back."""

    layout: Layout
    owner: str = field(default_factory=this_user)
    process: str = field(default_factory=this_process)
    token: str = field(default_factory=new_ulid)
    lasts_s: float = LASTS_S
    _lost: FreeholdError | None = None

    def asked(self, *, instead_of: str = "") -> dict[str, Any]:
        """The document that the remote program takes it by."""
        return {
            "root": self.layout.root,
            "path": self.layout.lease,
            "token": self.token,
            "owner": self.owner,
            "process": self.process,
            "for_s": self.lasts_s,
            "instead_of": instead_of,
        }

    def require(self) -> None:
        """Raises CONFLICT once somebody else has it."""
        if self._lost:
            raise self._lost

    @contextlib.asynccontextmanager
    async def kept(
        self, host: Host, ending: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> AsyncIterator[None]:
        """Renewed meanwhile, and given back at the end, within `ending`; where the server cannot be reached then, it
        runs out."""
        renewing = asyncio.create_task(self._renew(host))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})
            if self._lost is None:
                with contextlib.suppress(FreeholdError), ending():
                    await self._do(host, "give_back")

    async def _renew(self, host: Host) -> None:
        while self._lost is None:
            await asyncio.sleep(RENEWED_S)
            try:
                if not (await self._do(host, "renew")).ours:
                    self._lost = _taken_over(host, self.layout)
            except FreeholdError:
                continue  # the push itself tells of a server that is away

    async def _do(self, host: Host, what: str) -> _Ours:
        document = {"do": what, **self.asked()}
        return await run_script(
            host, "lease", program_text("lease"), document, _Ours, as_root=True, timeout_s=_RENEWAL_TIMEOUT_S
        )


def in_the_way(host: Host, layout: Layout, held: Held, now: datetime) -> FreeholdError:
    """Said to who comes second. `now` is this machine's local time."""
    until = (now + timedelta(seconds=held.left_s)).strftime("%H:%M:%S")
    return FreeholdError(
        Code.CONFLICT,
        f"{layout.project} on {host.name} is being changed by {held.owner}, who has it until {until}",
        "Push again when they are done; the time moves on while they work, and is over when they do not any more.",
    )


def _taken_over(host: Host, layout: Layout) -> FreeholdError:
    return FreeholdError(
        Code.CONFLICT,
        f"{layout.project} on {host.name}: somebody else took over, since this push was not heard of for "
        f"{LASTS_S:.0f} seconds",
        "Nothing more was changed. `freehold env status` says what runs there; push again.",
    )
