"""Who changed what, when, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, func, insert, or_, select

from freehold.base.ids import new_ulid
from freehold.store.rows import milliseconds, moment
from freehold.store.tables import audit

MOST_NAMES = 500
"""Of actors and of actions, that are told; keys are made by hand."""
_NEWEST = (audit.c.at.desc(), audit.c.id.desc())


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`actor` is a key's name, `action` a verb such as `pause` or `agent.scale`; `detail` holds nothing secret.
    `address` is where it was asked from; empty where nobody asked from anywhere."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str = ""
    detail: dict[str, Any] = {}
    address: str = ""


@dataclass(frozen=True)
class Chosen:
    """Which entries: what is empty means any. From `since` on, and before `until`."""

    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


ANY = Chosen()


def note(
    connection: Connection,
    actor: str,
    action: str,
    now: datetime,
    target: str = "",
    detail: dict[str, Any] | None = None,
    address: str = "",
) -> None:
    """Best done in the transaction of what it tells of: then neither is there without the other."""
    values = {
        "id": new_ulid(),
        "at": milliseconds(now),
        "actor": actor,
        "action": action,
        "target": target,
        "detail": msgspec.json.encode(detail or {}).decode(),
        "address": address,
    }
    connection.execute(insert(audit).values(**values))


def page(connection: Connection, before: str = "", limit: int = 50, chosen: Chosen = ANY) -> list[AuditEntry]:
    """Newest first; `before` is the id of the last one seen."""
    wanted = select(audit).order_by(*_NEWEST).limit(limit)
    if chosen.since:
        wanted = wanted.where(audit.c.at >= milliseconds(chosen.since))
    if chosen.until:
        wanted = wanted.where(audit.c.at < milliseconds(chosen.until))
    if before:
        last = connection.execute(select(audit.c.at).where(audit.c.id == before)).scalar()
        if last is None:
            return []  # it is forgotten, and so is what was older
        wanted = wanted.where(audit.c.at <= last, or_(audit.c.at < last, audit.c.id < before))
    found = [row for probe in _probes(connection, chosen) for row in connection.execute(wanted.where(*probe))]
    return [_entry(row) for row in sorted(found, key=lambda row: (row.at, row.id), reverse=True)[:limit]]


def actions(connection: Connection) -> list[str]:
    """Those that there are, in the order of the alphabet."""
    return _each(connection, audit.c.action)


def actors(connection: Connection) -> list[str]:
    """Those that there are, in the order of the alphabet."""
    return _each(connection, audit.c.actor)


def _probes(connection: Connection, chosen: Chosen) -> list[list[ColumnElement[bool]]]:
    """Each is one stretch of an index, in its order: no entry is read that is not wanted."""
    if not chosen.actor:
        return [[audit.c.action == chosen.action] if chosen.action else []]
    kinds = [chosen.action] if chosen.action else actions(connection)
    return [[audit.c.actor == chosen.actor, audit.c.action == action] for action in kinds]


def _each(connection: Connection, column: Column[str]) -> list[str]:
    # One probe of the index each, however many entries there are: to group them all would read the whole index.
    found: list[str] = []
    one = connection.execute(select(func.min(column))).scalar()
    while one is not None and len(found) < MOST_NAMES:
        found.append(one)
        one = connection.execute(select(func.min(column)).where(column > one)).scalar()
    return found


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=moment(row.at),
        actor=row.actor,
        action=row.action,
        target=row.target,
        detail=msgspec.json.decode(row.detail),
        address=row.address,
    )
