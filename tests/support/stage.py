"""A keeper on a stage: a project with two agents, a fake machine, and what happens there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from freehold.base.clock import Clock
from freehold.base.ids import new_run_id
from freehold.keeper.adoption import adopt_all, look_back
from freehold.keeper.event_log import read_events
from freehold.keeper.fakes import FakeImages, FakeServices, fake_means
from freehold.keeper.history import EVENTS, RUNS
from freehold.keeper.keeper import Keeper
from freehold.keeper.rpc_server import Caller
from freehold.keeper.run import Run
from freehold.runtime.engine import RunSpec
from freehold.runtime.fake_engine import FakeHost, FakeRun
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent
from freehold.wire.runs import StartRun

NOBODY: Caller = object()  # type: ignore[assignment]  # the verbs that these tests call do not talk back
Act = Callable[[FakeServices], Awaitable[int]]


class Stage:
    """A project with agents `dev` and `ops`, a fake machine, and a keeper for it."""

    def __init__(self, root: Path, home: Path, clock: Clock | None = None) -> None:
        self.root, self.home = root, home
        self.host = FakeHost()
        self.images = FakeImages()
        self.services: dict[str, FakeServices] = {}
        self.keeper = self.new_keeper(clock)
        for agent in ("dev", "ops"):
            folder = root / "agents" / agent
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_text(f"---\nname: {agent}\ndescription: A test agent.\n---\nDo it.\n")
            (folder / "config.toml").write_text('models = ["rehearsed"]\nschedule = "0 * * * *"\ntimeout = 60\n')
            (folder / "rehearsal.yaml").write_text("version: 1\nturns:\n  - say: Done.\n")
        (root / "config.toml").write_text('[models.rehearsed]\nprovider = "rehearsal"\nauthType = "api_key"\n')

    def new_keeper(self, clock: Clock | None = None) -> Keeper:
        self.means = fake_means(self.root, self.home, self.host, images=self.images, clock=clock, opened=self._opened)
        return Keeper(self.means)

    async def replace_keeper(self, clock: Clock | None = None) -> None:
        """The keeper goes away, as on SIGTERM; another one takes its runs over."""
        await self.keeper.let_go()
        self.keeper = self.new_keeper(clock)
        await adopt_all(self.keeper, self.means, look_back(self.keeper, self.means))

    def _opened(self, run: Run, services: FakeServices) -> None:
        self.services[run.run_id] = services

    def script(self, run: FakeRun) -> None:
        self.host.script = lambda _spec: run

    def act(self, play: Act) -> None:
        """Let a run do something through its control, as a runner would."""

        async def acting(spec: RunSpec) -> int:
            return await play(self.services[spec.run_id])

        self.script(FakeRun(act=acting))

    async def run(self, agent: str = "dev", **request: Any) -> wire.RunFinished:
        run_id = await self.start(agent, **request)
        return await self.finished(run_id)

    async def start(self, agent: str = "dev", **request: Any) -> str:
        run_id = str(new_run_id(agent))
        await self.keeper.start(NOBODY, StartRun(run_id, agent, **request))
        return run_id

    async def finished(self, run_id: str) -> wire.RunFinished:
        for _ in range(1000):
            if not self.keeper.active_runs:
                break
            await asyncio.sleep(0.01)
        last = self.events(run_id)[-1]
        assert isinstance(last, wire.RunFinished)
        return last

    def is_watched(self, run_id: str) -> bool:
        """Whether the run is up, and the keeper waits for its end."""
        run = self.keeper.active(run_id)
        return run is not None and run.testimony is not None

    def events(self, run_id: str) -> list[AnyEvent]:
        return read_events(self.root / ".freehold" / RUNS / run_id / EVENTS)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


def types(events: list[AnyEvent]) -> list[str]:
    return [str(event.__struct_config__.tag) for event in events]
