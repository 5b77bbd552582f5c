"""Notices to be sent: an outbox. Written together with what they tell of, so that none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, select, update

from freehold.base.ids import new_ulid
from freehold.store.rows import insert_new, milliseconds, moment, moment_or_none
from freehold.store.tables import notices
from freehold.wire.notices import Notice

_UNSENT = (notices.c.sent_at.is_(None), notices.c.given_up.is_(False))
_decode = msgspec.json.Decoder(Notice).decode


class StoredNotice(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` says why it did not get through the last time; `given_up`, that it is not tried again."""

    id: str
    channel: str
    notice: Notice
    created_at: datetime
    next_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    given_up: bool = False
    problem: str = ""


def add(connection: Connection, channel: str, notice: Notice, once: str, now: datetime) -> bool:
    """Let it be sent. `once` tells what it is about: False, and nothing is written, when the channel was told of it."""
    at = milliseconds(now)
    values = {
        "id": new_ulid(),
        "channel": channel,
        "kind": notice.kind,
        "agent": notice.agent,
        "run_id": notice.run_id,
        "body": msgspec.json.encode(notice).decode(),
        "created_at": at,
        "next_at": at,
        "once": f"{channel} {once}",
    }
    return insert_new(connection, notices, values)


def due(connection: Connection, now: datetime, most: int) -> dict[str, list[StoredNotice]]:
    """What is to be sent now, by channel, the oldest first: of each channel at most so many."""
    at = milliseconds(now)
    ready = (*_UNSENT, notices.c.next_at <= at)
    channels = connection.execute(select(notices.c.channel).where(*ready).distinct()).scalars().all()
    found = {}
    for channel in channels:
        wanted = select(notices).where(*ready, notices.c.channel == channel).order_by(notices.c.id).limit(most)
        found[channel] = [_notice(row) for row in connection.execute(wanted)]
    return found


def next_look(connection: Connection, now: datetime) -> datetime | None:
    """When the next one that waits is due; None when none waits."""
    wanted = select(func.min(notices.c.next_at)).where(*_UNSENT, notices.c.next_at > milliseconds(now))
    return moment_or_none(connection.execute(wanted).scalar())


def sent(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    values = {"sent_at": milliseconds(now), "problem": "", "attempts": notices.c.attempts + 1}
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(values))


def postpone(connection: Connection, ids: Sequence[str], until: datetime, problem: str) -> None:
    """It did not get through; it is tried again."""
    values = {"next_at": milliseconds(until), "problem": problem, "attempts": notices.c.attempts + 1}
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(values))


def hold(connection: Connection, ids: Sequence[str], until: datetime) -> None:
    """It waits for others to be told together with it."""
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(next_at=milliseconds(until)))


def give_up(connection: Connection, ids: Sequence[str], problem: str) -> None:
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(given_up=True, problem=problem))


def find(connection: Connection, notice_id: str) -> StoredNotice | None:
    row = connection.execute(select(notices).where(notices.c.id == notice_id)).first()
    return _notice(row) if row else None


def page(connection: Connection, before: str = "", limit: int = 50) -> list[StoredNotice]:
    """Newest first; `before` is the id of the last one seen."""
    wanted = select(notices).order_by(notices.c.id.desc()).limit(limit)
    if before:
        wanted = wanted.where(notices.c.id < before)
    return [_notice(row) for row in connection.execute(wanted)]


def forget_before(connection: Connection, before: datetime) -> int:
    """Forget those that were written before and are sent, or given up. How many were forgotten."""
    over = notices.c.sent_at.is_not(None) | notices.c.given_up.is_(True)
    return connection.execute(delete(notices).where(notices.c.created_at < milliseconds(before), over)).rowcount


def _notice(row: Row[Any]) -> StoredNotice:
    return StoredNotice(
        id=row.id,
        channel=row.channel,
        notice=_decode(row.body),
        created_at=moment(row.created_at),
        next_at=moment(row.next_at),
        attempts=row.attempts,
        sent_at=moment_or_none(row.sent_at),
        given_up=row.given_up,
        problem=row.problem,
    )
