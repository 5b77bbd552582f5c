"""Deliveries written down with what they start: those that come together in one transaction, in a few statements."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from freehold.base.batches import Batches
from freehold.base.errors import FreeholdError
from freehold.gateway.webhook_matching import Matching, Verdict, new_triggers, verdict
from freehold.project.webhooks import WebhookSource
from freehold.scheduler.admission import Admitted
from freehold.scheduler.intake import Intake, NewTrigger
from freehold.store import receipts
from freehold.store.database import Database
from freehold.store.receipts import Content, Receipt
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.receipt import stored_headers

LARGEST_BATCH = 128


class Understood(msgspec.Struct, frozen=True):
    """A delivery that was verified and read, and whom it starts; `source` is the first of those that it is for."""

    receipt_id: str
    source: WebhookSource
    delivery: Delivery
    event: WebhookEvent
    found: Matching
    replay_of: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """What the same delivery has when it comes again, where it has an id."""
        return self.source.name, self.event.delivery_id


class Written(msgspec.Struct, frozen=True):
    """What became of a delivery. None: nothing was written, because it was accepted before, as `receipt_id`."""

    receipt_id: str
    said: Verdict | None


@dataclass(frozen=True)
class _Page:
    """What a transaction wrote."""

    written: dict[str, Written]
    """By the receipt id of what came."""
    taken: list[Admitted | FreeholdError]


class WebhookLedger:
    """What `write` returns is on the disk, with every trigger that it is for."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database = database
        self._intake = intake
        self._batches = Batches(self._write_all, LARGEST_BATCH)

    def write(self, come: Understood) -> Awaitable[Written]:
        """Raises what the database raises; nothing is written then."""
        return self._batches.do(come)

    async def _write_all(self, come: Sequence[Understood]) -> list[Written]:
        def work(connection: Connection) -> _Page:
            page = _Page({}, [])
            for apart in _without_repetitions(come):
                self._write_page(connection, apart, page)
            return page

        page = await self._database.write(work)
        self._intake.begin(page.taken)
        return [page.written[one.receipt_id] for one in come]

    def _write_page(self, connection: Connection, come: Sequence[Understood], page: _Page) -> None:
        before = receipts.accepted(connection, (one.name for one in come))
        page.written.update((one.receipt_id, Written(before[one.name], None)) for one in come if one.name in before)
        fresh = [one for one in come if one.name not in before]
        new = [_triggers_of(one) for one in fresh]
        taken = self._intake.admit(connection, [trigger for those in new for trigger in those])
        page.taken.extend(taken)
        became = iter(taken)
        kept = []
        for one, those in zip(fresh, new, strict=True):
            said = verdict(one.found.wanted, [next(became) for _ in those], one.found.others)
            page.written[one.receipt_id] = Written(one.receipt_id, said)
            kept.append((_receipt(one, said), Content(stored_headers(one.source, one.delivery), one.delivery.body)))
        receipts.add_all(connection, kept)


def _without_repetitions(come: Sequence[Understood]) -> Iterator[list[Understood]]:
    """In their order, cut where the same delivery comes a second time: it has to see what became of the first."""
    apart: list[Understood] = []
    seen: set[tuple[str, str]] = set()
    for one in come:
        name = one.name
        if name in seen and one.event.delivery_id:
            yield apart
            apart, seen = [], set()
        seen.add(name)
        apart.append(one)
    yield apart


def _triggers_of(come: Understood) -> list[NewTrigger]:
    source_id = come.event.delivery_id or come.receipt_id
    return new_triggers(come.found.wanted, come.source, come.event, come.receipt_id, source_id)


def _receipt(come: Understood, said: Verdict) -> Receipt:
    return Receipt(
        id=come.receipt_id,
        source=come.source.name,
        type=come.source.type,
        received_at=come.delivery.received_at,
        status=said.status,
        delivery_id=come.event.delivery_id,
        event=come.event.event,
        summary=come.event.summary,
        reason=said.reason,
        matched=said.matched,
        skipped=said.skipped,
        replay_of=come.replay_of,
    )
