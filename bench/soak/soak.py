"""One soak, from the first start of the service until everything is done and looked at."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench.soak.client import Client
from bench.soak.kills import Kills
from bench.soak.ledger import Ledger
from bench.soak.load import EDITED, Load
from bench.soak.model import SlowModel, slow_model
from bench.soak.outcome import Outcome
from bench.soak.project import SCHEDULED, SoakProject, soak_project
from bench.soak.remains import Remains, collect
from bench.soak.service import Service
from bench.soak.verdict import violations
from bench.soak.watch import Growth, Watch, growth
from freehold import __version__
from freehold.base.errors import Code, FreeholdError

_READY_WITHIN_S = 60.0
_DRAINED_WITHIN_S = 900.0
_RELOADED_WITHIN_S = 30.0
_CLEAN_WITHIN_S = 60.0
_GROWN_MB = 16.0
_GROWN_CALM_MB = 12.0
_GROWN_DESCRIPTORS = 10


@dataclass(frozen=True)
class Wanted:
    """`minutes` with kills, one in `kill_every_s`, then `calm_minutes` under the same load without any."""

    minutes: float
    calm_minutes: float
    seed: int
    kill_every_s: float = 20.0
    folder: Path | None = None


async def soak(wanted: Wanted) -> Outcome:
    """Raises UNREACHABLE when the service does not come up or does not get done."""
    async with slow_model() as model:
        with soak_project(model.port, wanted.folder) as project:
            outcome = await Soak(wanted, model, project).run()
            if outcome.passed:
                project.forget()
            else:
                print(f"  look at {project.root.parent}")
            return outcome


class Soak:
    """The top of it, in spoken steps."""

    def __init__(self, wanted: Wanted, model: SlowModel, project: SoakProject) -> None:
        self._wanted = wanted
        self._project = project
        self._service = Service(project, random.Random(wanted.seed))
        self._kills = Kills(self._service, model, random.Random(wanted.seed + 1), wanted.kill_every_s)
        self._ledger = Ledger()
        self._watch = Watch(self._service)
        self._calm_watch = Watch(self._service)

    async def run(self) -> Outcome:
        began = datetime.now(UTC)
        running = asyncio.create_task(self._service.run())
        watching = asyncio.create_task(self._watch.run())
        try:
            async with aiohttp.ClientSession() as session:
                client = Client(self._service, self._ledger, session)
                await self._ready(client)
                await self._under_load(client)
                await self._unschedule(client)
                drained_in_s = await self._drain(client)
                await self._see_the_last_edit(client)
            await self._until_clean()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            code = await self._service.end()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self._service.freehold("keeper", "stop")
        if code:
            self._ledger.surprise(f"the service ended with code {code} when it was told to end")
        return self._judge(began, drained_in_s, collect(self._project))

    async def _ready(self, client: Client) -> None:
        """The first run builds what is missing, and warms everything up."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while self._service.look_at_keeper() is None or not (self._project.state / "gateway.sock").exists():
            if self._service.by_themselves or time.monotonic() > deadline:
                raise FreeholdError(Code.UNREACHABLE, f"the service did not come up: {self._service.last_words()}")
            await asyncio.sleep(0.1)
        await client.trigger("callee")
        await self._drain(client)

    async def _under_load(self, client: Client) -> None:
        now = time.monotonic()
        last_kill = now + self._wanted.minutes * 60
        end = last_kill + self._wanted.calm_minutes * 60
        load = Load(self._service, self._project, client, self._ledger, random.Random(self._wanted.seed + 2))
        async with asyncio.TaskGroup() as works:
            works.create_task(load.go_on(end))
            await self._kills.go_on(last_kill)
            await asyncio.sleep(max(last_kill - time.monotonic(), 0))
            self._say("the last kill")
            calm = works.create_task(self._calm_watch.run())
            await asyncio.sleep(max(end - time.monotonic(), 0))
            calm.cancel()
        self._say("the end of the load")

    async def _unschedule(self, client: Client) -> None:
        """Until nothing begins by itself any more."""
        for agent in SCHEDULED:
            before = (await client.call("GET", f"/agents/{agent}"))["triggers"]
            self._project.unschedule(agent)
            deadline = time.monotonic() + _RELOADED_WITHIN_S
            while (await client.call("GET", f"/agents/{agent}"))["triggers"] == before:
                if time.monotonic() > deadline:
                    self._ledger.surprise(f"an edit of {agent} was not taken over in {_RELOADED_WITHIN_S:.0f} s")
                    break
                await asyncio.sleep(0.25)

    async def _drain(self, client: Client) -> float:
        """Until nothing waits and nothing runs; what was given up is asked for again. How long it took, in seconds."""
        began = time.monotonic()
        await client.call("POST", "/resume")
        while time.monotonic() - began < _DRAINED_WITHIN_S:
            status = await client.call("GET", "/status")
            if status is not None and not status["waiting"] and not status["running"]:
                return time.monotonic() - began
            await asyncio.sleep(0.25)
        self._ledger.surprise(f"it was not done {_DRAINED_WITHIN_S:.0f} s after the last trigger")
        return time.monotonic() - began

    async def _see_the_last_edit(self, client: Client) -> None:
        """A run after everything has the version that was saved last."""
        trigger_id = await client.trigger(EDITED)
        said = await self._said(client, trigger_id)
        if said != str(self._ledger.version):
            self._ledger.surprise(
                f"trigger {trigger_id}: it ran version {said} of {EDITED}, not {self._ledger.version}"
            )
        for problem in ((await client.call("GET", "/status")) or {"problems": ["no status"]})["problems"]:
            self._ledger.surprise(f"the service says at the end: {problem}")

    async def _said(self, client: Client, trigger_id: str) -> str | None:
        """What the final attempt of a trigger returns, once there is one."""
        deadline = time.monotonic() + _DRAINED_WITHIN_S
        while time.monotonic() < deadline:
            found = await client.call("GET", f"/triggers/{trigger_id}")
            if found and found["trigger"]["state"] == "done":
                said: str | None = found["attempts"][-1]["return_value"]
                return said
            await asyncio.sleep(0.25)
        return None

    async def _until_clean(self) -> None:
        """A run's end is told before its container is gone; whatever is left after this is left for good."""
        deadline = time.monotonic() + _CLEAN_WITHIN_S
        while any((self._project.state / "active").iterdir()) or self._project.docker("ps", "-aq"):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.5)

    def _judge(self, began: datetime, drained_in_s: float, remains: Remains) -> Outcome:
        names = ("service", "keeper")
        grown = [one for name in names if (one := growth(self._watch.looks, name))]
        calm = [one for name in names if (one := growth(self._calm_watch.looks, name))]
        problems = [*self._service.by_themselves, *violations(self._ledger, remains), *_growing(grown, _GROWN_MB)]
        return Outcome(
            version=__version__,
            began=began.isoformat(timespec="seconds"),
            seed=self._wanted.seed,
            minutes=self._wanted.minutes,
            calm_minutes=self._wanted.calm_minutes,
            drained_in_s=round(drained_in_s, 1),
            kills=dict(self._kills.done),
            kills_with_open_stream=self._kills.with_stream,
            service_starts=self._service.starts,
            keepers=len(self._service.keepers),
            asked=dict(self._ledger.sent),
            accepted={
                "triggers": len(self._ledger.triggers), "deliveries": len(self._ledger.deliveries),
                "runs": len(self._ledger.runs),
            },
            triggers=dict(Counter(f"{row.type} {row.result or row.state}" for row in remains.triggers)),
            runs=dict(Counter(str(view.result) for view in remains.runs)),
            attempts_more_than_one=sum(row.attempts > 1 for row in remains.triggers),
            resident_mb={one.name: one.resident_mb for one in grown},
            calm_resident_mb={one.name: one.resident_mb for one in calm},
            descriptors={one.name: one.descriptors for one in grown},
            violations=[*problems, *_growing(calm, _GROWN_CALM_MB)],
        )  # fmt: skip

    def _say(self, text: str) -> None:
        killed = sum(self._kills.done.values())
        print(f"  {text}: {killed} kills, {len(self._ledger.triggers)} triggers accepted", flush=True)


def _growing(grown: list[Growth], at_most_mb: float) -> list[str]:
    problems = []
    for one in grown:
        if one.resident_mb[1] > one.resident_mb[0] + at_most_mb:
            problems.append(
                f"memory of the {one.name} grew from {one.resident_mb[0]:.0f} to {one.resident_mb[1]:.0f} MB"
            )
        if one.descriptors[1] > one.descriptors[0] + _GROWN_DESCRIPTORS:
            problems.append(
                f"descriptors of the {one.name} grew from {one.descriptors[0]:.0f} to {one.descriptors[1]:.0f}"
            )
    return problems
