"""Who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from freehold.base.ids import new_ulid
from freehold.store.rows import milliseconds, moment
from freehold.store.tables import audit


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`actor` is a key's name, `action` a verb such as `pause` or `agent.scale`; `detail` holds nothing secret."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str = ""
    detail: dict[str, Any] = {}


def note(
    connection: Connection,
    actor: str,
    action: str,
    now: datetime,
    target: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    values = {
        "id": new_ulid(),
        "at": milliseconds(now),
        "actor": actor,
        "action": action,
        "target": target,
        "detail": msgspec.json.encode(detail or {}).decode(),
    }
    connection.execute(insert(audit).values(**values))


def page(connection: Connection, before: str = "", limit: int = 50) -> list[AuditEntry]:
    """Newest first; `before` is the id of the last one seen."""
    wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before:
        wanted = wanted.where(audit.c.id < before)
    return [
        AuditEntry(
            id=row.id,
            at=moment(row.at),
            actor=row.actor,
            action=row.action,
            target=row.target,
            detail=msgspec.json.decode(row.detail),
        )
        for row in connection.execute(wanted)
    ]
