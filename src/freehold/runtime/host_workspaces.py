"""What host-user runs keep: a directory for each slot, in the home of the user that it belongs to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from freehold.runtime.host.account import look_up
from freehold.runtime.host.allotment import Allotment
from freehold.runtime.host_user import DIRECTORY, HostUserEngine
from freehold.runtime.kept_workspaces import KeptWorkspace

SLOTS = "slots"
_BLOCK_BYTES = 512  # of `st_blocks`, whatever the file system's own are (stat(2))


class HostUserWorkspaces:
    """`run_as` are the users that runs of this project may have had, and `ran` what ran here: project, agent, slot.

    A directory's name alone does not say whose it is (`a-b` and `c` make the same name as `a` and `b-c`), and users of
    this host may keep workspaces of several projects: only what `ran` names is this project's.
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
        homes = list(self._homes())
        found = []
        for owner, agent, slot in sorted(set(self._ran())):
            places = [home / SLOTS / f"{owner}-{agent}-{slot}" for home in homes]
            where = next((place for place in places if _is_there(place)), None)
            if owner == project and where is not None:
                found.append(KeptWorkspace(project, agent, slot, str(where)))
        return found

    def _homes(self) -> Iterator[Path]:
        """Of the caller's own runs, of users that were made for runs, and of those that root lent."""
        yield self._directory / "home"
        for name in self._run_as():
            yield from (account.home for account in look_up(name))
        yield from sorted((Allotment(self._directory).base / "homes").glob("*/home"))

    async def workspace_sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        """See `WorkspaceKeeping`; only root can count what belongs to another user."""
        return [await asyncio.to_thread(_size_bytes, Path(one.where)) for one in kept]

    async def give_up_workspace(self, project: str, agent: str, slot: int) -> None:
        """See `WorkspaceKeeping`."""
        for name in self._run_as():
            await self._engine.give_up_workspace(project, agent, slot, name)


def _is_there(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError:  # a home that we may not look into
        return False


def _size_bytes(place: Path) -> int | None:
    def unreadable(error: OSError) -> None:
        raise error

    total = 0
    try:
        for folder, _, names in os.walk(place, onerror=unreadable):
            total += sum(Path(folder, name).lstat().st_blocks for name in names) * _BLOCK_BYTES
    except OSError:
        return None
    return total
