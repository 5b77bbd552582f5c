"""Receipts of deliveries, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from freehold.base.ids import new_ulid
from freehold.store import receipts
from freehold.store.database import Database
from freehold.store.receipts import Content, Receipt, ReceiptStatus
from tests.real.store.conftest import NOW

CONTENT = Content({"content-type": "application/json"}, b'{"a": "\xff"}')


def receipt(**fields: object) -> Receipt:
    known: dict[str, object] = {
        "id": new_ulid(), "source": "hub", "type": "github", "received_at": NOW, "status": ReceiptStatus.ACCEPTED,
    }  # fmt: skip
    return Receipt(**{**known, **fields})  # type: ignore[arg-type]


async def test_what_was_written_comes_back(database: Database) -> None:
    written = receipt(summary="issues opened", delivery_id="d1", matched=2, skipped=1, reason="x: why", event="issues")
    assert await database.write(lambda c: receipts.add(c, written, CONTENT))
    assert await database.read(lambda c: receipts.find(c, written.id)) == (written, CONTENT)
    assert await database.read(lambda c: receipts.find(c, "nothing")) is None


async def test_a_delivery_is_accepted_once_and_may_be_unmatched_often(database: Database) -> None:
    for status in (ReceiptStatus.UNMATCHED, ReceiptStatus.REFUSED, ReceiptStatus.UNMATCHED, ReceiptStatus.ACCEPTED):
        assert await database.write(lambda c, s=status: receipts.add(c, receipt(delivery_id="d", status=s), CONTENT))  # type: ignore[misc]
    assert not await database.write(lambda c: receipts.add(c, receipt(delivery_id="d"), CONTENT))
    assert await database.write(lambda c: receipts.add(c, receipt(delivery_id="d", source="other"), CONTENT))
    found = await database.read(lambda c: receipts.accepted(c, [("hub", ""), ("hub", "d"), ("other", "e")]))
    [(delivery, receipt_id)] = found.items()
    kept = await database.read(lambda c: receipts.find(c, receipt_id))
    assert kept is not None
    assert (delivery, kept[0].status) == (("hub", "d"), ReceiptStatus.ACCEPTED)


async def test_deliveries_without_an_id_never_repeat(database: Database) -> None:
    for _ in range(2):
        assert await database.write(lambda c: receipts.add(c, receipt(), CONTENT))
    assert await database.read(lambda c: receipts.accepted(c, [("hub", "")])) == {}


async def test_many_are_written_at_once_but_those_that_are_there(database: Database) -> None:
    first, again, other = receipt(delivery_id="d"), receipt(delivery_id="d"), receipt(delivery_id="e")
    await database.write(lambda c: receipts.add(c, first, CONTENT))
    assert await database.write(lambda c: receipts.add_all(c, [(again, CONTENT), (other, CONTENT)])) == 1
    there = await database.read(receipts.page)
    assert {one.id for one in there} == {first.id, other.id}
    assert await database.write(lambda c: receipts.add_all(c, [])) == 0


async def test_pages_and_searches(database: Database) -> None:
    first = receipt(summary='issues opened "100% sure"', source="hub")
    second = receipt(summary="push", source="lab", status=ReceiptStatus.UNMATCHED, reason="labels: wanted agent")
    for one in (first, second):
        await database.write(lambda c, one=one: receipts.add(c, one, CONTENT))  # type: ignore[misc]

    async def ids(**wanted: object) -> list[str]:
        return [one.id for one in await database.read(lambda c: receipts.page(c, **wanted))]  # type: ignore[arg-type]

    newest_first = sorted((first.id, second.id), reverse=True)
    assert await ids() == newest_first
    assert await ids(limit=1) == newest_first[:1]
    assert await ids(before=newest_first[0]) == newest_first[1:]
    assert await ids(source="lab") == [second.id]
    assert await ids(status="unmatched") == [second.id]
    assert await ids(text="WANTED") == [second.id]
    assert await ids(text="100%") == [first.id]
    assert await ids(text="%") == [first.id]


async def test_old_ones_are_forgotten(database: Database) -> None:
    old, new = receipt(received_at=NOW - timedelta(days=30)), receipt()
    for one in (old, new):
        await database.write(lambda c, one=one: receipts.add(c, one, CONTENT))  # type: ignore[misc]
    assert await database.write(lambda c: receipts.forget_before(c, NOW - timedelta(days=14))) == 1
    assert [one.id for one in await database.read(receipts.page)] == [new.id]
