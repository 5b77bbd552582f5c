"""Of what strangers sent, the newest is kept; of what is signed, all."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from freehold.base.clock import FakeClock
from freehold.base.ids import new_ulid
from freehold.scheduler.unproven import Unproven
from freehold.store import receipts
from freehold.store.receipts import Content, Receipt, ReceiptStatus
from freehold.store.unproven import MOST_RECEIPTS
from tests.support.scheduling import SchedulerWorld


async def test_receipts_of_unsigned_sources_are_bounded(world: SchedulerWorld) -> None:
    world.project_config(
        '[webhooks.open]\ntype = "generic"\nallowUnsigned = true\n[webhooks.try]\ntype = "test"\n'
        '[webhooks.hub]\ntype = "github"\n'
    )
    world.agent(config='[[webhooks]]\nsource = "open"\n')
    sources = ("open", "try", "hub")

    def fill(connection: Connection) -> None:
        for source in sources:
            for number in range(MOST_RECEIPTS + 700):
                at = world.clock.now() + timedelta(milliseconds=number)
                made = Receipt(
                    id=new_ulid(), source=source, type="x", received_at=at, status=ReceiptStatus.UNMATCHED,
                    summary=str(number),
                )  # fmt: skip
                receipts.add(connection, made, Content({}, b"{}"))

    def counts(connection: Connection) -> dict[str, int]:
        return {source: len(receipts.page(connection, source=source, limit=10_000)) for source in sources}

    async with world.running() as scheduler:
        await world.database.write(fill)
        removing = Unproven(world.database, FakeClock(), scheduler)
        assert await removing.forget_excess() == 2 * 700
        assert await world.database.read(counts) == {
            "open": MOST_RECEIPTS, "try": MOST_RECEIPTS, "hub": MOST_RECEIPTS + 700,
        }  # fmt: skip
        kept = await world.database.read(lambda c: receipts.page(c, source="open", limit=10_000))
        assert {one.summary for one in kept} == {str(number) for number in range(700, MOST_RECEIPTS + 700)}
