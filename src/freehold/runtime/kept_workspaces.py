"""The seam beside `Engine`: what engines keep of agents between runs, until somebody gives it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class KeptWorkspace:
    """The workspace of one slot of one agent. `where` is what a person would look for: a volume's name, or a path."""

    project: str
    agent: str
    slot: int
    where: str


class WorkspaceKeeping(Protocol):
    """Promises, for every implementation (`tests/real/runtime/test_kept_workspaces.py`):

    - `workspaces` names what is kept for a project, in order of agent and slot, and never another project's.
    - after `give_up_workspace` nothing of it is left; it is no error when nothing was there.
    - they raise `FreeholdError` and nothing else for what the outside does wrong.
    """

    async def workspaces(self, project: str) -> list[KeptWorkspace]: ...

    async def workspace_sizes(self, kept: Sequence[KeptWorkspace]) -> list[int | None]:
        """Bytes that each takes on the disk, in the same order; None where they cannot be counted."""
        ...

    async def give_up_workspace(self, project: str, agent: str, slot: int) -> None:
        """Remove it with everything in it. CONFLICT while something uses it."""
        ...
