"""A scheduler in a test: a real database, a keeper in memory, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from freehold.base.clock import ManualClock
from freehold.project.load import Project, load_project
from freehold.project.state import STATE_DIRECTORY
from freehold.runtime.revisions import Revisions
from freehold.scheduler.attempt import Closed
from freehold.scheduler.edition import Composer, Edition
from freehold.scheduler.fake_keeper import FakeKeeper
from freehold.scheduler.intake import NewTrigger
from freehold.scheduler.reload import Reload
from freehold.scheduler.scheduler import Scheduler
from freehold.store import triggers
from freehold.store.database import Database
from freehold.store.migrate import migrate
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import RunView, TriggerType
from tests.support.folders import MODEL, SKILL, write_files

PATIENCE_S = 20.0


async def until(what: Callable[[], bool]) -> None:
    """Return once `what` is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.002)


class SchedulerWorld:
    """A project's folder, its database and its keeper outlive the schedulers that are `running`."""

    def __init__(self, folder: Path, clock: ManualClock, url: str = "") -> None:
        self.folder = folder
        self.clock = clock
        self.keeper = FakeKeeper(clock)
        self.closed: list[tuple[RunView, Closed]] = []
        self.on_changed: list[Callable[[RunView], None]] = []
        self.on_closed: list[Callable[[RunView, Closed], None]] = []
        self._url = url or f"sqlite:///{folder}/state.db"
        write_files(folder / "project", {"config.toml": MODEL})

    def project_config(self, text: str) -> None:
        write_files(self.folder / "project", {"config.toml": f"{text}\n{MODEL}"})

    def agent(self, name: str = "dev", config: str = "") -> None:
        text = f'models = ["sonnet"]\n{config}\n'
        if "schedule" not in config and "webhooks" not in config:
            text += 'schedule = "0 0 1 1 *"\n'  # an agent that nothing starts is an error
        write_files(
            self.folder / "project", {f"agents/{name}/SKILL.md": SKILL, f"agents/{name}/config.toml": text}
        )  # fmt: skip

    def load(self) -> Project:
        return load_project(self.folder / "project", home=self.folder / "home")

    def edition(self) -> Edition:
        """As the project's files are; nothing is kept of them."""
        return Edition(self.load())

    @property
    def revisions(self) -> Revisions:
        return Revisions(self.project / STATE_DIRECTORY)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def composer(self) -> Composer:
        """As a service that was just started has one."""
        return Composer(self.project, self.folder / "home", "", self.revisions)

    @asynccontextmanager
    async def reloading(self) -> AsyncIterator[tuple[Scheduler, Reload]]:
        """A scheduler that begins with the last sound version of the files; a test looks for edits of them."""
        composer = self.composer()
        edition = composer.compose(composer.restore(), time.time_ns())
        async with self.running(edition) as scheduler:
            yield scheduler, Reload(composer, scheduler, self.keeper)

    @asynccontextmanager
    async def running(self, edition: Edition | None = None) -> AsyncIterator[Scheduler]:
        """A scheduler that has read its database and found its keeper."""
        database = Database(self._url)
        await migrate(database, self.folder / "backups", self.clock.now())
        scheduler = Scheduler(
            database,
            self.keeper,
            self.clock,
            edition or self.edition(),
            on_changed=self._changed,
            on_closed=self._closed,
        )
        self.database = database
        task = asyncio.create_task(scheduler.run())
        try:
            if not self.keeper.away:
                await until(lambda: not scheduler.dispatcher.keeper_problem or task.done())
            yield scheduler
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await database.close()

    def _changed(self, view: RunView) -> None:
        for listen in self.on_changed:
            listen(view)

    def _closed(self, view: RunView, closed: Closed) -> None:
        self.closed.append((view, closed))
        for listen in self.on_closed:
            listen(view, closed)

    async def trigger(self, trigger_id: str) -> StoredTrigger:
        """As the database has it."""
        found = await self.database.read(lambda connection: triggers.find(connection, trigger_id))
        assert found is not None
        return found

    def runs_of(self, agent: str = "dev") -> list[RunView]:
        return [view for view in self.keeper.runs.values() if view.agent == agent]

    async def until_runs(self, number: int, agent: str = "dev") -> list[RunView]:
        """Wait until the agent has had so many runs."""
        await until(lambda: len(self.runs_of(agent)) >= number)
        assert len(self.runs_of(agent)) == number
        return self.runs_of(agent)

    async def until_closed(self, number: int) -> None:
        await until(lambda: len(self.closed) >= number)


def manual(agent: str = "dev", **fields: object) -> NewTrigger:
    return NewTrigger(agent, TriggerType.MANUAL, source="a person", **fields)  # type: ignore[arg-type]
