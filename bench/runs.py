"""Runs, driven as a client does, for measurements."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.client.keeper import KeeperConnection
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.keeper import AttachRun
from freehold.wire.runs import RunView, StartRun


async def run_to_its_end(keeper: KeeperConnection, agent: str) -> list[AnyEvent]:
    """Every event of a new run. Raises when it does not complete: what then was measured is not what was meant."""
    run_id = str(new_run_id(agent))
    await keeper.call("run/start", StartRun(run_id, agent), RunView)
    await keeper.call("run/attach", AttachRun(run_id), RunView)
    seen: list[AnyEvent] = []
    async for method, params in keeper.notices():
        if method != "run/event":
            continue
        event = events.decode(bytes(params))
        if event.run_id != run_id:
            continue
        seen.append(event)
        if isinstance(event, events.RunFinished):
            if event.result != "completed":
                raise FreeholdError(Code.FAILED, f"the measured run ended as {event.result}: {event.error}")
            return seen
    raise FreeholdError(Code.UNREACHABLE, "the keeper went away in the middle of a measurement")
