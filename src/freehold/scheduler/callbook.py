"""Agents that call agents: what is allowed, and what the caller gets back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of, is_ulid
from freehold.base.words import one_of
from freehold.scheduler.admission import Admitted
from freehold.scheduler.agents import Agents
from freehold.scheduler.intake import Intake, NewTrigger
from freehold.scheduler.knot import OpenCall, is_knot
from freehold.store import calls, run_index, triggers
from freehold.store.calls import StoredCall
from freehold.store.database import Database
from freehold.store.triggers import TriggerState
from freehold.wire.run_api import CallRequest, CallStarted, CallView
from freehold.wire.runs import TriggerType

MOST_OPEN = 20
"""Calls of one run that are not answered yet: no agent fills the queues of the others."""


def refusal(
    caller: str, agent: str, chain: Sequence[str], deepest: int, allowed: Sequence[str] | None = None
) -> str:  # fmt: skip
    """Why `caller`, called by `chain` (outermost first), may not call `agent`; empty when it may. Pure.

    `allowed` are the agents that it may call; None: all.
    """
    if allowed is not None and agent not in allowed:
        which = f"it may call {one_of(allowed)}" if allowed else "it may call no agent"
        return f"{which} (`calls` in agents/{caller}/config.toml)"
    if agent == caller:
        return "an agent cannot call itself"
    if agent in chain:
        return f"the call would go round in a circle: {' → '.join((*chain, caller, agent))}"
    if len(chain) + 1 > deepest:
        return f"calls may go {deepest} deep (maxCallDepth): {' → '.join((*chain, caller, agent))}"
    return ""


class Callbook:
    """What `fh call` and `fh wait` ask for. Only the run that made a call is told how it stands."""

    def __init__(self, database: Database, clock: Clock, agents: Agents, intake: Intake) -> None:
        self._database = database
        self._clock = clock
        self._agents = agents
        self._intake = intake

    async def call(self, run_id: str, request: CallRequest) -> CallStarted:
        """Take the call in as a trigger. Raises CONFLICT (refused, with why), NOT_FOUND, CONFIG, and BUSY: the queue of
        the agent is full, or too many calls of this run are open."""
        caller = agent_of(run_id)
        chain = await self._database.read(lambda connection: _chain_above(connection, run_id))
        deepest = self._agents.project.config.max_call_depth
        own = self._agents.project.agents.get(caller)
        if why := refusal(caller, request.agent, chain, deepest, own.calls if own else None):
            raise FreeholdError(Code.CONFLICT, f"{request.agent} is not called: {why}", "Do it without this call.")
        if not self._agents.switches.is_enabled(request.agent):
            raise FreeholdError(
                Code.CONFLICT,
                f"{request.agent} is not called: it is disabled",
                f"freehold agent enable {request.agent}",
            )
        new = NewTrigger(
            request.agent,
            TriggerType.CALL,
            source=run_id,
            context={"caller": caller, "context": request.context},
        )

        def also(connection: Connection, taken: Sequence[Admitted | FreeholdError]) -> None:
            if len(calls.open_of(connection, [run_id])) >= MOST_OPEN:
                raise FreeholdError(
                    Code.BUSY, f"{MOST_OPEN} calls of this run are not answered yet", "Wait for one: fh wait CALL."
                )
            if is_knot(OpenCall(run_id, request.agent), *_waits(connection), self._agents.scales()):
                raise FreeholdError(
                    Code.CONFLICT,
                    f"{request.agent} is not called: each of its runs waits, through others, for this one to end",
                    "Do it without this call; a higher `scale` of the agents leaves more of them free.",
                )
            for one in taken:
                if isinstance(one, Admitted):
                    calls.add(connection, _stored(one, run_id, request.agent, (*chain, caller)))

        [admitted] = await self._intake.take_with([new], also)
        if isinstance(admitted, FreeholdError):
            raise admitted
        return CallStarted(admitted.trigger.id)

    async def called(self, run_id: str, call_id: str) -> CallView:
        """How a call stands. Raises NOT_FOUND for a call of somebody else, too."""
        call = None
        if is_ulid(call_id):
            call = await self._database.read(lambda connection: calls.find(connection, call_id))
        if call is None or call.caller_run != run_id:
            raise FreeholdError(
                Code.NOT_FOUND, f"this run has made no call {call_id[:100]}", "`fh call` prints the call's id."
            )
        return CallView(call_id=call.id, status=call.status, return_value=call.return_value, error=call.error)


def _chain_above(connection: Connection, run_id: str) -> tuple[str, ...]:
    """The agents whose calls led to this run, outermost first; empty when nobody called it."""
    trigger = triggers.of_run(connection, run_id)
    call = calls.find(connection, trigger.id) if trigger and trigger.type is TriggerType.CALL else None
    return call.chain if call else ()


def _waits(connection: Connection) -> tuple[list[OpenCall], dict[str, str]]:
    """The calls that are open, and the runs under way with their agents."""
    begun = {one.id: one for one in triggers.in_state(connection, TriggerState.RUNNING)}
    runs = {view.run_id: view.agent for view in run_index.unfinished(connection)}
    runs |= {one.run_id: one.agent for one in begun.values()}
    opened = calls.open_of(connection, runs)
    waits = [OpenCall(one.caller_run, one.agent, begun[one.id].run_id if one.id in begun else "") for one in opened]
    return waits, runs


def _stored(admitted: Admitted, run_id: str, agent: str, chain: tuple[str, ...]) -> StoredCall:
    trigger = admitted.trigger
    return StoredCall(id=trigger.id, caller_run=run_id, agent=agent, chain=chain, created_at=trigger.created_at)
