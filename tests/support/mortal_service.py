"""A project's service that takes triggers in, and dies at a step; or goes on until nothing is left to do.

`mortal_service.py PROJECT HOME --take N [--die-at STEP]`: takes N triggers for `dev`, printing each id once it is told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from freehold.gateway.project_service import ProjectService, open_service
from freehold.scheduler.intake import NewTrigger
from freehold.scheduler.step import Step
from freehold.store import triggers
from freehold.store.triggers import TriggerState
from freehold.wire.runs import TriggerType


async def serve(project: Path, home: Path, take: int, die_at: str) -> None:
    def reached(step: Step, _trigger_id: str) -> None:
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_service(project, home, reached=reached) as service:
        for number in range(take):
            new = NewTrigger("dev", TriggerType.MANUAL, source="test", prompt=str(number))
            taken = await service.scheduler.intake.take(new)
            sys.stdout.write(f"{taken.trigger.id}\n")
            sys.stdout.flush()
        while await _left(service):
            await asyncio.sleep(0.02)


async def _left(service: ProjectService) -> bool:
    def work(connection: object) -> bool:
        return bool(triggers.in_state(connection, TriggerState.WAITING, TriggerState.RUNNING))  # type: ignore[arg-type]

    return await service.database.read(work)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("--take", type=int, default=0)
    parser.add_argument("--die-at", default="")
    given = parser.parse_args()
    asyncio.run(serve(given.project, given.home, given.take, given.die_at))
