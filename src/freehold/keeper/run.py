"""One run, from its request to its cleaned end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.words import plural, size
from freehold.keeper.adopt import Adoption
from freehold.keeper.chat import Chat
from freehold.keeper.conclusion import clean_up, conclude
from freehold.keeper.edits import Edits
from freehold.keeper.event_log import EventLog
from freehold.keeper.history import EVENTS
from freehold.keeper.means import Means, Services
from freehold.keeper.outage import Outages
from freehold.keeper.outcome import Stop
from freehold.keeper.permissions import Permissions
from freehold.keeper.phases import Phases
from freehold.keeper.preparation import prepare, reopen
from freehold.keeper.record import BEFORE_CONTAINER, Moment, RecordFile, Step
from freehold.keeper.spent import Spent
from freehold.keeper.testimony import Testimony
from freehold.keeper.watch import take_in, watch_until_ended
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.runtime.engine import Engine, Exit, Place
from freehold.runtime.run_directory import RunDirectory
from freehold.wire.events import Event, Limit, ModelRequest
from freehold.wire.permission import OpenPermission
from freehold.wire.runs import Result, RunError, RunView

MOST_WAITING = 10
"""Questions to a person that a run is shown with."""
STOP_GRACE_S = 5.0
"""Between asking a run to end and killing it: time for a harness to say its last words."""

_logger = logging.getLogger(__name__)


class Run:
    """What the keeper knows of one run and does for it. `carry_out` is the whole story, in order."""

    def __init__(self, means: Means, file: RecordFile) -> None:
        self.means = means
        self.file = file
        self.place = Place()
        self.directory = RunDirectory(file.path.parent)
        self.log = EventLog(file.path.parent / EVENTS, file.record.start.run_id, means.clock)
        self.phases = Phases(self.log, means.clock)
        self.spent = Spent()
        self.project: Project | None = None
        self.agent: Agent | None = None
        self.engine: Engine | None = means.engines.get(file.record.view.engine)
        self.services: Services | None = None
        self.permissions: Permissions | None = None
        self.chat = Chat(self, file.record.chat) if file.record.chat else None
        self.redaction = Redaction()
        self.testimony: Testimony | None = None
        self.edits: Edits = ()
        self.unserved = ""
        """Why its socket is not opened yet, although it was taken over and works; empty when it is."""
        self.failure: RunError | None = None
        self.concluded = False
        """The runner said that it ends: its exit code is its own."""
        self.grace_s = STOP_GRACE_S
        self._stopping = asyncio.Event()
        self._dropped = 0

    @property
    def run_id(self) -> str:
        return self.file.record.start.run_id

    @property
    def view(self) -> RunView:
        return self.file.record.view

    def enter(self, step: Step) -> None:
        """Write down that the run has come to `step`. Raises DISK."""
        self.file.record.step = step
        self.save()

    def save(self) -> None:
        """Write the record. Raises DISK."""
        step = self.file.record.step
        self.means.reached(self.run_id, step, Moment.BEFORE)
        self.file.save()
        self.means.reached(self.run_id, step, Moment.AFTER)
        self.means.watchers.tell(self.view)

    async def carry_out(self, adoption: Adoption) -> None:
        """Prepare, start, watch, conclude, clean up. Cancelled, it lets go: the run goes on and can be adopted."""
        try:
            if adoption is not Adoption.CLEAN:
                await conclude(self, await self._live_to_the_end(adoption))
            await clean_up(self)
        except asyncio.CancelledError:
            await self._let_go()
            raise
        finally:
            self.log.close()  # whoever follows it must not wait for what will not come

    def note(self, event: Event) -> None:
        """Write an event; when the disk does not take it, the run is ended and says why."""
        try:
            self.log.append(event)
        except FreeholdError as error:
            if error.code is not Code.DISK:
                _logger.warning("an event was dropped", extra={"run_id": self.run_id, "error": error.message})
                return
            self._dropped += 1
            self.give_up(error)
        self._end_flood()

    def _end_flood(self) -> None:
        """The host's disk is everybody's: end a run that causes events without end, through whatever it does."""
        if self.log.size_bytes <= self.means.largest_log_bytes or self.file.record.stop is not None:
            return
        message = f"the run caused more than {size(self.means.largest_log_bytes)} of events"
        self.stop(Stop(Result.ERROR, RunError(Code.TOO_LARGE, message, "See its last messages.")), grace_s=0)
        self.note(Limit(limit="events", message=f"{message}; it is ended"))

    def tell_dropped(self) -> None:
        """Say how many events the disk did not take. Raises DISK while it still does not."""
        if self._dropped:
            count = plural(self._dropped, "event")
            self.log.append(Limit(limit="disk", message=f"the disk was full: {count} could not be written"))
            self._dropped = 0

    def catch_up(self) -> None:
        """Take in what the container has said so far, so that what follows stands after it."""
        if self.testimony:
            take_in(self, self.testimony)

    async def catch_up_wholly(self) -> None:
        """The same, however much it said, with turns for other runs."""
        while self.testimony and take_in(self, self.testimony):
            await self.means.clock.sleep(0)

    def note_request(self, request: ModelRequest) -> None:
        """A request to a model ended: it is an event, and it counts."""
        self.spent.add(request)
        self.file.show(usage=self.spent.usage, cost_usd=self.spent.cost_usd, models=self.spent.models)
        self.note(request)

    def show_waiting(self, waiting: Sequence[OpenPermission]) -> None:
        """Let everybody who looks see what the run waits for an answer to; nothing secret is in it."""
        shown = msgspec.convert(self.redaction.value(msgspec.to_builtins(waiting[:MOST_WAITING])), list[OpenPermission])
        self.file.show(waiting_for=tuple(shown))
        self.means.watchers.tell(self.view)

    def fail(self, error: FreeholdError) -> None:
        """Remember the first thing that went wrong."""
        if self.failure is None:
            self.failure = RunError(error.code, error.message, error.hint)

    def hidden(self, error: RunError) -> RunError:
        """`error` without the secrets that may be in it."""
        return RunError(error.code, self.redaction.text(error.message), self.redaction.text(error.hint))

    def give_up(self, error: FreeholdError) -> None:
        """End the run because of something that went wrong around it."""
        self.fail(error)
        self.stop(Stop(Result.ERROR, self.failure))

    def stop(self, stop: Stop, *, grace_s: float = STOP_GRACE_S) -> None:
        """End the run for this reason. The first reason counts, and survives the keeper."""
        record = self.file.record
        if record.stop is not None or self.file.finished:
            return
        record.stop, self.grace_s = stop, grace_s
        if record.step is Step.RUNNING:
            record.step = Step.STOPPING
        try:
            self.save()
        except FreeholdError as error:
            self.fail(error)
        self._stopping.set()

    async def stopped(self) -> None:
        """Waits until the run is to end."""
        if self.file.record.stop is None:
            await self._stopping.wait()

    async def _live_to_the_end(self, adoption: Adoption) -> Exit | None:
        try:
            return await self._live(adoption)
        except FreeholdError as error:
            self.fail(error)
        except Exception as error:  # a defect of ours must end in a result, not in a run that hangs for ever
            _logger.exception("run failed unexpectedly", extra={"run_id": self.run_id})
            self.fail(FreeholdError(Code.INTERNAL, f"{type(error).__name__}: {error}", "Report this with keeper.log."))
        return None

    async def _live(self, adoption: Adoption) -> Exit | None:
        if adoption is Adoption.GIVE_UP:
            return None
        outages, problem = Outages(self), None
        prepared = adoption is not Adoption.PREPARE
        if prepared:
            await reopen(self, serve=adoption is Adoption.WATCH)
        while True:
            try:
                if not prepared and not await self._prepare_unless_stopped(outages, problem):
                    return None
                ended = await outages.with_its_cause(await watch_until_ended(self))
                problem = await outages.explain_exit(ended)
                if problem is None:
                    return ended
            except FreeholdError as error:
                problem = None if self.file.record.stop else await outages.explain(error)
                if problem is None:
                    raise
            prepared = False

    async def _prepare_unless_stopped(self, outages: Outages, problem: FreeholdError | None) -> bool:
        """False when somebody ended the run before its container was asked for."""
        preparing = asyncio.create_task(self._prepare_after(outages, problem))
        stopped = asyncio.create_task(self.stopped())
        try:
            await asyncio.wait({preparing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            # Once the engine is asked, its answer is waited for: a container that nobody knows of would stay for ever.
            asked = self.file.record.step not in BEFORE_CONTAINER
            if preparing.done() or asked:
                await preparing
                return True
            return False
        finally:
            preparing.cancel()
            stopped.cancel()
            await asyncio.gather(preparing, stopped, return_exceptions=True)

    async def _prepare_after(self, outages: Outages, problem: FreeholdError | None) -> None:
        if problem is not None:
            await outages.wait_out(problem)
        await prepare(self)

    async def _let_go(self) -> None:
        if self.services:
            await self.services.close(run_over=False)
        self.log.close()
