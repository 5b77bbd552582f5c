"""The `Engine` on Docker: one container for each run, and everything else about it read back from labels."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.containers.container import Container, Containers
from freehold.containers.image_store import DockerImages
from freehold.containers.network import Networks
from freehold.containers.volume import Volumes
from freehold.runtime.container_config import NO_NETWORK, WORKSPACE_BYTES, docker_config, network_wanted
from freehold.runtime.container_names import PROJECT_LABEL, RUN_LABEL, container_name, volume_name
from freehold.runtime.cpu_allowance import cpu_allowance
from freehold.runtime.docker_facts import DockerFacts, read_facts
from freehold.runtime.engine import Exit, Found, Place, Readiness, RunSpec, Shell
from freehold.runtime.kept_workspaces import KeptWorkspace
from freehold.runtime.open_network import OpenNetworks
from freehold.runtime.restarts import Restarts
from freehold.runtime.workspace import Workspaces, disks_can_be_mounted
from freehold.runtime.workspace_watch import WorkspaceWatch
from freehold.wire import places

OUTPUT_BYTES = 4096
_KILLED = 137
_CREATED = "created"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Parts:
    """What one connection to Docker gives."""

    connection: DockerConnection
    facts: DockerFacts
    containers: Containers
    images: DockerImages
    open_networks: OpenNetworks
    workspaces: Workspaces


class DockerEngine:
    """Runs are containers of the engine at `DOCKER_HOST` or the default socket.

    The connection is made when first needed and then kept; `close` ends it. `workspaces` is where disk images of
    workspaces lie (only where the keeper is root); `measure_workspaces` keeps to measuring them there too.
    """

    name = "docker"

    def __init__(
        self,
        clock: Clock,
        workspaces: Path,
        *,
        address: str = "",
        workspace_bytes: int = WORKSPACE_BYTES,
        measure_workspaces: bool = False,
    ) -> None:
        self._clock = clock
        self._workspaces_directory = workspaces
        self._address = address
        self._workspace_bytes = workspace_bytes
        self._measure_workspaces = measure_workspaces
        self._parts: _Parts | None = None
        self._connecting = asyncio.Lock()

    async def check(self) -> Readiness:
        try:
            parts = await self._connect()
            version = await parts.connection.version()
        except FreeholdError as error:
            return Readiness(ready=False, problem=error.message, hint=error.hint)
        return Readiness(ready=True, version=version, warnings=parts.facts.warnings)

    async def place(self, run_id: str, project: str, agent: str, slot: int, **_: object) -> Place:
        """Docker mounts the run directory itself, so nothing is laid elsewhere."""
        container_name(project, agent, run_id)  # both refuse a name that Docker would refuse later
        volume_name(project, agent, slot)
        return Place()

    async def start(self, spec: RunSpec) -> None:
        """Raises IMAGE when the image is not there or cannot run, DISK when there is no workspace to be had."""
        parts = await self._connect()
        async with parts.workspaces.lock(spec.project, spec.agent, spec.slot):
            known = await self._find(spec.run_id)
            if known is not None and known.state != _CREATED:
                return
            if known is not None:  # a keeper died between create and start
                await self._remove_all(parts, spec.run_id)
            await self._start(parts, spec)

    async def _start(self, parts: _Parts, spec: RunSpec) -> None:
        try:
            await _require_no_volumes(parts.images, spec)
            mode = await parts.open_networks.open(spec) if network_wanted(spec.network) else NO_NETWORK
            workspace = await parts.workspaces.prepare(spec.project, spec.agent, spec.slot)
            try:
                config = docker_config(spec, parts.facts.cpus, workspace.volume, mode)
                name = container_name(spec.project, spec.agent, spec.run_id)
                await parts.containers.start(await parts.containers.create(name, config))
            finally:
                await workspace.let_go()
        except BaseException as error:
            await self._tidy(parts, spec.run_id)
            if isinstance(error, FreeholdError) and error.code is Code.NOT_FOUND:
                raise _no_image(spec, error) from error
            raise

    async def wait(self, run_id: str) -> Exit:
        """See `Engine.wait`. Survives a restart of Docker; raises UNREACHABLE when it stays away for a minute."""
        restarts = Restarts(self._clock)
        container = await restarts.through(lambda: self._get(run_id))
        parts = await self._connect()
        watch = await restarts.through(lambda: self._watch_for(parts, container))
        try:
            async with watch() if watch else contextlib.nullcontext():
                code = await restarts.through(lambda: parts.containers.wait(container.id))
            ending = await restarts.through(lambda: parts.containers.ending(container.id))
            output = await restarts.through(lambda: parts.containers.tail(container.id, OUTPUT_BYTES))
        except FreeholdError as error:
            if error.code not in (Code.NOT_FOUND, Code.CONFLICT):
                raise
            # Somebody removed the container under us (docker rm -f), or is about to: that is a kill.
            return Exit(_KILLED, output="The container was removed from outside.")
        return Exit(
            code,
            out_of_memory=ending.oom_killed,
            output=output or ending.problem,
            workspace_full=watch is not None and watch.full,
            engine_was_away=restarts.was_away,
        )

    async def _watch_for(self, parts: _Parts, container: Container) -> WorkspaceWatch | None:
        volume = await parts.workspaces.measured(*_slot_of(container))
        if not volume:
            return None
        return WorkspaceWatch(lambda: parts.workspaces.is_full(volume), lambda: parts.containers.kill(container.id))

    async def kill(self, run_id: str, grace_s: float = 0.0) -> None:
        container = await self._find(run_id)
        if container is None:
            return
        parts = await self._connect()
        if grace_s > 0:
            await parts.containers.stop(container.id, math.ceil(grace_s))
        else:
            await parts.containers.kill(container.id)

    async def find(self, project: str) -> list[Found]:
        parts = await self._connect()
        listed = await parts.containers.with_labels({PROJECT_LABEL: project})
        return [_as_found(one) for one in listed if RUN_LABEL in one.labels]

    async def remove(self, run_id: str) -> None:
        await self._remove_all(await self._connect(), run_id)

    async def _remove_all(self, parts: _Parts, run_id: str) -> None:
        for container in await parts.containers.with_labels({RUN_LABEL: run_id}):
            await parts.containers.remove(container.id)
        await parts.open_networks.close(run_id)

    async def _tidy(self, parts: _Parts, run_id: str) -> None:
        """After a start that failed, whose own error is the one to tell: the next `start`, or `remove`, tries again."""
        try:
            await self._remove_all(parts, run_id)
        except FreeholdError as error:
            _logger.warning("what a failed start left stays", extra={"run_id": run_id, "error": error.message})

    async def shell(self, run_id: str, command: tuple[str, ...], columns: int, rows: int) -> Shell:
        container = await self._get(run_id)
        parts = await self._connect()
        user = f"{places.AGENT_UID}:{places.AGENT_UID}"
        return await parts.containers.terminal(
            container.id, command, user=user, directory=places.WORKING_DIRECTORY, columns=columns, rows=rows
        )

    async def workspaces(self, project: str) -> list[KeptWorkspace]:
        """See `WorkspaceKeeping`."""
        return await (await self._connect()).workspaces.kept(project)

    async def workspace_sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        """See `WorkspaceKeeping`."""
        return await (await self._connect()).workspaces.sizes(kept)

    async def give_up_workspace(self, project: str, agent: str, slot: int) -> None:
        """See `WorkspaceKeeping`. CONFLICT while a container has it, running or not."""
        parts = await self._connect()
        async with parts.workspaces.lock(project, agent, slot):
            await parts.workspaces.remove(project, agent, slot)

    async def close(self) -> None:
        """End the connection; runs go on."""
        if self._parts is not None:
            await self._parts.connection.close()
            self._parts = None

    async def _connect(self) -> _Parts:
        async with self._connecting:
            if self._parts is None:
                connection = DockerConnection.open(self._address)
                try:
                    info, version = await connection.info(), await connection.version()
                    facts = read_facts(info, version, connection.address, cpu_allowance())
                except BaseException:
                    await connection.close()
                    raise
                containers = Containers(connection)
                self._parts = _Parts(
                    connection=connection,
                    facts=facts,
                    containers=containers,
                    images=DockerImages(connection),
                    open_networks=OpenNetworks(containers, Networks(connection)),
                    workspaces=self._workspaces(Volumes(connection), facts),
                )
            return self._parts

    def _workspaces(self, volumes: Volumes, facts: DockerFacts) -> Workspaces:
        enforceable = not self._measure_workspaces and disks_can_be_mounted(facts)
        return Workspaces(volumes, self._workspaces_directory, self._workspace_bytes, enforceable=enforceable)

    async def _find(self, run_id: str) -> Container | None:
        parts = await self._connect()
        found = await parts.containers.with_labels({RUN_LABEL: run_id})
        return found[0] if found else None

    async def _get(self, run_id: str) -> Container:
        container = await self._find(run_id)
        if container is None:
            raise FreeholdError(Code.NOT_FOUND, f"Docker knows no run {run_id}.", "See: freehold runs")
        return container


async def _require_no_volumes(images: DockerImages, spec: RunSpec) -> None:
    """A Dockerfile is looked at before it is built; an image may have a volume from what it was made from, too."""
    image = await images.find(spec.image)
    if image is not None and image.volumes:
        raise FreeholdError(
            Code.IMAGE,
            f"Image {spec.image} of agent {spec.agent} has a volume at {', '.join(image.volumes)}: "
            "the container would have a writable disk without a bound.",
            "Take VOLUME out of the Dockerfile, and out of what it is made FROM.",
        )


def _no_image(spec: RunSpec, error: FreeholdError) -> FreeholdError:
    return FreeholdError(
        Code.IMAGE,
        f"Image {spec.image} of agent {spec.agent} is not there: {error.message}",
        f"Build it: freehold image build {spec.agent}",
    )


def _slot_of(container: Container) -> tuple[str, str, int]:
    found = _as_found(container)
    return container.labels.get(PROJECT_LABEL, ""), found.agent, found.slot


def _as_found(container: Container) -> Found:
    return Found.of(container.labels, running=container.running, started=container.state != _CREATED)
