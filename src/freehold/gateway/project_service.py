"""One project as a service: its database, its scheduler and its keeper, opened in order and closed in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import FreeholdError
from freehold.base.threads import in_thread
from freehold.gateway.keeper_link import KeeperLink
from freehold.gateway.single import only_one
from freehold.project.load import Project, load_project, require_project
from freehold.project.state import state_directory
from freehold.runtime.revisions import Revisions
from freehold.scheduler.attempt import Closed
from freehold.scheduler.catch_up import CatchUp
from freehold.scheduler.changes import FileChanges
from freehold.scheduler.edition import Composer, Edition
from freehold.scheduler.reload import Reload
from freehold.scheduler.retention import Retention
from freehold.scheduler.run_keeper import RunKeeper
from freehold.scheduler.scheduler import Scheduler
from freehold.scheduler.step import Step
from freehold.scheduler.unproven import Unproven
from freehold.store.database import Database
from freehold.store.migrate import migrate
from freehold.store.state_mark import claim_state
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
    """What answers for a project while it runs. `environment` is the one that was asked for; empty for none.
    `past_listed` is set once runs were listed that had been started by hand while it did not run. `look` sees at once
    whether another release counts.
    """

    root: Path
    home: Path
    environment: str
    clock: Clock
    database: Database
    scheduler: Scheduler
    keeper: RunKeeper
    listeners: Listeners = field(default_factory=Listeners)
    past_listed: asyncio.Event = field(default_factory=asyncio.Event)
    look: Callable[[], None] = lambda: None

    @property
    def revisions(self) -> Revisions:
        """The versions of the project's files that it goes by."""
        return Revisions(state_directory(self.root))

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

    A project with errors goes on as it was when it had none. Raises CONFIG when that is not known, CONFLICT when it is
    served already (naming by whom), UNREACHABLE or DISK when its files or its database cannot be used.
    """
    clock = clock or SystemClock()
    require_project(root)
    state = state_directory(root)
    claim_state(state, home)
    with only_one(state / LOCK_FILE, root.name):
        composer = Composer(root, home, environment, Revisions(state))
        edition = await in_thread(_first_edition, composer)
        project = edition.project
        database = _database(project, state)
        try:
            await migrate(database, state / BACKUPS, clock.now())
            keeper = KeeperLink(root, home)
            listeners, past_listed = Listeners(), asyncio.Event()
            scheduler = Scheduler(
                database,
                keeper,
                clock,
                edition,
                on_changed=listeners.tell_changed,
                on_closed=listeners.tell_closed,
                reached=reached,
            )
            keeper.serve(scheduler.locks, scheduler.calls)
            reload = Reload(composer, scheduler, keeper)
            works = (
                scheduler.run,
                Retention(database, keeper, clock, scheduler).run,
                Unproven(database, clock, scheduler).run,
                CatchUp(database, keeper, clock, scheduler, past_listed.set).run,
            )
            async with FileChanges(root, home) as changes, _at_work(*works, lambda: reload.run(changes)):
                yield ProjectService(
                    root, home, environment, clock, database, scheduler, keeper, listeners, past_listed, changes.look
                )
        finally:
            await database.close()


@contextlib.asynccontextmanager
async def _at_work(*works: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """A task each; when one fails, what is done meanwhile is cancelled and its error raised."""
    async with asyncio.TaskGroup() as group:
        working = [group.create_task(work()) for work in works]
        try:
            yield
        finally:
            for task in working:
                task.cancel()


def _first_edition(composer: Composer) -> Edition:
    """What a service begins with: when the files have errors, what was sound the last time that it ran."""
    earlier = composer.restore()
    try:
        return composer.compose(earlier, time.time_ns())
    except FreeholdError as error:
        if earlier is None:
            raise
        return earlier.with_error(error)


def _database(project: Project, state: Path) -> Database:
    url = project.config.database_url
    if url is None:
        return Database.at(state / DATABASE_FILE)
    return Database(url.reveal())
