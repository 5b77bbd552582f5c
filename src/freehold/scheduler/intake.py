"""Triggers on their way in: from people, schedules, webhooks and agents into the database, then into the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.project.triggering import Triggering
from freehold.scheduler.admission import Admitted, Asked, admit
from freehold.scheduler.agents import Agents
from freehold.scheduler.dispatcher import Dispatcher
from freehold.scheduler.news import of_buried
from freehold.scheduler.notices import Notices
from freehold.scheduler.step import Step
from freehold.store import triggers
from freehold.store.database import Beside, Database, nothing
from freehold.store.triggers import Payload, StoredTrigger
from freehold.wire.runs import RunOptions, TriggerType


class NewTrigger(msgspec.Struct, frozen=True):
    """What is asked for. `source` says by whom or by what; `source_id`, when it is set, tells one from its repetition.

    `priority` None: the agent's own.
    """

    agent: str
    type: TriggerType
    source: str = ""
    source_id: str = ""
    prompt: str = ""
    context: dict[str, Any] | None = None
    options: RunOptions = RunOptions()
    priority: int | None = None


Also = Callable[[Connection, Sequence[Admitted | FreeholdError]], object]


def _nothing(_connection: Connection, _admitted: Sequence[Admitted | FreeholdError]) -> None:
    return


class Intake:
    """What it returns is on the disk: it begins, sooner or later, whatever happens to this process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        agents: Agents,
        dispatcher: Dispatcher,
        notices: Notices,
        reached: Callable[[Step, str], None] = lambda _step, _trigger_id: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._agents = agents
        self._dispatcher = dispatcher
        self._notices = notices
        self._reached = reached

    async def take(self, new: NewTrigger) -> Admitted:
        """Take one in. Raises NOT_FOUND, CONFIG, CONFLICT (switched off), BUSY (its queue is full), and what the
        database raises; nothing is taken in then.
        """
        [admitted] = await self.take_with([new])
        if isinstance(admitted, FreeholdError):
            raise admitted
        return admitted

    async def take_with(self, new: Sequence[NewTrigger], also: Also = _nothing) -> list[Admitted | FreeholdError]:
        """Take several in, and write what belongs to them, in one transaction. One that is refused is in its place in
        what is returned, with why, and keeps none of the others out. Raises what the database raises.
        """

        def work(connection: Connection) -> list[Admitted | FreeholdError]:
            admitted = self.admit(connection, new)
            also(connection, admitted)
            return admitted

        taken = await self._database.write(work)
        self.begin(taken)
        return taken

    def admit(self, connection: Connection, new: Sequence[NewTrigger]) -> list[Admitted | FreeholdError]:
        """Write them down, as `take_with` does, in a transaction of the caller's, who calls `begin` after it."""
        now = self._clock.now()
        found = [self._asked(one, now) for one in new]
        admitted = iter(admit(connection, [one for one in found if isinstance(one, Asked)], now))
        outcomes = [next(admitted) if isinstance(one, Asked) else one for one in found]
        buried = [one.buried for one in outcomes if isinstance(one, Admitted) and one.buried]
        gone = [dead for one in buried if (dead := triggers.find(connection, one.id))]
        self._notices.write(connection, [of_buried(one, now) for one in gone], now)
        return outcomes

    def begin(self, taken: Iterable[Admitted | FreeholdError]) -> None:
        """What was admitted is on the disk: let it wait for its turn."""
        self._notices.tell()
        for one in taken:
            if isinstance(one, Admitted) and not one.repeated:
                self._reached(Step.TAKEN_IN, one.trigger.id)
                self._queue(one)

    async def replay(self, trigger_id: str, beside: Beside = nothing) -> StoredTrigger:
        """Let a dead letter wait again. Raises NOT_FOUND when it is none, and what keeps its agent from taking it.
        `beside`, here and below, is written in the same transaction, when there is something to do."""

        def work(connection: Connection) -> StoredTrigger | None:
            found = triggers.find(connection, trigger_id)
            if found:
                self._agents.require_takes_triggers(found.agent)
            revived = triggers.revive(connection, trigger_id, self._clock.now())
            if revived:
                beside(connection)
            return triggers.find(connection, trigger_id) if revived else None

        trigger = await self._database.write(work)
        if trigger is None:
            raise FreeholdError(
                Code.NOT_FOUND,
                f"there is no dead letter {trigger_id}",
                "`freehold queue dead` lists them, with whole ids.",
            )
        self._dispatcher.take_in(trigger)
        return trigger

    async def discard(self, trigger_id: str, by: str, beside: Beside = nothing) -> None:
        """Let a waiting trigger not begin; it becomes a dead letter. Raises NOT_FOUND when it does not wait."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            buried = triggers.bury(connection, trigger_id, f"discarded by {by}", now)
            if buried:
                beside(connection)
            return buried

        if not await self._database.write(work):
            raise FreeholdError(Code.NOT_FOUND, f"no trigger {trigger_id} is waiting", "It may have begun meanwhile.")
        self._dispatcher.queues.remove(trigger_id)

    async def let_go(self, trigger_id: str, by: str, beside: Beside = nothing) -> None:
        """Give a dead letter up for good. Raises NOT_FOUND when it is none."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            given_up = triggers.let_go(connection, trigger_id, f"discarded by {by}", now)
            if given_up:
                beside(connection)
            return given_up

        if not await self._database.write(work):
            raise FreeholdError(Code.NOT_FOUND, f"there is no dead letter {trigger_id}", "`freehold queue dead`")

    def _asked(self, new: NewTrigger, now: datetime) -> Asked | FreeholdError:
        try:
            rules = self._agents.require_takes_triggers(new.agent).triggering
        except FreeholdError as error:
            return error
        return Asked(_stored(new, rules, now), rules)

    def _queue(self, admitted: Admitted) -> None:
        if admitted.buried:
            self._dispatcher.queues.remove(admitted.buried.id)
        self._dispatcher.take_in(admitted.trigger)


def _stored(new: NewTrigger, rules: Triggering, now: datetime) -> StoredTrigger:
    return StoredTrigger(
        id=new_ulid(),
        agent=new.agent,
        type=new.type,
        source=new.source,
        source_id=new.source_id,
        # Whoever looks at the project, or is told by a notice, can be asked.
        payload=Payload(new.prompt, new.context, msgspec.structs.replace(new.options, interactive=True)),
        priority=rules.priority if new.priority is None else new.priority,
        created_at=now,
        not_before=now,
    )
