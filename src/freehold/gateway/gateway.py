"""Everything that a request may need, put together once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freehold.base.errors import FreeholdError
from freehold.gateway.access import Access
from freehold.gateway.changes import Changes
from freehold.gateway.legacy.scan import Scans
from freehold.gateway.log_ring import LogRing
from freehold.gateway.metrics import Metrics
from freehold.gateway.notices import ProjectNotices, make_notices
from freehold.gateway.project_service import ProjectService
from freehold.gateway.run_events import RunEvents
from freehold.gateway.streams import SAID_AT_LEAST_EVERY_S, Streams
from freehold.gateway.throttle import Throttle
from freehold.gateway.views import Views
from freehold.gateway.webhook_intake import WebhookIntake
from freehold.gateway.webhook_refusals import WebhookRefusals
from freehold.scheduler.attempt import Closed
from freehold.server.layout import server_name
from freehold.store import run_index, triggers
from freehold.store.credentials import CredentialStore
from freehold.wire.runs import RunView, TriggerType

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gateway:
    """`stop` ends the whole service, once what is being answered is answered. `own_address` is where it listens, empty
    where that is a socket alone; `has_console`: pages are served too."""

    service: ProjectService
    run_events: RunEvents
    credentials: CredentialStore
    log: LogRing
    stop: Callable[[], None]
    access: Access
    views: Views
    changes: Changes
    streams: Streams
    metrics: Metrics
    throttle: Throttle
    webhooks: WebhookIntake
    refusals: WebhookRefusals
    notices: ProjectNotices
    scans: Scans
    own_address: str = ""
    has_console: bool = False

    @property
    def public_url(self) -> str:
        return self.service.scheduler.agents.project.config.gateway.url

    @property
    def name_on_servers(self) -> str:
        return server_name(self.service.scheduler.agents.project.name)

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.public_url.rstrip("/") or self.own_address

    def note_refused(self, source: str, error: FreeholdError) -> None:
        """A delivery to `/webhooks/SOURCE` was not taken."""
        known = self.service.scheduler.agents.project.config.webhooks
        self.refusals.note(source, known, error, self.service.clock.now())

    async def count_dead_letters(self) -> int:
        """Raises what the database raises."""
        found = await self.service.database.read(triggers.count_dead)
        self.views.dead_letters = self.metrics.dead_letters = found
        return found


def make_gateway(
    service: ProjectService,
    run_events: RunEvents,
    credentials: CredentialStore,
    *,
    log: LogRing | None = None,
    stop: Callable[[], None] = lambda: None,
    own_address: str = "",
    has_console: bool = False,
) -> Gateway:
    """The gateway of a service that is at work."""
    metrics = Metrics(service.scheduler)
    access = Access(service.database, service.clock)
    notices = make_notices(service, run_events, credentials)
    return Gateway(
        service=service,
        run_events=run_events,
        credentials=credentials,
        log=log or LogRing(),
        stop=stop,
        access=access,
        views=Views(service.scheduler, service.clock.now(), lambda: _problems(service, notices)),
        changes=Changes(service.clock),
        streams=Streams(access.still_knows),
        metrics=metrics,
        throttle=Throttle(service.clock),
        webhooks=WebhookIntake(service, credentials, metrics),
        refusals=WebhookRefusals(),
        notices=notices,
        scans=Scans(service.clock),
        own_address=own_address,
        has_console=has_console,
    )


def _problems(service: ProjectService, notices: ProjectNotices) -> list[str]:
    """What does not work beside the scheduler."""
    full = service.database.room.problem()
    return [*([full] if full else []), *notices.outbox.problems()]


@contextlib.contextmanager
def listening(gateway: Gateway) -> Iterator[None]:
    """Hear how runs stand, for views, figures and whoever watches."""

    def changed(view: RunView) -> None:
        gateway.views.latest[view.agent] = view
        for kind, name in (("run", view.run_id), ("agent", view.agent)):
            gateway.changes.tell(kind, name)
        if view.trigger.type is TriggerType.CALL:
            gateway.changes.tell("run", view.trigger.source)  # the caller is shown with what it called

    def closed(view: RunView, what: Closed) -> None:
        changed(view)
        gateway.changes.tell("queue")
        if what.first_time:
            gateway.metrics.ended(view)

    listeners = gateway.service.listeners
    listeners.changed.append(changed)
    listeners.closed.append(closed)
    try:
        yield
    finally:
        listeners.changed.remove(changed)
        listeners.closed.remove(closed)


async def watch_standing(gateway: Gateway) -> None:
    """Tell of what nobody else tells of: what waits, what is held, what was edited. Until cancelled."""
    clock, scheduler = gateway.service.clock, gateway.service.scheduler
    before: object = None
    while True:
        agents, dispatcher = scheduler.agents, scheduler.dispatcher
        edited = (agents.project, agents.project_error, dict(agents.errors))
        standing = (len(dispatcher.queues), dispatcher.held, agents.switches, edited)
        if before is not None and standing != before:
            gateway.changes.tell("queue")
            gateway.changes.tell("project")
        before = standing
        await clock.sleep(1.0)


async def watch_past(gateway: Gateway) -> None:
    """Show the runs of before the start as the latest ones, where they are, once they are listed."""
    await gateway.service.past_listed.wait()
    while True:
        try:
            await read_latest_runs(gateway)
        except FreeholdError as error:
            _logger.debug("the latest runs are not known", extra={"error": error.message})
            await gateway.service.clock.sleep(SAID_AT_LEAST_EVERY_S)
        else:
            gateway.changes.tell("project")
            return


async def watch_followers(gateway: Gateway) -> None:
    """End the streams of those whose time is over. Until cancelled."""
    while True:
        await gateway.service.clock.sleep(SAID_AT_LEAST_EVERY_S)
        try:
            await gateway.streams.look_who_follows()
        except FreeholdError as error:  # what is told meanwhile comes from the same database
            _logger.debug("who follows streams is not known", extra={"error": error.message})


async def read_latest_runs(gateway: Gateway) -> None:
    """Raises what the database raises. Of one and the same run, what was heard meanwhile is newer."""
    found = await gateway.service.database.read(run_index.latest_of_each)
    latest = gateway.views.latest
    for agent, view in found.items():
        if agent not in latest or latest[agent].queued_at < view.queued_at:
            latest[agent] = view
