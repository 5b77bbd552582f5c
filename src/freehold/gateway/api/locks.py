"""Locks that runs hold."""

from __future__ import annotations

from sqlalchemy import Connection

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store import locks
from freehold.store.api_keys import Scope
from freehold.wire.service import Done, LockView, ReleaseLock


async def every(asked: Asked) -> list[LockView]:
    return [
        LockView(lock.uri, lock.run_id, rfc3339(lock.held_since), rfc3339(lock.expires_at))
        for lock in await asked.service.scheduler.locks.all()
    ]


async def release(asked: Asked) -> Done:
    """Take a lock from its holder, which is not told: for one that nobody will give back."""
    uri, now = asked.body(ReleaseLock).uri, asked.service.clock.now()

    def work(connection: Connection) -> str:
        found = locks.find(connection, uri)
        if found is None or found.expires_at <= now:
            return ""
        locks.release(connection, uri)
        asked.noted("lock.release", uri, run=found.run_id)(connection)
        return found.run_id

    if "\0" in uri or not await asked.service.database.write(work):
        raise FreeholdError(Code.NOT_FOUND, f"{uri[:200]!r} is not locked", "`freehold locks` lists what is.")
    return Done()


ENDPOINTS = (
    Endpoint("GET", "/locks", Scope.READ, "Locks that are held", every, answer=list[LockView]),
    Endpoint("POST", "/locks/release", Scope.ADMIN, "Take a lock from its holder", release, ReleaseLock, Done),
)
