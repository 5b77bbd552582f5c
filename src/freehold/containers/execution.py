"""One command in a running container, and files put into one."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection

LARGEST_OUTPUT = 1024 * 1024
"""Bytes of what a command said that are kept: the last ones."""


@dataclass(frozen=True)
class Execution:
    """`text` is what the command said on either of its streams, in the order in which it came."""

    status: int
    text: str


class Executions:
    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def run(self, container_id: str, argv: tuple[str, ...], timeout_s: float = 30.0) -> Execution:
        """Run a command as root in it. CONFLICT when the container does not run, TIMEOUT after `timeout_s`: then it
        goes on, and nobody listens."""
        action = f"run {argv[0]} in container {container_id[:12]}"
        said = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                with self._connection.doing(action):
                    container = self._connection.client.containers.container(container_id)
                    execution = await container.exec(argv)
                    async with execution.start(detach=False) as stream:
                        while (message := await stream.read_out()) is not None:
                            said += message.data
                            del said[:-LARGEST_OUTPUT]
                    state = await execution.inspect()
        except TimeoutError:
            raise FreeholdError(Code.TIMEOUT, f"Docker could not {action}: no end after {timeout_s:.0f} s") from None
        return Execution(int(state.get("ExitCode") or 0), said.decode(errors="replace"))

    async def put(self, container_id: str, files: Mapping[str, bytes]) -> None:
        """Write files, absolute paths with their contents, root's own and for root alone; the container need not run.
        Folders on the way are made."""
        with self._connection.doing(f"put files into container {container_id[:12]}"):
            container = self._connection.client.containers.container(container_id)
            await container.put_archive("/", archive(files))  # type: ignore[no-untyped-call]


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar of `files`, by their absolute paths."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()
