"""Forgetting what is older than a project keeps its history, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, select

from freehold.store.rows import milliseconds
from freehold.store.tables import audit, calls, notices, receipts, runs, triggers
from freehold.store.triggers import TriggerState
from freehold.wire.runs import RunState

BATCH = 500
"""Rows in one transaction: what else is to be written waits for some milliseconds."""
DEAD_LETTERS_TIMES = 4
"""Dead letters stay so many times as long: nobody has seen to them yet."""


@dataclass(frozen=True)
class Old:
    """What of one table is forgotten; `rows` takes the moment before which it is old."""

    table: Table
    rows: Callable[[int], ColumnElement[bool]]
    times: int = 1

    def before(self, now: datetime, keep: timedelta) -> int:
        return milliseconds(now - keep * self.times)

    @property
    def key(self) -> Column[object]:
        [key] = self.table.primary_key
        return key


def _ended(state: TriggerState) -> Callable[[int], ColumnElement[bool]]:
    return lambda before: and_(triggers.c.state == state, triggers.c.ended_at < before)


OLD = (
    Old(runs, lambda before: and_(runs.c.queued_at < before, runs.c.state == RunState.FINISHED)),
    Old(triggers, _ended(TriggerState.DONE)),
    Old(triggers, _ended(TriggerState.DEAD), DEAD_LETTERS_TIMES),
    Old(calls, lambda before: calls.c.ended_at < before),
    Old(receipts, lambda before: receipts.c.received_at < before),
    Old(notices, lambda before: notices.c.sent_at < before),
    Old(notices, lambda before: and_(notices.c.given_up, notices.c.created_at < before)),
    Old(audit, lambda before: audit.c.at < before),
)
"""Sums of days (`usage_days`) stay for ever: a row a day and agent."""


def keys_of(connection: Connection, old: Old, now: datetime, keep: timedelta) -> list[object]:
    """Up to `BATCH` rows that are older than `keep`. Looked for in a reading transaction: it may take a while."""
    wanted = select(old.key).where(old.rows(old.before(now, keep))).limit(BATCH)
    return list(connection.execute(wanted).scalars())


def forget(connection: Connection, old: Old, keys: Sequence[object], now: datetime, keep: timedelta) -> int:
    """Forget those of the rows that are still old: a dead letter may wait again by now. How many."""
    still = old.rows(old.before(now, keep))
    return connection.execute(delete(old.table).where(old.key.in_(keys), still)).rowcount


def latest_attempts(connection: Connection) -> list[str]:
    """The latest runs of triggers that are not over: their files are of use."""
    open_states = (TriggerState.WAITING, TriggerState.RUNNING)
    wanted = select(triggers.c.run_id).where(triggers.c.state.in_(open_states), triggers.c.run_id != "")
    return list(connection.execute(wanted).scalars())
