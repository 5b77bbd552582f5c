"""Agents that call agents. A call has the id of the trigger that it became."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from freehold.store.rows import insert_new, milliseconds, moment, moment_or_none
from freehold.store.tables import calls


class CallStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"


class StoredCall(msgspec.Struct, frozen=True, kw_only=True):
    """`chain` are the agents above the callee, outermost first; the last one is the caller."""

    id: str
    caller_run: str
    agent: str
    chain: tuple[str, ...]
    status: CallStatus = CallStatus.PENDING
    created_at: datetime
    ended_at: datetime | None = None
    return_value: str | None = None
    error: str = ""

    @property
    def caller_agent(self) -> str:
        return self.chain[-1]


def add(connection: Connection, call: StoredCall) -> None:
    insert_new(
        connection,
        calls,
        {
            "id": call.id,
            "caller_run": call.caller_run,
            "caller_agent": call.caller_agent,
            "agent": call.agent,
            "depth": len(call.chain),
            "chain": ",".join(call.chain),  # agents' names have no commas
            "status": call.status,
            "created_at": milliseconds(call.created_at),
        },
    )


def find(connection: Connection, call_id: str) -> StoredCall | None:
    row = connection.execute(select(calls).where(calls.c.id == call_id)).first()
    return _call(row) if row else None


def made_by(connection: Connection, run_id: str) -> list[StoredCall]:
    """The calls that a run made, the first one first."""
    wanted = select(calls).where(calls.c.caller_run == run_id).order_by(calls.c.created_at, calls.c.id)
    return [_call(row) for row in connection.execute(wanted)]


def began(connection: Connection, call_id: str) -> None:
    connection.execute(
        update(calls).where(calls.c.id == call_id, calls.c.ended_at.is_(None)).values(status=CallStatus.RUNNING)
    )


def end(
    connection: Connection, call_id: str, now: datetime, *, return_value: str | None = None, error: str = ""
) -> None:  # fmt: skip
    """Answer the call, once: with a value, or with why there is none."""
    status = CallStatus.ERROR if error else CallStatus.COMPLETED
    values = {"status": status, "ended_at": milliseconds(now), "return_value": return_value, "error": error}
    connection.execute(update(calls).where(calls.c.id == call_id, calls.c.ended_at.is_(None)).values(**values))


def open_of(connection: Connection, callers: Iterable[str]) -> list[StoredCall]:
    """The unanswered calls of these runs."""
    wanted = select(calls).where(calls.c.caller_run.in_(list(callers)), calls.c.ended_at.is_(None))
    return [_call(row) for row in connection.execute(wanted)]


def _call(row: Row[Any]) -> StoredCall:
    return StoredCall(
        id=row.id,
        caller_run=row.caller_run,
        agent=row.agent,
        chain=tuple(row.chain.split(",")),
        status=CallStatus(row.status),
        created_at=moment(row.created_at),
        ended_at=moment_or_none(row.ended_at),
        return_value=row.return_value,
        error=row.error,
    )
