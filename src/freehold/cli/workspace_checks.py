"""What `doctor` looks at in the project's keeper: workspaces that nothing will use again."""

from __future__ import annotations

import os
from collections.abc import Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.cli.finding import Finding, Fix, Level
from freehold.client.keeper import ask, connected
from freehold.project.state import keeper_directory
from freehold.wire.keeper import ListGoneWorkspaces, RemoveWorkspace, WorkspaceView

SUBJECT = "workspaces"


async def check_workspaces(context: Context) -> list[Finding]:
    """A warning for each agent that is gone. Nothing where no run ever ran; a keeper is started only by its owner."""
    try:
        owner = keeper_directory(context.project_dir).stat().st_uid
    except OSError:
        return []
    try:
        # Root (`sudo freehold doctor`) must not start a keeper in somebody else's project.
        async with connected(context.project_dir, context.home, start=owner == os.geteuid()) as keeper:
            request = ListGoneWorkspaces(environment=context.environment)
            gone = await keeper.call("workspace/gone", request, list[WorkspaceView])
    except FreeholdError as error:
        if error.code is Code.UNREACHABLE and owner != os.geteuid():
            return []
        return [Finding(Level.WARNING, SUBJECT, f"those of agents that are gone: {error.message}", error.hint)]
    reasons = sorted({one.why for one in gone})
    return [_finding(context, why, [one for one in gone if one.why == why]) for why in reasons]


def _finding(context: Context, why: str, gone: Sequence[WorkspaceView]) -> Finding:
    """`why` is shared by all of `gone`."""
    lines = "\n".join(_described(one) for one in gone)
    free = [one for one in gone if not one.in_use]

    async def remove() -> None:
        for one in free:
            request = RemoveWorkspace(one.engine, one.project, one.agent, one.slot, context.environment)
            await ask(context.project_dir, context.home, "workspace/remove", request, type(None))

    offer = f"Remove {plural(len(free), 'workspace')} with everything in {'it' if len(free) == 1 else 'them'}"
    fix = Fix(offer, remove) if free else None
    return Finding(Level.WARNING, SUBJECT, f"{why}, and what it kept is still there:\n{lines}", fix=fix)


def _described(one: WorkspaceView) -> str:
    details = ["size unknown" if one.size_bytes is None else size(one.size_bytes)]
    if one.in_use:
        details.append("in use by a run")
    return f"{one.where} ({one.engine}, {', '.join(details)})"
