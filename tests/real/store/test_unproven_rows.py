"""What unsigned webhooks leave is bounded by number and size, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from freehold.base.ids import new_ulid
from freehold.store import receipts, tables, triggers, unproven
from freehold.store.database import Database
from freehold.store.receipts import Content, Receipt, ReceiptStatus
from freehold.store.triggers import StoredTrigger, TriggerState
from freehold.wire.runs import TriggerType
from tests.real.store.conftest import NOW


def receipt(connection: Connection, number: int, source: str = "ci", body: bytes = b"x" * 100) -> str:
    at = NOW + timedelta(seconds=number)
    made = Receipt(
        id=f"{number:04}-{source}", source=source, type="test", received_at=at, status=ReceiptStatus.ACCEPTED
    )
    receipts.add(connection, made, Content({}, body))
    return made.id


def trigger(
    connection: Connection, number: int, state: TriggerState, source: str = "ci", agent: str = "dev"
) -> str:  # fmt: skip
    ended = NOW if state in (TriggerState.DONE, TriggerState.DEAD) else None
    made = StoredTrigger(
        id=f"t{number:04}", agent=agent, type=TriggerType.WEBHOOK, source=source, source_id=new_ulid(), state=state,
        created_at=NOW, not_before=NOW, ended_at=ended,
    )  # fmt: skip
    triggers.add(connection, made)
    return made.id


async def test_the_newest_receipts_stay(database: Database) -> None:
    def work(connection: Connection) -> tuple[list[str], list[str]]:
        for number in range(8):
            receipt(connection, number)
        receipt(connection, 0, "hub")
        by_number = unproven.receipts_beyond(connection, "ci", most=5)
        return by_number, unproven.receipts_beyond(connection, "ci", most_bytes=250)

    by_number, by_size = await database.write(work)
    assert sorted(by_number) == [f"{number:04}-ci" for number in range(3)]
    assert sorted(by_size) == [f"{number:04}-ci" for number in range(6)]


async def test_one_that_is_larger_than_all_may_be_stays_until_the_next_comes(database: Database) -> None:
    def work(connection: Connection) -> list[list[str]]:
        receipt(connection, 1, body=b"x" * 1000)
        alone = unproven.receipts_beyond(connection, "ci", most_bytes=250)
        receipt(connection, 2)
        return [alone, unproven.receipts_beyond(connection, "ci", most_bytes=250)]

    assert await database.write(work) == [[], ["0001-ci"]]


async def test_triggers_that_are_over_go_and_what_waits_stays(database: Database) -> None:
    def work(connection: Connection) -> tuple[list[str], list[str], int, set[str]]:
        states = [TriggerState.DEAD] * 3 + [TriggerState.DONE] * 3
        over = [trigger(connection, number, state) for number, state in enumerate(states)]
        trigger(connection, 10, TriggerState.WAITING)
        trigger(connection, 11, TriggerState.RUNNING)
        trigger(connection, 12, TriggerState.DEAD, "hub")
        trigger(connection, 13, TriggerState.DEAD, agent="ops")
        found = unproven.triggers_beyond(connection, "ci", "dev", most=2)
        triggers.revive(connection, over[0], NOW)  # a person replays one meanwhile
        gone = unproven.forget(connection, [], found)
        return over, found, gone, set(connection.execute(select(tables.triggers.c.id)).scalars())

    over, found, gone, left = await database.write(work)
    assert set(found) == set(over[:4])
    assert gone == 3
    assert len(left) == 4 + 2 + 1
    assert left & set(over) == {over[0], *over[4:]}
