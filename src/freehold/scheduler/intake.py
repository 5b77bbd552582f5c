"""Triggers on their way in: from people, schedules, webhooks and agents into the database, then into the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.project.triggering import Triggering
from freehold.scheduler.admission import Admitted, admit
from freehold.scheduler.agents import Agents
from freehold.scheduler.dispatcher import Dispatcher
from freehold.scheduler.news import of_buried
from freehold.scheduler.notices import Notices
from freehold.scheduler.step import Step
from freehold.store import triggers
from freehold.store.database import Database
from freehold.store.triggers import Payload, StoredTrigger
from freehold.wire.runs import RunOptions, TriggerType


@dataclass(frozen=True)
class NewTrigger:
    """What is asked for. `source` says by whom or by what; `source_id`, when it is set, tells one from its repetition.

    `priority` None: the agent's own.
    """

    agent: str
    type: TriggerType
    source: str = ""
    source_id: str = ""
    prompt: str = ""
    context: dict[str, Any] | None = None
    options: RunOptions = field(default_factory=RunOptions)
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
        now = self._clock.now()

        def work(connection: Connection) -> list[Admitted | FreeholdError]:
            admitted = [self._admit(connection, one, now) for one in new]
            buried = [one.buried for one in admitted if isinstance(one, Admitted) and one.buried]
            gone = [found for one in buried if (found := triggers.find(connection, one.id))]
            self._notices.write(connection, [of_buried(one, now) for one in gone], now)
            also(connection, admitted)
            return admitted

        taken = await self._database.write(work)
        self._notices.tell()
        for one in taken:
            if isinstance(one, Admitted) and not one.repeated:
                self._reached(Step.TAKEN_IN, one.trigger.id)
                self._queue(one)
        return taken

    async def replay(self, trigger_id: str) -> StoredTrigger:
        """Let a dead letter wait again. Raises NOT_FOUND when it is none, and what keeps its agent from taking it."""

        def work(connection: Connection) -> StoredTrigger | None:
            found = triggers.find(connection, trigger_id)
            if found:
                self._agents.require_takes_triggers(found.agent)
            revived = triggers.revive(connection, trigger_id, self._clock.now())
            return triggers.find(connection, trigger_id) if revived else None

        trigger = await self._database.write(work)
        if trigger is None:
            raise FreeholdError(Code.NOT_FOUND, f"there is no dead letter {trigger_id}", "`freehold queue` lists them.")
        self._dispatcher.take_in(trigger)
        return trigger

    async def discard(self, trigger_id: str, by: str) -> None:
        """Let a waiting trigger not begin; it becomes a dead letter. Raises NOT_FOUND when it does not wait."""
        now = self._clock.now()
        if not await self._database.write(lambda c: triggers.bury(c, trigger_id, f"discarded by {by}", now)):
            raise FreeholdError(Code.NOT_FOUND, f"no trigger {trigger_id} is waiting", "It may have begun meanwhile.")
        self._dispatcher.queues.remove(trigger_id)

    async def let_go(self, trigger_id: str, by: str) -> None:
        """Give a dead letter up for good. Raises NOT_FOUND when it is none."""
        now = self._clock.now()
        if not await self._database.write(lambda c: triggers.let_go(c, trigger_id, f"discarded by {by}", now)):
            raise FreeholdError(Code.NOT_FOUND, f"there is no dead letter {trigger_id}", "`freehold queue dead`")

    def _admit(self, connection: Connection, new: NewTrigger, now: datetime) -> Admitted | FreeholdError:
        try:
            agent = self._agents.require_takes_triggers(new.agent)
            return admit(connection, _stored(new, agent.triggering, now), agent.triggering, now)
        except FreeholdError as error:
            return error

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
