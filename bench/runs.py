"""Runs, driven as a client does, for measurements."""

from __future__ import annotations

import time
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.client.keeper import KeeperConnection
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.keeper import AttachRun
from freehold.wire.runs import RunView, StartRun


@dataclass(frozen=True)
class Seen:
    """An event, and how long after the trigger it came to the client."""

    event: AnyEvent
    since_ms: float


async def run_to_its_end(keeper: KeeperConnection, agent: str) -> list[Seen]:
    """Every event of a new run. Raises when it does not complete: what then was measured is not what was meant."""
    started = time.perf_counter()
    run_id = str(new_run_id(agent))
    await keeper.call("run/start", StartRun(run_id, agent), RunView)
    await keeper.call("run/attach", AttachRun(run_id), RunView)
    seen: list[Seen] = []
    async for method, params in keeper.notices():
        if method != "run/event":
            continue
        event = events.decode(bytes(params))
        if event.run_id != run_id:
            continue
        seen.append(Seen(event, (time.perf_counter() - started) * 1000))
        if isinstance(event, events.RunFinished):
            if event.result != "completed":
                raise FreeholdError(Code.FAILED, f"the measured run ended as {event.result}: {event.error}")
            return seen
    raise FreeholdError(Code.UNREACHABLE, "the keeper went away in the middle of a measurement")
