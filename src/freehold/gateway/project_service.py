"""One project as a service: its database, its scheduler and its keeper, opened in order and closed in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.clock import Clock, SystemClock
from freehold.gateway.keeper_link import KeeperLink
from freehold.gateway.single import only_one
from freehold.project.load import Project, load_project
from freehold.scheduler.attempt import Closed
from freehold.scheduler.run_keeper import RunKeeper
from freehold.scheduler.scheduler import Scheduler
from freehold.scheduler.step import Step
from freehold.store.database import Database
from freehold.store.migrate import migrate
from freehold.store.state_mark import claim_state
from freehold.wire.keeper import STATE_DIRECTORY
from freehold.wire.runs import RunView

DATABASE_FILE = "state.db"
BACKUPS = "backups"
LOCK_FILE = "scheduler.lock"


@dataclass(frozen=True)
class Listeners:
    """Who wants to hear how runs stand, after the database knows: of every change, and of every end. They must not
    wait, and must not raise; whoever adds one takes it away.
    """

    changed: list[Callable[[RunView], None]] = field(default_factory=list)
    closed: list[Callable[[RunView, Closed], None]] = field(default_factory=list)

    def tell_changed(self, view: RunView) -> None:
        for listen in list(self.changed):
            listen(view)

    def tell_closed(self, view: RunView, closed: Closed) -> None:
        for listen in list(self.closed):
            listen(view, closed)


@dataclass(frozen=True)
class ProjectService:
    """What answers for a project while it runs. `environment` is the one that was asked for; empty for none."""

    root: Path
    home: Path
    environment: str
    clock: Clock
    database: Database
    scheduler: Scheduler
    keeper: RunKeeper
    listeners: Listeners = field(default_factory=Listeners)

    def load(self) -> Project:
        """The project as its files are now. Raises CONFIG with every error, NOT_FOUND."""
        return load_project(self.root, home=self.home, environment=self.environment)


@contextlib.asynccontextmanager
async def open_service(
    root: Path,
    home: Path,
    environment: str = "",
    *,
    clock: Clock | None = None,
    reached: Callable[[Step, str], None] = lambda _step, _trigger_id: None,
) -> AsyncIterator[ProjectService]:
    """A project's service, its scheduler at work. Runs go on when it is closed.

    Raises CONFIG when the project has errors, CONFLICT when it is served already (naming by whom), UNREACHABLE or DISK
    when its database cannot be used.
    """
    clock = clock or SystemClock()
    project = load_project(root, home=home, environment=environment)
    state = root / STATE_DIRECTORY
    claim_state(state, home)
    with only_one(state / LOCK_FILE, project.name):
        database = _database(project, state)
        try:
            await migrate(database, state / BACKUPS, clock.now())
            keeper = KeeperLink(root, home)
            listeners = Listeners()
            scheduler = Scheduler(
                database,
                keeper,
                clock,
                project,
                on_changed=listeners.tell_changed,
                on_closed=listeners.tell_closed,
                reached=reached,
            )
            keeper.serve(scheduler.locks, scheduler.calls)
            async with _at_work(scheduler):
                yield ProjectService(root, home, environment, clock, database, scheduler, keeper, listeners)
        finally:
            await database.close()


@contextlib.asynccontextmanager
async def _at_work(scheduler: Scheduler) -> AsyncIterator[None]:
    """The scheduler's task; when it fails, what is done meanwhile is cancelled and its error raised."""
    async with asyncio.TaskGroup() as works:
        working = works.create_task(scheduler.run())
        try:
            yield
        finally:
            working.cancel()


def _database(project: Project, state: Path) -> Database:
    url = project.config.database_url
    if url is None:
        return Database.at(state / DATABASE_FILE)
    return Database(url.reveal())
