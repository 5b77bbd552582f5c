"""Deliveries of webhooks whose signature was right, as they came: to be looked at, searched and replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, select

from freehold.store.bulk import insert_all_new, rows_among
from freehold.store.rows import milliseconds, moment
from freehold.store.tables import receipts


class ReceiptStatus(StrEnum):
    """`accepted`: every agent that wants it was started. `refused`: one that wants it had no place in its queue.
    `unmatched`: no agent wants it, or those that do are switched off.
    """

    ACCEPTED = "accepted"
    UNMATCHED = "unmatched"
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`type` is the type of the source; `matched` says how many agents it started, `skipped` how many it did not."""

    id: str
    source: str
    type: str
    received_at: datetime
    status: ReceiptStatus
    delivery_id: str = ""
    event: str = ""
    summary: str = ""
    reason: str = ""
    matched: int = 0
    skipped: int = 0
    replay_of: str = ""


class Content(msgspec.Struct, frozen=True):
    """What came: the headers that are kept (`webhooks/receipt.py`), and the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


_IS_ACCEPTED = "delivery_id <> '' AND status = 'accepted'"
"""Word for word as in the index: SQLite uses a partial one only for what it can see to be in it."""
_SHOWN = [column for column in receipts.c if column.name not in ("headers", "body")]


def add(connection: Connection, receipt: Receipt, content: Content) -> bool:
    """Write a receipt down; False, and nothing is written, when an accepted one of the same delivery is there."""
    return add_all(connection, [(receipt, content)]) == 1


def add_all(connection: Connection, new: Sequence[tuple[Receipt, Content]]) -> int:
    """Write receipts down, but those of a delivery of which an accepted one is there; how many were written."""
    return insert_all_new(connection, receipts.name, _COLUMNS, [_values(receipt, content) for receipt, content in new])


def accepted(connection: Connection, deliveries: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of deliveries, each a source and a delivery id, those that were accepted before, with their receipts' ids. One
    without an id is none."""
    asked = [one for one in deliveries if one[1]]
    if not asked:
        return {}
    # Perhaps more than was asked for, where several sources have the same id; a condition for each would cost more.
    those = {"source": {one[0] for one in asked}, "delivery_id": {one[1] for one in asked}}
    rows = rows_among(connection, receipts.name, ("source", "delivery_id", "id"), those, _IS_ACCEPTED)
    found = {(row.source, row.delivery_id): row.id for row in rows}
    return {one: found[one] for one in asked if one in found}


def find(connection: Connection, receipt_id: str) -> tuple[Receipt, Content] | None:
    row = connection.execute(select(receipts).where(receipts.c.id == receipt_id)).first()
    return (_receipt(row), Content(msgspec.json.decode(row.headers), row.body)) if row else None


def page(
    connection: Connection, *, source: str = "", status: str = "", text: str = "", before: str = "", limit: int = 50
) -> list[Receipt]:
    """Newest first, without contents; `before` is the id of the last one seen, `text` a part of its event, summary,
    reason or delivery id, in upper or lower case."""
    wanted = select(*_SHOWN).order_by(receipts.c.id.desc()).limit(limit)
    for column, value in ((receipts.c.source, source), (receipts.c.status, status)):
        if value:
            wanted = wanted.where(column == value)
    if before:
        wanted = wanted.where(receipts.c.id < before)
    return [_receipt(row) for row in connection.execute(_matching(wanted, text))]


def forget_before(connection: Connection, moment: datetime) -> int:
    """How many that came before were forgotten."""
    return connection.execute(delete(receipts).where(receipts.c.received_at < milliseconds(moment))).rowcount


_COLUMNS = (
    "id", "source", "type", "received_at", "status", "delivery_id", "event", "summary", "reason", "matched", "skipped",
    "replay_of", "headers", "body",
)  # fmt: skip


def _values(receipt: Receipt, content: Content) -> tuple[object, ...]:
    """In the order of `_COLUMNS`."""
    return (
        receipt.id,
        receipt.source,
        receipt.type,
        milliseconds(receipt.received_at),
        receipt.status.value,
        receipt.delivery_id,
        receipt.event,
        receipt.summary,
        receipt.reason,
        receipt.matched,
        receipt.skipped,
        receipt.replay_of,
        msgspec.json.encode(content.headers).decode(),
        content.body,
    )


def _matching(wanted: Select[Any], text: str) -> Select[Any]:
    if not text:
        return wanted
    searched = (receipts.c.summary, receipts.c.event, receipts.c.reason, receipts.c.delivery_id)
    first, *rest = (column.icontains(text, autoescape=True) for column in searched)
    condition = first
    for other in rest:
        condition = condition | other
    return wanted.where(condition)


def _receipt(row: Row[Any]) -> Receipt:
    shown = {name: getattr(row, name) for name in Receipt.__struct_fields__}
    return Receipt(
        **{**shown, "received_at": moment(row.received_at), "status": ReceiptStatus(row.status)}
    )  # fmt: skip
