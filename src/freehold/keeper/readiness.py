"""Whether a run can begin at all: asked before it is recorded, so that what is missing is an answer, not a run."""

from __future__ import annotations

import asyncio

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.means import Means
from freehold.project.agent import Agent
from freehold.project.needs import Unmet, needs_of_agent, unmet
from freehold.wire.runs import RunOptions

ANSWER_WITHIN_S = 5.0
"""It takes milliseconds; one that hangs must not hold up whoever asks for a run."""
_MAY_BE_AWAY = "docker"


def require_ready(means: Means, agent: Agent, options: RunOptions) -> None:
    """Raises CONFIG or CREDENTIAL, naming everything that is missing and the commands that add it."""
    if agent.scale < 1:
        raise FreeholdError(
            Code.CONFIG,
            f'agent "{agent.name}" is disabled: its scale is 0',
            f"Set scale = 1 in agents/{agent.name}/config.toml.",
        )
    if means.is_asked_by_another and (options.record or options.as_caller):
        raise FreeholdError(
            Code.DENIED,
            "the keeper of a server writes to no path that it is told, and runs nothing as itself",
            "Record a rehearsal on your own machine.",
        )
    if options.rehearse and agent.rehearsal is None:
        raise FreeholdError(
            Code.CONFIG,
            f"agents/{agent.name}/rehearsal.yaml is missing, so there is nothing to rehearse",
            f"Write one, or make one from a real run: freehold run {agent.name} --record "
            f"agents/{agent.name}/rehearsal.yaml",
        )
    keyless = options.rehearse or options.idle
    keys = set(agent.model_keys) if keyless else set()
    needs = [need for need in needs_of_agent(agent) if need.ref not in keys]
    missing = unmet(needs, lambda ref, field: bool(means.credentials.get(ref, field)))
    if missing:
        raise _missing(agent, missing)


async def require_engine(means: Means, engine: str) -> None:
    """Raises UNREACHABLE when the engine of this name is away, as Docker is while it is restarted."""
    if engine != _MAY_BE_AWAY:
        return
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            readiness = await means.engines[engine].check()
    except TimeoutError:
        raise FreeholdError(
            Code.UNREACHABLE,
            f"{engine} did not answer within {ANSWER_WITHIN_S:.0f} s",
            "Look at it: systemctl status docker; journalctl -u docker",
        ) from None
    if not readiness.ready:
        raise FreeholdError(Code.UNREACHABLE, readiness.problem, readiness.hint)


def _missing(agent: Agent, missing: list[Unmet]) -> FreeholdError:
    lines = [f'agent "{agent.name}" cannot run yet:', *(f"  {one}" for one in missing)]
    hint = ""
    if agent.rehearsal and all(one.need.ref in agent.model_keys for one in missing):
        hint = f"Without a key: freehold run {agent.name} --rehearse"
    return FreeholdError(Code.CREDENTIAL, "\n".join(lines), hint)
