"""Workspaces that nothing will use again: what they are, and how they are given up."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.history import records
from freehold.keeper.means import Means
from freehold.keeper.rpc_server import Caller
from freehold.project.load import AGENTS_DIRECTORY, Project
from freehold.project.names import have_one_root
from freehold.runtime.kept_workspaces import KeptWorkspace, WorkspaceKeeping
from freehold.wire.keeper import ListGoneWorkspaces, RemoveWorkspace, WorkspaceView

Scales = Mapping[str, int | None]

_logger = logging.getLogger(__name__)


class GoneWorkspaces:
    """The verbs `workspace/gone` and `workspace/remove`. What a run uses is never removed."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def find(self, _caller: Caller, request: ListGoneWorkspaces) -> list[WorkspaceView]:
        """Those of every engine that answers, with their sizes. Raises the project's CONFIG errors."""
        project = self._means.load(request.environment)
        found: list[WorkspaceView] = []
        for name, engine in self._means.workspaces.items():
            try:
                found += await self._of_engine(name, engine, project)
            except FreeholdError as error:
                if error.code is not Code.UNREACHABLE:
                    raise
                _logger.info("an engine is not asked what it keeps", extra={"engine": name, "error": error.message})
        return found

    async def remove(self, _caller: Caller, request: RemoveWorkspace) -> None:
        """Raises CONFLICT when a run has it, or when it is of use again: somebody may have put the agent back."""
        engine = self._means.workspaces.get(request.engine)
        if engine is None:
            raise FreeholdError(Code.NOT_FOUND, f"no engine {request.engine!r} keeps workspaces")
        project = self._means.load(request.environment)
        wanted = (request.project, request.agent, request.slot)
        why = why_gone(project.unique_name, scales_of(project), *wanted)
        name = f"the workspace of {request.agent}, slot {request.slot},"
        if request.project not in self._names(project) or not why:
            raise FreeholdError(Code.CONFLICT, f"{name} is of use: it stays", "`freehold doctor` looks again.")
        slots = self._means.slots
        if slots.is_taken(request.agent, request.slot):
            raise FreeholdError(Code.CONFLICT, f"{name} is in use by a run", "Wait for its end, or `freehold kill` it.")
        slots.hold(request.agent, request.slot)  # an agent that comes back now waits for its slot
        try:
            await engine.give_up_workspace(*wanted)
        finally:
            slots.release(request.agent, request.slot)
        _logger.info("a workspace is removed", extra={"engine": request.engine, "agent": request.agent})

    async def _of_engine(self, name: str, engine: WorkspaceKeeping, project: Project) -> list[WorkspaceView]:
        scales = scales_of(project)
        kept = [one for owner in self._names(project) for one in await engine.workspaces(owner)]
        reasons = [why_gone(project.unique_name, scales, one.project, one.agent, one.slot) for one in kept]
        gone = [(one, why) for one, why in zip(kept, reasons, strict=True) if why]
        sizes = await engine.workspace_sizes([one for one, _ in gone]) if gone else []
        return [self._view(name, one, why, size) for (one, why), size in zip(gone, sizes, strict=True)]

    def _view(self, engine: str, one: KeptWorkspace, why: str, size_bytes: int | None) -> WorkspaceView:
        return WorkspaceView(
            engine=engine,
            project=one.project,
            agent=one.agent,
            slot=one.slot,
            where=one.where,
            why=why,
            size_bytes=size_bytes,
            in_use=self._means.slots.is_taken(one.agent, one.slot),
        )

    def _names(self, project: Project) -> list[str]:
        """What the project is called, and was called while runs ran in this very folder."""
        ran_as = {record.project for record in records(self._means.state)}
        former = {name for name in ran_as if have_one_root(name, project.unique_name)}
        return sorted({project.unique_name, *former})


def scales_of(project: Project) -> Scales:
    """How many slots each agent has; None for one that is broken, so that nobody can tell."""
    # A folder without a SKILL.md is no agent, but perhaps one that somebody is at work on.
    folders = [path.name for path in (project.root / AGENTS_DIRECTORY).glob("*") if path.is_dir()]
    unknown: dict[str, int | None] = dict.fromkeys((*folders, *project.broken))
    return {**unknown, **{name: agent.scale for name, agent in project.agents.items()}}


def why_gone(unique_name: str, scales: Scales, project: str, agent: str, slot: int) -> str:
    """Why no run will use this workspace again; empty when one may. Pure.

    An agent with `scale = 0` is switched off, and keeps what it has in its first slot.
    """
    if project != unique_name:
        return f'the project was called "{project}" then'
    if agent not in scales:
        return f'there is no agent "{agent}" any more'
    scale = scales[agent]
    if scale is not None and slot >= max(scale, 1):
        return f'agent "{agent}" has slot {slot} no more: its scale is {scale}'
    return ""
