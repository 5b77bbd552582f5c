"""What is forgotten and what stays, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from freehold.base.clock import rfc3339
from freehold.base.ids import new_run_id, new_ulid
from freehold.store import audit, calls, receipts, retention, run_index, tables, triggers
from freehold.store.calls import StoredCall
from freehold.store.database import Database
from freehold.store.receipts import Content, Receipt, ReceiptStatus
from freehold.store.retention import OLD
from freehold.store.rows import milliseconds
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.runs import Result, RunState, RunView, Trigger, TriggerType
from tests.real.store.conftest import NOW

KEEP = timedelta(days=14)


def run(connection: Connection, at: datetime, state: RunState = RunState.FINISHED) -> None:
    view = RunView(
        run_id=new_run_id("dev"), agent="dev", attempt=1, trigger=Trigger(), state=state, queued_at=rfc3339(at),
        finished_at=rfc3339(at), result=Result.COMPLETED,
    )  # fmt: skip
    run_index.record(connection, view)


def trigger(connection: Connection, at: datetime, state: TriggerState, run_id: str = "") -> str:
    ended = at if state in (TriggerState.DONE, TriggerState.DEAD) else None
    made = StoredTrigger(
        id=new_ulid(), agent="dev", type=TriggerType.MANUAL, state=state, created_at=at, not_before=at, ended_at=ended,
        run_id=run_id,
    )  # fmt: skip
    triggers.add(connection, made)
    return made.id


def fill(connection: Connection, at: datetime) -> None:
    """One row of each kind, made at a moment."""
    run(connection, at)
    for state in TriggerState:
        trigger(connection, at, state)
    call = StoredCall(id=new_ulid(), caller_run="x", agent="dev", chain=("ops",), created_at=at)
    calls.add(connection, call)
    calls.end(connection, call.id, at, return_value="")
    made = Receipt(id=new_ulid(), source="hub", type="github", received_at=at, status=ReceiptStatus.ACCEPTED)
    receipts.add(connection, made, Content({}, b""))
    audit.note(connection, "a key", "pause", at)
    for given_up in (False, True):
        values = {
            "id": new_ulid(), "channel": "ops", "kind": "failed", "body": "{}", "created_at": milliseconds(at),
            "sent_at": None if given_up else milliseconds(at), "given_up": given_up, "once": new_ulid(),
        }  # fmt: skip
        connection.execute(insert(tables.notices).values(**values))


def forget_all(connection: Connection) -> dict[str, int]:
    removed: dict[str, int] = {}
    for old in OLD:
        keys = retention.keys_of(connection, old, NOW, KEEP)
        count = retention.forget(connection, old, keys, NOW, KEEP) if keys else 0
        removed[old.table.name] = removed.get(old.table.name, 0) + count
    return removed


async def test_what_is_old_is_forgotten_and_the_rest_stays(database: Database) -> None:
    def work(connection: Connection) -> dict[str, int]:
        fill(connection, NOW - timedelta(days=13))
        fill(connection, NOW - timedelta(days=15))
        return forget_all(connection)

    removed = await database.write(work)
    # Waiting and running triggers stay however old they are; dead letters four times as long.
    assert removed == {"runs": 1, "triggers": 1, "calls": 1, "receipts": 1, "notices": 2, "audit": 1}

    def left(connection: Connection) -> dict[str, int]:
        names = ("runs", "triggers", "calls", "receipts", "notices", "audit", "usage_days")
        found = (tables.metadata.tables[name] for name in names)
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in found}

    assert await database.read(left) == {
        "runs": 1, "triggers": 7, "calls": 1, "receipts": 1, "notices": 2, "audit": 1, "usage_days": 4,
    }  # fmt: skip


async def test_dead_letters_go_after_four_times_as_long(database: Database) -> None:
    def work(connection: Connection) -> int:
        trigger(connection, NOW - timedelta(days=55), TriggerState.DEAD)
        trigger(connection, NOW - timedelta(days=57), TriggerState.DEAD)
        return forget_all(connection)["triggers"]

    assert await database.write(work) == 1


async def test_a_run_that_is_not_over_stays(database: Database) -> None:
    def work(connection: Connection) -> dict[str, int]:
        run(connection, NOW - timedelta(days=99), RunState.RUNNING)
        return forget_all(connection)

    assert (await database.write(work))["runs"] == 0


async def test_a_dead_letter_that_waits_again_is_not_forgotten(database: Database) -> None:
    def work(connection: Connection) -> tuple[int, bool]:
        dead = trigger(connection, NOW - timedelta(days=99), TriggerState.DEAD)
        [old] = [one for one in OLD if retention.keys_of(connection, one, NOW, KEEP)]
        keys = retention.keys_of(connection, old, NOW, KEEP)
        triggers.revive(connection, dead, NOW)
        return retention.forget(connection, old, keys, NOW, KEEP), triggers.find(connection, dead) is not None

    assert await database.write(work) == (0, True)


async def test_the_latest_attempts_of_triggers_that_are_not_over(database: Database) -> None:
    def work(connection: Connection) -> list[str]:
        for state in TriggerState:
            trigger(connection, NOW, state, f"dev-{state}")
        trigger(connection, NOW, TriggerState.WAITING)
        return retention.latest_attempts(connection)

    assert sorted(await database.write(work)) == ["dev-running", "dev-waiting"]
