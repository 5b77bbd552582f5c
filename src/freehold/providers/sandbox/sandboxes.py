"""The sandboxes of one Docker engine: made, listed, removed. What one is, is written on its container and volume."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of
from freehold.containers.connection import DockerConnection
from freehold.containers.container import Containers
from freehold.containers.execution import Executions
from freehold.containers.network import Networks
from freehold.containers.volume import Volumes
from freehold.providers.sandbox import first_files
from freehold.providers.sandbox.boot import Boot
from freehold.providers.sandbox.bridge import Bridge
from freehold.providers.sandbox.capabilities import explained, missing_here
from freehold.providers.sandbox.container import (
    ADDRESS_LABEL,
    CAPABILITIES,
    SANDBOX_LABEL,
    config,
    free_address,
)
from freehold.providers.sandbox.images import Notice, SandboxImages
from freehold.providers.sandbox.order import BOOTS_WITHIN_S, Order, Sandbox, State, container_name
from freehold.providers.sandbox.recipe import IMAGE_LABEL, Form
from freehold.providers.sandbox.room import require_room

_GONE_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.2
_STARTS = 3


@dataclass(frozen=True)
class Docker:
    """What is asked of one engine, by one connection."""

    connection: DockerConnection
    containers: Containers
    executions: Executions
    volumes: Volumes
    networks: Networks

    @classmethod
    def of(cls, connection: DockerConnection) -> Docker:
        return cls(
            connection, Containers(connection), Executions(connection), Volumes(connection), Networks(connection)
        )


@dataclass(frozen=True)
class Booted:
    """`host_key` is its public key, read past the network. `systemd` is `running`, or `degraded`: some unit failed.
    `storage` is the driver of Docker inside, where it has one."""

    sandbox: Sandbox
    host_key: str
    systemd: str
    storage: str


class Sandboxes:
    """Raises `FreeholdError`; Docker's own as `DockerConnection` tells them."""

    def __init__(self, docker: Docker, images: SandboxImages, clock: Clock | None = None) -> None:
        self._docker = docker
        self._images = images
        self._clock = clock or SystemClock()
        self._bridge = Bridge(docker.networks, self._clock)
        self.boot = Boot(docker.containers, docker.executions, self._clock)

    async def create(self, order: Order, notice: Notice, within_s: float = BOOTS_WITHIN_S) -> Booted:
        """A new one that has booted and answers. When it does not, all of it is removed; raises as `make` and
        `boot.wait`."""
        sandbox = await self.make(order, notice)
        try:
            notice(f"waiting until {order.name} has booted and SSH answers at {sandbox.address}")
            systemd = await self.boot.wait(sandbox.container_id, order.name, sandbox.address, within_s)
            storage = await self.boot.storage(sandbox.container_id) if order.form is Form.READY else ""
            return Booted(sandbox, await self._host_key(sandbox), systemd, storage)
        except BaseException:
            await self._clear(order.name)
            raise

    async def make(self, order: Order, notice: Notice) -> Sandbox:
        """A new one, started; `boot.wait` waits for it. What was made is removed again when something fails.

        Raises CONFLICT for a name that is taken, DISK where there is no room, and as `SandboxImages.ensure`.
        """
        if there := await self.find(order.name):
            raise FreeholdError(
                Code.CONFLICT,
                f"there is a sandbox {order.name} already ({there.state})",
                f"Choose another name, or: freehold sandbox remove {order.name}",
            )
        require_room(str((await self._docker.connection.info()).get("DockerRootDir", "")))
        image = await self._images.ensure(order.suite, order.form, notice)
        try:
            container_id = await self._started(order, image)
        except BaseException as error:
            # A name that somebody else took meanwhile is theirs, with all that is below it.
            if not (isinstance(error, FreeholdError) and error.code is Code.CONFLICT):
                await self._clear(order.name)
            raise
        return await self._told(container_id)

    async def all(self) -> list[Sandbox]:
        """Every one, by name; also what is left of one whose maker, or remover, was stopped half way."""
        found = []
        for container in await self._docker.containers.labelled(SANDBOX_LABEL):
            with contextlib.suppress(FreeholdError):  # it went while we looked
                found.append(await self._told(container.id))
        volumes = await self._docker.volumes.labelled(SANDBOX_LABEL)
        left = {volume.labels[SANDBOX_LABEL] for volume in volumes} - {sandbox.name for sandbox in found}
        found += [Sandbox(name, State.INCOMPLETE, "", "") for name in left]
        return sorted(found, key=lambda sandbox: sandbox.name)

    async def find(self, name: str) -> Sandbox | None:
        return next((sandbox for sandbox in await self.all() if sandbox.name == name), None)

    async def require(self, name: str) -> Sandbox:
        """Raises NOT_FOUND, with those that there are."""
        known = await self.all()
        for sandbox in known:
            if sandbox.name == name:
                return sandbox
        names = [sandbox.name for sandbox in known]
        suggestion = did_you_mean(name, names)
        raise FreeholdError(
            Code.NOT_FOUND, f'there is no sandbox "{name}" {suggestion}'.rstrip(), f"There are: {one_of(names)}."
        )

    async def remove(self, name: str) -> bool:
        """Take everything of it away, and the network with the last one; whether there was anything.

        Raises TIMEOUT when Docker still holds on to something after a minute.
        """
        was_there = await self.find(name) is not None
        await self._clear(name)
        return was_there

    async def _host_key(self, sandbox: Sandbox) -> str:
        if key := await self.boot.host_key(sandbox.container_id):
            return key
        raise FreeholdError(Code.FAILED, f"sandbox {sandbox.name} has no Ed25519 host key")

    async def _started(self, order: Order, image: str) -> str:
        """Its container's id. Whoever removes the last sandbox just now takes the network away: then once more."""
        for _ in range(_STARTS - 1):
            try:
                return await self._start_one(order, image)
            except FreeholdError as error:
                if error.code is not Code.NOT_FOUND:
                    raise
            await self._clear(order.name)
        return await self._start_one(order, image)

    async def _start_one(self, order: Order, image: str) -> str:
        address = free_address(await self._bridge.ensure(), order.name, await self._taken())
        containers = self._docker.containers
        container_id = await containers.create(container_name(order.name), config(order, image, address))
        await self._docker.executions.put(container_id, first_files.of(order))
        try:
            await containers.start(container_id)
        except FreeholdError as error:
            raise explained(error, missing_here(CAPABILITIES)) from error
        return container_id

    async def _taken(self) -> list[str]:
        return [one.labels.get(ADDRESS_LABEL, "") for one in await self._docker.containers.labelled(SANDBOX_LABEL)]

    async def _told(self, container_id: str) -> Sandbox:
        shown = await self._docker.containers.inspect(container_id)
        state, labels = shown["State"], shown["Config"]["Labels"]
        own = (SANDBOX_LABEL, ADDRESS_LABEL, IMAGE_LABEL)
        return Sandbox(
            name=labels[SANDBOX_LABEL],
            state=_state(state["Status"]),
            address=labels.get(ADDRESS_LABEL, ""),
            since=shown["Created"] if state["Status"] == "created" else state["StartedAt"],
            image=shown["Config"]["Image"],
            container_id=shown["Id"],
            marks={key: value for key, value in labels.items() if key not in own},
        )

    async def _clear(self, name: str) -> None:
        """Uninterrupted, for it is what is done when something was interrupted."""
        task = asyncio.create_task(self._clear_now(name))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task
            raise

    async def _clear_now(self, name: str) -> None:
        docker, deadline = self._docker, self._clock.monotonic() + _GONE_WITHIN_S
        while True:
            try:
                for container in await docker.containers.with_labels({SANDBOX_LABEL: name}):
                    await docker.containers.remove(container.id)
                for volume in await docker.volumes.labelled(SANDBOX_LABEL, name):
                    await docker.volumes.remove(volume.name)
                break
            except FreeholdError as error:
                # Docker lets go of a volume some moments after its container.
                if error.code is not Code.CONFLICT:
                    raise
                if self._clock.monotonic() >= deadline:
                    message = f"sandbox {name} is still there after {_GONE_WITHIN_S:.0f} s: {error.message}"
                    raise FreeholdError(Code.TIMEOUT, message, "Ask once more; `docker ps -a` tells more.") from error
            await self._clock.sleep(_LOOK_EVERY_S)
        if not await docker.containers.labelled(SANDBOX_LABEL):
            await self._bridge.remove()


def _state(status: str) -> State:
    """Of Docker's words."""
    if status == "created":
        return State.INCOMPLETE
    return State.RUNNING if status in ("running", "restarting", "paused") else State.STOPPED
