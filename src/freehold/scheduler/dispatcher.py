"""Begins what may begin, and closes what has ended: the loop between the queue and the keeper."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import FreeholdError
from freehold.base.ids import RunId, new_run_id
from freehold.scheduler import attempt, news, places
from freehold.scheduler.aftermath import Next, Retries
from freehold.scheduler.agents import Agents
from freehold.scheduler.attempt import Closed
from freehold.scheduler.dispatch import Decision, Waiting, decide
from freehold.scheduler.notices import Notices
from freehold.scheduler.queues import Queues
from freehold.scheduler.run_keeper import KeeperAwayError, RunKeeper
from freehold.scheduler.step import Step
from freehold.store import locks, run_index, triggers
from freehold.store.database import Database
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.keeper import Spent
from freehold.wire.runs import RunState, RunView

SPENDING_INTERVAL_S = 60.0
"""How often it is asked what was spent: a long run spends too, and a new day begins while nothing ends."""
RETRY_S = 1.0
"""Between two tries to reach a database or a keeper that is away."""

_logger = logging.getLogger(__name__)


class Dispatcher:
    """`queues` and `active` are what the database and the keeper say, kept up to date here.

    `on_closed` is told of every run that ended, after the database knows. `reached` is told each step of each trigger:
    tests kill the scheduler there.
    """

    def __init__(
        self,
        database: Database,
        keeper: RunKeeper,
        clock: Clock,
        agents: Agents,
        notices: Notices,
        *,
        on_changed: Callable[[RunView], None] = lambda _view: None,
        on_closed: Callable[[RunView, Closed], None] = lambda _view, _closed: None,
        reached: Callable[[Step, str], None] = lambda _step, _trigger_id: None,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._agents = agents
        self._notices = notices
        self._on_changed = on_changed
        self._on_closed = on_closed
        self._reached = reached
        self._wake = asyncio.Event()
        self._distrusted = asyncio.Event()
        self._beginning: dict[str, Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.queues = Queues()
        self.active: dict[str, RunView] = {}
        self.spent = Spent()
        self.keeper_problem = "the keeper, the process that holds the runs, is being started"
        self.stopping = False

    @property
    def held(self) -> str:
        """Why nothing begins at all; empty when it does."""
        if self.stopping:
            return "the scheduler is stopping"
        if self._agents.switches.paused:
            return "paused"
        return self.keeper_problem or self.spent_problem

    @property
    def spent_problem(self) -> str:
        """Which of the project's budgets is used up; empty when none is."""
        budget = self._agents.project.config.budget
        if budget.usd_per_day is not None and self.spent.day_usd >= budget.usd_per_day:
            return f"the day's budget of ${budget.usd_per_day:g} is spent; it goes on at midnight UTC"
        if budget.usd_per_month is not None and self.spent.month_usd >= budget.usd_per_month:
            return f"the month's budget of ${budget.usd_per_month:g} is spent"
        return ""

    def wake(self) -> None:
        """Something changed: look whether anything may begin."""
        self._wake.set()

    @property
    def under_way(self) -> int:
        """How many runs there are, those included that are just being begun: what neither waits nor is over."""
        return len(self.active.keys() | self._beginning.keys())

    def active_of(self, agent: str) -> int:
        """How many runs the agent has, those included that are just being begun."""
        return places.active_by_agent(self.active, self._beginning)[agent]

    def take_in(self, trigger: StoredTrigger) -> None:
        """A trigger was written down, and waits."""
        self.queues.add(trigger)
        self._wake.set()

    async def load(self) -> None:
        """Read what waits from the database."""
        waiting = await self._database.read(lambda connection: triggers.in_state(connection, TriggerState.WAITING))
        for trigger in waiting:  # added to what is there: a trigger that came meanwhile is not in what was read
            self.queues.add(trigger)

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as works:
            works.create_task(self._follow_keeper())
            works.create_task(self._dispatch())
            works.create_task(self._look_at_spending_regularly())

    def decide(self) -> Decision:
        """What begins now."""
        now = self._clock.now()
        active = places.active_by_agent(self.active, self._beginning)
        lent = places.lent(self.active, self._beginning.values())
        facts = {name: self._agents.facts(name, active[name], now) for name in self.queues.by_agent}
        scale = self._agents.project.config.scale
        return decide(
            self.queues.by_agent,
            facts,
            now,
            delayed=self.queues.delayed,
            free_in_project=None if scale is None else max(scale - active.total() + len(lent), 0),
            lenders=self.active.keys() - lent,
            held=self.held,
        )

    async def _dispatch(self) -> None:
        while True:
            self._wake.clear()
            decision = self.decide()
            for waiting in decision.begin:
                self._begin_soon(waiting)
            await self._until_something_changes(decision)

    def _begin_soon(self, waiting: Waiting) -> None:
        self.queues.remove(waiting.trigger_id)
        run_id = new_run_id(waiting.agent)
        self._beginning[run_id] = waiting
        task = asyncio.create_task(self._begin(waiting, run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, waiting: Waiting, run_id: RunId) -> None:
        try:
            trigger = await self._database.write(lambda c: attempt.write(c, waiting.trigger_id, run_id))
            if trigger:
                self._reached(Step.ATTEMPT_WRITTEN, trigger.id)
                await self._ask_keeper(trigger)
        except FreeholdError as error:
            # Nothing is known to be written: it waits in memory as it does in the database, or `_reconcile` finds it.
            _logger.warning("an attempt could not be written", extra={"error": error.message})
            await self._clock.sleep(RETRY_S)
            await self._look_again(waiting.trigger_id)
        except Exception:  # a defect of ours must not keep a trigger waiting until the next start
            _logger.exception("a run could not be begun", extra={"trigger_id": waiting.trigger_id})
            self._distrusted.set()
        finally:
            del self._beginning[run_id]
            self._wake.set()

    async def _ask_keeper(self, trigger: StoredTrigger) -> None:
        """Begin the attempt that is written down, or find out how it stands."""
        try:
            view = await self._keeper.start(attempt.start_of(trigger, self._agents.edition))
        except KeeperAwayError as error:
            # Asked again, with the same run id, on a new connection: the other one may not have noticed.
            self.keeper_problem = _away(error)
            self._distrusted.set()
        except FreeholdError as error:
            await self._did_not_begin(trigger, error)
        else:
            self._reached(Step.BEGUN, trigger.id)
            await self._changed(view)

    async def _did_not_begin(self, trigger: StoredTrigger, error: FreeholdError) -> None:
        now = self._clock.now()
        # The agent is held, not the trigger: it begins as soon as the agent may, which an edit can bring about.
        self._agents.hold(trigger.agent, error, now)
        _logger.warning("a run could not begin", extra={"agent": trigger.agent, "error": error.message})
        reason = f"{error.message} {error.hint}".strip()

        def work(connection: Connection) -> None:
            triggers.put_back(connection, trigger.id, trigger.run_id, now, reason, never_began=True)
            self._notices.write(connection, [news.of_held(trigger, error, now)], now)

        await self._database.write(work)
        self._notices.tell()
        await self._look_again(trigger.id)

    async def _look_again(self, trigger_id: str) -> None:
        """Let it wait in memory when it does in the database."""
        try:
            trigger = await self._database.read(lambda connection: triggers.find(connection, trigger_id))
        except FreeholdError:
            return  # `_reconcile` reads all that wait once the database is back
        if trigger and trigger.state is TriggerState.WAITING:
            self.take_in(trigger)

    async def _follow_keeper(self) -> None:
        while True:
            try:
                await self._follow_one_keeper()
            except KeeperAwayError as error:
                self.keeper_problem = _away(error)
            except FreeholdError as error:  # the database did not take what the keeper said, for example
                self.keeper_problem = f"runs are not followed: {error.message}"
            await self._clock.sleep(RETRY_S)

    async def _follow_one_keeper(self) -> None:
        self._distrusted.clear()
        watch = await self._keeper.watch()
        self.active = {view.run_id: view for view in watch.under_way}
        # What changes from here on is told: nothing is missed between asking how runs stand and hearing of changes.
        await self._reconcile()
        following = asyncio.create_task(self._follow(watch.changes))
        distrusting = asyncio.create_task(self._distrusted.wait())
        try:
            await asyncio.wait({following, distrusting}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            following.cancel()
            distrusting.cancel()
            await asyncio.gather(following, distrusting, return_exceptions=True)
        self.keeper_problem = "the keeper is away: it ended, and is started again"

    async def _follow(self, changes: AsyncIterator[RunView]) -> None:
        async for view in changes:
            await self._changed(view)

    async def _reconcile(self) -> None:
        """After a restart of the keeper or of the scheduler: every attempt that is written down is asked for again."""
        running = await self._database.read(lambda connection: triggers.in_state(connection, TriggerState.RUNNING))
        self.keeper_problem = ""
        for trigger in running:
            await self._ask_keeper(trigger)
        await self.load()
        alive = list(self.active)
        await self._database.write(lambda connection: locks.release_of_others(connection, alive))
        await self.look_at_spending()
        self._wake.set()

    async def look_at_spending(self) -> None:
        """Ask what was spent; a keeper that is away is asked when it is back."""
        now = self._clock.now()  # before it is asked: what is told of a day was spent on it
        with contextlib.suppress(KeeperAwayError):
            self.spent = await self._keeper.spent()
            budget = self._agents.project.config.budget
            if found := list(news.of_spending(budget, self.spent, now)):
                await self._database.write(lambda connection: self._notices.write(connection, found, now))
                self._notices.tell()

    async def _look_at_spending_regularly(self) -> None:
        while True:
            await self._clock.sleep(SPENDING_INTERVAL_S)
            try:
                await self.look_at_spending()
            except FreeholdError as error:
                _logger.warning("what was spent is not known", extra={"error": error.message})
            self._wake.set()

    async def _changed(self, view: RunView) -> None:
        if view.state is RunState.FINISHED:
            await self._close(view)
            return
        self.active[view.run_id] = view
        now = self._clock.now()

        def work(connection: Connection) -> None:
            run_index.record(connection, view)
            self._notices.write(connection, news.of_waiting(view, now), now)

        await self._database.write(work)
        self._notices.tell()
        self._on_changed(view)

    async def _close(self, view: RunView) -> None:
        self._reached(Step.ENDED, view.trigger.id)
        now = self._clock.now()
        project = self._agents.project
        agent = project.agents.get(view.agent)
        rules = agent.triggering if agent else None
        retries = Retries(rules.retries, float(rules.retry_delay_s)) if rules else Retries()

        def work(connection: Connection) -> Closed:
            closed = attempt.close(connection, view, retries, project.config.max_reruns, now)
            self._notices.write(connection, news.of_closed(view, closed, now), now)
            return closed

        closed = await self._database.write(work)
        self._notices.tell()
        self._reached(Step.CLOSED, view.trigger.id)
        self.active.pop(view.run_id, None)
        for orphan in closed.orphans:
            self.queues.remove(orphan.id)
        if closed.trigger and closed.after and closed.after.next is not Next.FINAL:
            self.take_in(closed.trigger)
        self._on_closed(view, closed)
        await self.look_at_spending()
        self._wake.set()

    async def _until_something_changes(self, decision: Decision) -> None:
        now = self._clock.now()
        moments = [moment for moment in (decision.look_again_at, self._agents.next_look(now)) if moment]
        waking = asyncio.create_task(self._wake.wait())
        timing = (
            asyncio.create_task(self._clock.sleep(max((min(moments) - now).total_seconds(), 0.0))) if moments else None
        )
        try:
            await asyncio.wait([task for task in (waking, timing) if task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waking, timing):
                if task:
                    task.cancel()
            await asyncio.gather(*(task for task in (waking, timing) if task), return_exceptions=True)


def _away(error: KeeperAwayError) -> str:
    return f"the keeper is away: {error.message}"
