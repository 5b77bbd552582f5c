"""Waiting until a sandbox is a server: systemd is through, and SSH answers."""

from __future__ import annotations

import asyncio
import contextlib

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.containers.container import Containers
from freehold.containers.execution import Executions
from freehold.providers.sandbox.order import BOOTS_WITHIN_S

_LOOK_EVERY_S = 0.2
_SHOWN_LINES = 30
_BOOTED = ("running", "degraded")


class Boot:
    def __init__(self, containers: Containers, executions: Executions, clock: Clock) -> None:
        self._containers = containers
        self._executions = executions
        self._clock = clock

    async def wait(self, container_id: str, name: str, address: str, within_s: float = BOOTS_WITHIN_S) -> str:
        """`running` or `degraded`, as systemd calls it, once SSH answers too.

        Raises TIMEOUT with what was waited for and what the journal says; FAILED when the container has stopped.
        """
        deadline = self._clock.monotonic() + within_s
        waits_for = "systemd"
        while True:
            state = await self._state(container_id, name)
            if state in _BOOTED:
                waits_for = f"SSH at {address}"
                if await answers_as_ssh(address):
                    return state
            if self._clock.monotonic() >= deadline:
                raise FreeholdError(
                    Code.TIMEOUT,
                    f"sandbox {name}: still waiting for {waits_for} after {within_s:.0f} s (systemd says: {state})\n"
                    + await self.journal(container_id),
                    "This machine must be the one that Docker runs on; Docker Desktop's containers cannot be reached."
                    if state in _BOOTED
                    else "Is the machine busy, or short of memory? Try again with --wait 300.",
                )
            await self._clock.sleep(_LOOK_EVERY_S)

    async def host_key(self, container_id: str) -> str:
        """Its public Ed25519 host key, read past the network; empty while there is none."""
        done = await self._executions.run(container_id, ("cat", "/etc/ssh/ssh_host_ed25519_key.pub"))
        return done.text.strip() if done.status == 0 else ""

    async def storage(self, container_id: str) -> str:
        """The storage driver of Docker inside, `overlay2`; empty while it does not tell."""
        done = await self._executions.run(container_id, ("docker", "info", "--format", "{{.Driver}}"))
        return done.text.strip() if done.status == 0 else ""

    async def journal(self, container_id: str) -> str:
        """The last of its journal, or of what its first program wrote, as indented lines; empty when neither tells."""
        text = ""
        with contextlib.suppress(FreeholdError):  # it is shown beside the error that counts
            asked = ("journalctl", "--no-pager", "--lines", str(_SHOWN_LINES), "--priority", "warning")
            text = (await self._executions.run(container_id, asked)).text
        if not text.strip():
            with contextlib.suppress(FreeholdError):
                text = await self._containers.tail(container_id, 4000)
        return "\n".join(f"  {line}" for line in text.strip().splitlines()[-_SHOWN_LINES:])

    async def _state(self, container_id: str, name: str) -> str:
        try:
            done = await self._executions.run(container_id, ("systemctl", "is-system-running"))
        except FreeholdError as error:
            if error.code is not Code.CONFLICT:
                raise
            said = await self.journal(container_id)
            raise FreeholdError(
                Code.FAILED, f"sandbox {name} stopped while it booted\n{said}".rstrip(), "Its first program said this."
            ) from error
        return done.text.strip().splitlines()[0] if done.text.strip() else "nothing"


async def answers_as_ssh(address: str, port: int = 22, timeout_s: float = 3.0) -> bool:
    """Whether somebody there begins as SSH servers do (RFC 4253 section 4.2)."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return (await reader.readline()).startswith(b"SSH-2.0-")
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
