"""The workspace: what an agent keeps from run to run, one per slot, held to 2 GB.

Where the keeper is root on the engine's machine, a workspace is a file system of that size (`loop_disk.py`), and a run
that fills it sees a full disk. Elsewhere it is an ordinary volume that the engine measures while the run lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.containers.volume import Volume, Volumes
from freehold.project.names import agent_name_problem
from freehold.runtime.container_names import AGENT_LABEL, PROJECT_LABEL, SLOT_LABEL, volume_labels, volume_name
from freehold.runtime.docker_facts import DockerFacts
from freehold.runtime.kept_workspaces import KeptWorkspace
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

    async def kept(self, project: str) -> list[KeptWorkspace]:
        """What is kept for the project: its volumes, and disk images whose volume somebody removed."""
        found = {one.where: one for one in map(_as_kept, await self._volumes.labelled(PROJECT_LABEL, project)) if one}
        for name in self._images():
            one = kept_by_name(project, name)
            if one and name not in found and await self._volumes.find(name) is None:
                found[name] = one
        return sorted(found.values(), key=lambda one: (one.agent, one.slot))

    def _images(self) -> list[str]:
        try:
            return sorted(path.stem for path in self._directory.glob("*.ext4"))
        except PermissionError:  # a keeper that was root made them; ours cannot use them either
            return []

    async def sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        """Bytes that each takes: of a disk image what is allotted of it, of another volume what the engine counts."""
        found: dict[str, int | None] = {one.where: self._allotted_bytes(one.where) for one in kept}
        if None in found.values():
            usages = await self._volumes.usages_bytes()
            counted = {name: usages.get(name, -1) for name, size in found.items() if size is None}
            found.update({name: size if size >= 0 else None for name, size in counted.items()})
        return [found[one.where] for one in kept]

    def _allotted_bytes(self, name: str) -> int | None:
        try:
            return LoopDisk(self._directory, name, self.limit_bytes, places.AGENT_UID).image.stat().st_blocks * 512
        except OSError:
            return None

    async def remove(self, project: str, agent: str, slot: int) -> None:
        """Give the workspace up with everything in it.

        Raises CONFLICT while a container has it and when its name belongs to another agent's, DENIED when its disk
        image is root's and we are not.
        """
        name = volume_name(project, agent, slot)
        found = await self._volumes.find(name)
        if found is not None:
            _check_owner(found, volume_labels(project, agent, slot))
        disk = LoopDisk(self._directory, name, self.limit_bytes, places.AGENT_UID)
        try:
            with contextlib.suppress(FileNotFoundError):
                disk.image.stat()  # before anything is removed: half a workspace is of no use
            await self._volumes.remove(name)
            await disk.let_go()
            disk.image.unlink(missing_ok=True)
        except PermissionError as error:
            raise FreeholdError(
                Code.DENIED,
                f"Workspace {disk.image} belongs to root.",
                f"Remove it as root: sudo rm {disk.image}; then: docker volume rm {name}",
            ) from error


def kept_by_name(project: str, name: str) -> KeptWorkspace | None:
    """What a workspace's name says, when it can be one of the project."""
    agent, _, slot = name.removeprefix(f"fh-{project}-").rpartition("-")
    if agent_name_problem(agent) or not slot.isdecimal() or volume_name(project, agent, int(slot)) != name:
        return None
    return KeptWorkspace(project, agent, int(slot), name)


def _as_kept(volume: Volume) -> KeptWorkspace | None:
    """None for a volume of the project that is no workspace."""
    slot = volume.labels.get(SLOT_LABEL, "")
    if AGENT_LABEL not in volume.labels or not slot.isdecimal():
        return None
    return KeptWorkspace(volume.labels[PROJECT_LABEL], volume.labels[AGENT_LABEL], int(slot), volume.name)


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
