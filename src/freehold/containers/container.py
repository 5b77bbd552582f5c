"""Containers, thinly: one method for each thing that is asked of Docker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiodocker

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.containers.terminal import Terminal

_NOT_FOUND = 404
_NOT_MODIFIED = 304
_CONFLICT = 409


@dataclass(frozen=True)
class Container:
    """What Docker says of a container. `state` is `created`, `running`, `exited`, `dead` … (Docker's words)."""

    id: str
    name: str
    state: str
    labels: Mapping[str, str]

    @property
    def running(self) -> bool:
        return self.state in ("running", "paused", "restarting")


@dataclass(frozen=True)
class Ending:
    """How a container ended. `oom_killed`: the kernel killed something in it for want of memory."""

    code: int
    oom_killed: bool
    problem: str = ""


class Containers:
    """The verbs. Every one raises `FreeholdError`; what is gone already is no error for `kill`, `stop` and `remove`."""

    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def create(self, name: str, config: Mapping[str, Any]) -> str:
        """The new container's id. CONFLICT when the name is taken, NOT_FOUND when the image is not there."""
        with self._connection.doing(f"create container {name}"):
            container = await self._connection.client.containers.create(dict(config), name=name)
        return container.id

    async def start(self, container_id: str) -> None:
        """A container that runs already is left as it is."""
        with self._connection.doing(f"start container {container_id[:12]}"):
            await self._handle(container_id).start()

    async def wait(self, container_id: str) -> int:
        """The exit code, as soon as the container does not run."""
        with self._connection.doing(f"wait for container {container_id[:12]}"):
            answer = await self._handle(container_id).wait()
        return int(answer["StatusCode"])

    async def kill(self, container_id: str) -> None:
        """SIGKILL to every process of the container."""
        with self._connection.doing(f"kill container {container_id[:12]}"):
            try:
                await self._handle(container_id).kill()
            except aiodocker.DockerError as error:
                if error.status not in (_NOT_FOUND, _CONFLICT):  # gone, or not running
                    raise

    async def stop(self, container_id: str, grace_s: int) -> None:
        """SIGTERM to its first process, and SIGKILL to all after `grace_s`."""
        with self._connection.doing(f"stop container {container_id[:12]}"):
            try:
                await self._handle(container_id).stop(t=grace_s)
            except aiodocker.DockerError as error:
                if error.status not in (_NOT_FOUND, _NOT_MODIFIED):
                    raise

    async def inspect(self, container_id: str) -> dict[str, Any]:
        """Everything that Docker knows of it, as it says it. NOT_FOUND when there is none."""
        with self._connection.doing(f"inspect container {container_id[:12]}"):
            return dict(await self._handle(container_id).show())

    async def ending(self, container_id: str) -> Ending:
        """How it ended (or stands: an exit code of 0 means nothing while it runs)."""
        state = (await self.inspect(container_id))["State"]
        return Ending(int(state["ExitCode"]), bool(state["OOMKilled"]), str(state.get("Error", "")))

    async def with_labels(self, labels: Mapping[str, str]) -> list[Container]:
        """Every container, in whatever state, that carries all of `labels`."""
        return await self._listed([f"{key}={value}" for key, value in labels.items()])

    async def labelled(self, label: str) -> list[Container]:
        """Every container, in whatever state, that carries `label`, whatever its value."""
        return await self._listed([label])

    async def _listed(self, labels: list[str]) -> list[Container]:
        filters = json.dumps({"label": labels})
        with self._connection.doing("list containers"):
            listed = await self._connection.client.containers.list(all=1, filters=filters)
        return [_as_container(entry._container) for entry in listed]  # noqa: SLF001  the listing has no public form

    async def remove(self, container_id: str) -> None:
        """Kill and remove it, with its anonymous volumes."""
        with self._connection.doing(f"remove container {container_id[:12]}"):
            try:
                await self._handle(container_id).delete(force=True, v=True)
            except aiodocker.DockerError as error:
                if error.status not in (_NOT_FOUND, _CONFLICT):  # gone, or being removed by somebody else
                    raise

    async def tail(self, container_id: str, limit_bytes: int) -> str:
        """The last `limit_bytes` of what it wrote to its standard streams; what is not UTF-8 is replaced."""
        # Docker splits lines at 16 kB, so a hundred of them are never much, whatever the container wrote.
        params = {"stdout": "1", "stderr": "1", "tail": "100"}
        path = f"containers/{container_id}/logs"
        raw = await self._connection.get(path, params, f"read the log of container {container_id[:12]}")
        return demultiplex(raw)[-limit_bytes:].decode(errors="replace")

    async def terminal(
        self, container_id: str, command: tuple[str, ...], user: str, directory: str, columns: int, rows: int
    ) -> Terminal:
        """Run `command` in it on a terminal of its own. CONFLICT when the container does not run."""
        with self._connection.doing(f"open a terminal in container {container_id[:12]}"):
            execution = await self._handle(container_id).exec(
                command, stdin=True, tty=True, user=user, workdir=directory, environment={"TERM": "xterm-256color"}
            )
            stream = execution.start(detach=False)
            await stream.__aenter__()
        terminal = Terminal(self._connection, execution, stream)
        await terminal.resize(columns, rows)
        return terminal

    def _handle(self, container_id: str) -> aiodocker.containers.DockerContainer:
        return self._connection.client.containers.container(container_id)


def demultiplex(raw: bytes) -> bytes:
    """The two standard streams of a container without a terminal, joined in the order they were written.

    Docker frames them: one byte for the stream, three of padding, four of length (big-endian), then the data
    (API reference, "Stream format"). A frame that was cut short gives what there is of it.
    """
    parts = []
    position = 0
    while position + 8 <= len(raw):
        length = int.from_bytes(raw[position + 4 : position + 8], "big")
        parts.append(raw[position + 8 : position + 8 + length])
        position += 8 + length
    return b"".join(parts)


def _as_container(entry: Mapping[str, Any]) -> Container:
    return Container(
        id=str(entry["Id"]),
        name=str(entry["Names"][0]).lstrip("/") if entry["Names"] else "",
        state=str(entry["State"]),
        labels=dict(entry["Labels"] or {}),
    )


def missing(error: FreeholdError) -> bool:
    """Whether Docker said that the thing is not there."""
    return error.code is Code.NOT_FOUND
