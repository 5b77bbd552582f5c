"""Locks on resources, and who asks for them in vain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, delete, func, select

from freehold.store.rows import milliseconds, moment, put
from freehold.store.tables import lock_waits, locks


class StoredLock(msgspec.Struct, frozen=True):
    uri: str
    run_id: str
    held_since: datetime
    expires_at: datetime


class Wait(msgspec.Struct, frozen=True):
    """`run_id` asked for `uri` at `asked_at`, last, and did not get it."""

    run_id: str
    uri: str
    asked_at: datetime


def find(connection: Connection, uri: str) -> StoredLock | None:
    row = connection.execute(select(locks).where(locks.c.uri == uri)).first()
    return _lock(row) if row else None


def held(connection: Connection, run_id: str = "") -> list[StoredLock]:
    """Every lock, or those of one run; the longest held first."""
    wanted = select(locks).order_by(locks.c.held_since, locks.c.uri)
    return [_lock(row) for row in connection.execute(wanted.where(locks.c.run_id == run_id) if run_id else wanted)]


def hold(connection: Connection, lock: StoredLock) -> None:
    """Write that the lock is held, whoever held it before; its holder waits for it no more."""
    put(
        connection,
        locks,
        {
            "uri": lock.uri,
            "run_id": lock.run_id,
            "held_since": milliseconds(lock.held_since),
            "expires_at": milliseconds(lock.expires_at),
        },
    )
    connection.execute(delete(lock_waits).where(lock_waits.c.run_id == lock.run_id, lock_waits.c.uri == lock.uri))


def count(connection: Connection, run_id: str, now: datetime) -> int:
    """How many locks a run holds; those of its whose time is up are forgotten."""
    mine = locks.c.run_id == run_id
    connection.execute(delete(locks).where(mine, locks.c.expires_at <= milliseconds(now)))
    return connection.execute(select(func.count()).select_from(locks).where(mine)).scalar_one()


def release(connection: Connection, uri: str) -> None:
    connection.execute(delete(locks).where(locks.c.uri == uri))


def release_all(connection: Connection, run_id: str) -> list[str]:
    """Let go of everything that a run holds and waits for; what it held."""
    uris = list(connection.execute(select(locks.c.uri).where(locks.c.run_id == run_id)).scalars())
    connection.execute(delete(locks).where(locks.c.run_id == run_id))
    connection.execute(delete(lock_waits).where(lock_waits.c.run_id == run_id))
    return uris


def release_of_others(connection: Connection, alive: Iterable[str]) -> None:
    """Let go of everything that is held by runs which are not `alive`."""
    runs = set(alive)
    holders = connection.execute(select(locks.c.run_id).distinct()).scalars().all()
    waiters = connection.execute(select(lock_waits.c.run_id).distinct()).scalars().all()
    for run_id in {*holders, *waiters} - runs:
        release_all(connection, run_id)


def wait(connection: Connection, asked: Wait) -> None:
    put(
        connection,
        lock_waits,
        {"run_id": asked.run_id, "uri": asked.uri, "asked_at": milliseconds(asked.asked_at)},
    )


def waits(connection: Connection, since: datetime) -> list[Wait]:
    """Who asked in vain since then."""
    wanted = select(lock_waits).where(lock_waits.c.asked_at >= milliseconds(since))
    return [Wait(row.run_id, row.uri, moment(row.asked_at)) for row in connection.execute(wanted)]


def _lock(row: Row[tuple[object, ...]]) -> StoredLock:
    return StoredLock(row.uri, row.run_id, moment(row.held_since), moment(row.expires_at))
