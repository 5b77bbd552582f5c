"""The way to a server, step by step, from wherever it was left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from freehold.base.clock import Clock
from freehold.deploy.provision.arrival import Arrival
from freehold.deploy.provision.patience import Deadline
from freehold.deploy.provision.progress import Progress
from freehold.deploy.provision.record import Changes, Record
from freehold.deploy.provision.renting import Renting
from freehold.deploy.provision.step import Step, steps_to_do
from freehold.deploy.provision.wish import EXISTING
from freehold.hosts.host import Host
from freehold.hosts.target import Target
from freehold.project.environments import Environment

Answer = TypeVar("Answer")


class Web(Protocol):
    """HTTPS for an environment's name (`deploy/provision/https.py`)."""

    async def certificate(self, host: Host) -> Changes: ...

    async def ssl_mode(self) -> Changes: ...

    async def dns(self) -> Changes: ...


Prepare = Callable[[Host], Awaitable[None]]
"""What is missing on a server that was there before, after it was agreed to."""


@dataclass(frozen=True)
class Means:
    """What the way is gone with. `renting`, `prepare` and `web` are there where the environment needs them."""

    arrival: Arrival
    target_of: Callable[[Environment], Target]
    progress: Progress
    clock: Clock
    within_s: float
    renting: Renting | None = None
    prepare: Prepare | None = None
    web: Web | None = None


def steps_left(record: Record) -> tuple[Step, ...]:
    provision = record.provision
    rented = record.server.provider not in ("", EXISTING)
    return steps_to_do(rented=rented, certificate=provision.certificate, done=provision.done)


_AT_THE_PROVIDER = frozenset({Step.KEY, Step.FIREWALL, Step.SERVER, Step.ADDRESS})


class Journey:
    def __init__(self, record: Record, means: Means) -> None:
        self._record = record
        self._means = means
        self.doing: Step | None = None
        """The step that is being done, for whoever tells how it failed."""

    @property
    def left(self) -> tuple[Step, ...]:
        return steps_left(self._record)

    async def go(self) -> None:
        """Do what is left. Each step is written down when it is done. Raises what a step raises, and can be called
        again after that."""
        deadline = self._deadline()
        for step in self.left:
            await self.take(step, deadline)
        self.doing = None

    async def take(self, step: Step, deadline: Deadline | None = None) -> None:
        """Do a step, whether it was done or not."""
        deadline = deadline or self._deadline()
        self.doing = step
        self._means.progress.begins(step)
        changes = await self._do(step, deadline)
        self._means.progress.ends(step)
        self._record.keep(step, changes)

    async def _do(self, step: Step, deadline: Deadline) -> Changes:
        if step in _AT_THE_PROVIDER:
            return await self._rent(step, deadline)
        if step is Step.LOGIN:
            return await self._log_in(deadline)
        if step is Step.FIRST_BOOT:
            await self._means.arrival.first_boot(self._target, deadline)
        if step is Step.PREPARE and self._means.prepare:
            await self._on_server(self._means.prepare)
        if step in (Step.CERTIFICATE, Step.SSL_MODE, Step.DNS):
            return await self._serve(step)
        return Changes()

    async def _rent(self, step: Step, deadline: Deadline) -> Changes:
        renting = self._means.renting
        assert renting is not None
        if step is Step.ADDRESS:
            return await renting.address(deadline)
        return await {Step.KEY: renting.key, Step.FIREWALL: renting.firewall, Step.SERVER: renting.server}[step]()

    async def _log_in(self, deadline: Deadline) -> Changes:
        """A server that was there before is not waited for."""
        renting = self._means.renting
        vouch, until = (renting.fingerprint, deadline) if renting else (None, None)
        host, key = await self._means.arrival.meet(self._target, until, vouch)
        await host.close()
        return Changes({"hostKey": str(key)})

    async def _serve(self, step: Step) -> Changes:
        web = self._means.web
        assert web is not None
        if step is Step.CERTIFICATE:
            return await self._on_server(web.certificate)
        return await (web.ssl_mode() if step is Step.SSL_MODE else web.dns())

    async def _on_server(self, work: Callable[[Host], Awaitable[Answer]]) -> Answer:
        host, _ = await self._means.arrival.meet(self._target)
        try:
            return await work(host)
        finally:
            await host.close()

    def _deadline(self) -> Deadline:
        return Deadline(self._means.clock, self._means.progress, self._means.within_s)

    @property
    def _target(self) -> Target:
        return self._means.target_of(self._record.environment)
