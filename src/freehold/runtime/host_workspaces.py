"""What host-user runs keep: a directory for each slot, in the home of the user that it belongs to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from freehold.runtime.host.allotment import Allotment
from freehold.runtime.host_user import DIRECTORY, HostUserEngine
from freehold.runtime.kept_workspaces import KeptWorkspace

SLOTS = "slots"
MOST_ENTRIES = 1_000_000
"""Of a workspace that is counted: its agent may have filled it with whatever it liked."""
_BLOCK_BYTES = 512  # of `st_blocks`, whatever the file system's own are (stat(2))


class HostUserWorkspaces:
    """`run_as` are the users that runs of this project may have had, and `ran` what ran here: project, agent, slot.

    A slot's name alone does not say whose it is (`a-b` and `c` make the same name as `a` and `b-c`), and nothing that
    lies in a home does, since its agent put it there: what counts is what ran here, and the keeper's own register.
    """

    def __init__(
        self,
        engine: HostUserEngine,
        state: Path,
        run_as: Callable[[], Collection[str]],
        ran: Callable[[], Collection[tuple[str, str, int]]],
    ) -> None:
        self._engine = engine
        self._directory = state / DIRECTORY
        self._run_as = run_as
        self._ran = ran

    async def workspaces(self, project: str) -> list[KeptWorkspace]:
        """See `WorkspaceKeeping`."""
        return await asyncio.to_thread(self._look, project)

    def _look(self, project: str) -> list[KeptWorkspace]:
        mine = [(agent, slot) for owner, agent, slot in sorted(set(self._ran())) if owner == project]
        found = ((agent, slot, self._where(f"{project}-{agent}-{slot}")) for agent, slot in mine)
        return [KeptWorkspace(project, agent, slot, str(where)) for agent, slot, where in found if where is not None]

    def _where(self, name: str) -> Path | None:
        """In the home of the user that the slot keeps, or where the caller's own runs leave it."""
        allotment = Allotment(self._directory)
        keeping = (account for run_as in self._run_as() for account in allotment.keeping(name, run_as))
        if account := next(keeping, None):
            return account.home / SLOTS / name
        own = self._directory / "home" / SLOTS / name
        return own if own.is_dir() else None

    async def workspace_sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        """See `WorkspaceKeeping`; only root can count what belongs to another user."""
        return [await asyncio.to_thread(size_bytes, Path(one.where)) for one in kept]

    async def give_up_workspace(self, project: str, agent: str, slot: int) -> None:
        """See `WorkspaceKeeping`. The user is free for another slot then."""
        for name in self._run_as():
            await self._engine.give_up_workspace(project, agent, slot, name)


def size_bytes(place: Path, most_entries: int = MOST_ENTRIES) -> int | None:
    """What the files below `place` take on the disk; None where that cannot be read, or not be counted.

    No link is followed, and no depth is too deep.
    """
    total, entries, folders = 0, 0, [str(place)]
    try:
        if place.is_symlink():
            return None
        while folders:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    if entries > most_entries:
                        return None
                    total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    except OSError:
        return None
    return total
