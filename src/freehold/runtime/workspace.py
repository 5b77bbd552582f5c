"""The workspace: what an agent keeps from run to run, one per slot, held to 2 GB.

Where the keeper is root on the engine's machine, a workspace is a file system of that size (`loop_disk.py`), and a run
that fills it sees a full disk. Elsewhere it is an ordinary volume that the engine measures while the run lasts.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.containers.volume import Volume, Volumes
from freehold.runtime.container_names import volume_labels, volume_name
from freehold.runtime.docker_facts import DockerFacts
from freehold.runtime.loop_disk import MOUNT_OPTIONS, LoopDisk, can_use_loop_disks
from freehold.wire import places


@dataclass(frozen=True)
class Workspace:
    """`disk` is None where the size is measured and not enforced."""

    volume: str
    disk: LoopDisk | None = None

    async def let_go(self) -> None:
        """After the container's start, or its failure: nothing but the container's own mount holds the disk."""
        if self.disk is not None:
            await self.disk.let_go()


class Workspaces:
    """Workspaces as Docker volumes. `directory` holds the disk images of the enforced ones."""

    def __init__(self, volumes: Volumes, directory: Path, limit_bytes: int, *, enforceable: bool) -> None:
        self._volumes = volumes
        self._directory = directory
        self._enforceable = enforceable
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._measuring = asyncio.Lock()
        self.limit_bytes = limit_bytes

    def lock(self, project: str, agent: str, slot: int) -> asyncio.Lock:
        """Held from `prepare` to `let_go`: two starts on one disk would pull it from under each other."""
        return self._locks[volume_name(project, agent, slot)]

    async def prepare(self, project: str, agent: str, slot: int) -> Workspace:
        """The workspace, ready to be mounted; made when it is not there. What is in it is kept.

        Raises CONFLICT when its name belongs to another agent's workspace, DISK when it cannot be made.
        """
        name = volume_name(project, agent, slot)
        labels = volume_labels(project, agent, slot)
        found = await self._volumes.find(name)
        if found is not None:
            _check_owner(found, labels)
        plain = not found.options if found is not None else not self._enforceable
        if plain:
            if found is None:
                await self._volumes.create(Volume(name, labels, {}))
            return Workspace(name)
        return await self._prepare_disk(name, labels, found)

    async def _prepare_disk(self, name: str, labels: dict[str, str], found: Volume | None) -> Workspace:
        if not self._enforceable:
            raise FreeholdError(
                Code.DISK,
                f"Workspace {name} is a disk image that only root can attach, and this keeper is not root.",
                f"Run as root as before, or give the workspace up: docker volume rm {name}",
            )
        disk = LoopDisk(self._directory, name, self.limit_bytes, places.AGENT_UID)
        await disk.attach()
        workspace = Workspace(name, disk)
        wanted = Volume(name, labels, {"type": "ext4", "device": str(disk.device), "o": MOUNT_OPTIONS})
        try:
            if found is not None and found.options != wanted.options:  # the project moved; the volume itself is empty
                await self._volumes.remove(name)
            await self._volumes.create(wanted)
        except FreeholdError:
            await workspace.let_go()
            raise
        return workspace

    async def measured(self, project: str, agent: str, slot: int) -> str:
        """The volume's name when its size has to be measured; the empty string when the file system holds it."""
        found = await self._volumes.find(volume_name(project, agent, slot))
        return found.name if found is not None and not found.options else ""

    async def is_full(self, name: str) -> bool:
        """Whether a measured workspace holds too much; the engine reads all of it, which may take seconds."""
        async with self._measuring:
            return await self._volumes.usage_bytes(name) > self.limit_bytes

    async def remove(self, project: str, agent: str, slot: int) -> None:
        """Give the workspace up with everything in it. CONFLICT while a container has it."""
        name = volume_name(project, agent, slot)
        await self._volumes.remove(name)
        disk = LoopDisk(self._directory, name, self.limit_bytes, places.AGENT_UID)
        await disk.let_go()
        disk.image.unlink(missing_ok=True)


def disks_can_be_mounted(facts: DockerFacts) -> bool:
    """Whether the engine can mount a disk that we attach: it is root on this machine, and so are we."""
    return facts.local and not facts.rootless and can_use_loop_disks(os.geteuid())


def _check_owner(found: Volume, labels: dict[str, str]) -> None:
    theirs = {key: found.labels.get(key, "") for key in labels}
    if theirs != labels:
        owner = " / ".join(theirs.values()) or "somebody else"
        raise FreeholdError(
            Code.CONFLICT,
            f"Volume {found.name} is not this agent's workspace: it belongs to {owner}.",
            f"Choose another projectName in .env.toml, or remove it: docker volume rm {found.name}",
        )
