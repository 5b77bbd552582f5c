"""Locks on resources by URI: who holds one, until when, and who must not wait for it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import Connection

from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.scheduler.deadlock import cycle
from freehold.store import locks
from freehold.store.database import Database
from freehold.store.locks import StoredLock, Wait
from freehold.wire.run_api import HeldLock, LockRequest

ASKS_FOR = timedelta(seconds=60)
"""How long a run that asked in vain counts as waiting: one that still wants the lock asks again before."""
MOST_HELD = 500
"""Locks of one run: each question about any of them has to read all."""
LONGEST_URI = 2000
LONGEST_TTL_S = 7 * 24 * 3600
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


class Locks:
    """What `fh lock|unlock|heartbeat` ask for. A lock falls to others when its time is up, or its run ends.

    Raises USAGE for what is no URI, CONFLICT when another run holds it, NOT_FOUND when nobody does.
    """

    def __init__(self, database: Database, clock: Clock, ttl_s: int) -> None:
        self._database = database
        self._clock = clock
        self.ttl_s = ttl_s

    async def acquire(self, run_id: str, request: LockRequest) -> HeldLock:
        """Hold the lock, or hold it longer. CONFLICT says who has it, and when waiting for it would never end; BUSY,
        that the run has too many."""
        uri, lasts = _checked(request, self.ttl_s)
        now = self._clock.now()

        def work(connection: Connection) -> HeldLock | FreeholdError:
            found = locks.find(connection, uri)
            if found and found.run_id != run_id and found.expires_at > now:
                return _refuse(connection, run_id, found, now)
            mine = found if found and found.run_id == run_id else None
            if mine is None and locks.count(connection, run_id, now) >= MOST_HELD:
                return FreeholdError(Code.BUSY, f"this run holds {MOST_HELD} locks", "Release some: fh unlock URI.")
            return _held(connection, StoredLock(uri, run_id, mine.held_since if mine else now, now + lasts))

        # What is refused is written too: that it was asked for.
        held = await self._database.write(work)
        if isinstance(held, FreeholdError):
            raise held
        return held

    async def release(self, run_id: str, request: LockRequest) -> None:
        uri, _ = _checked(request, self.ttl_s)
        now = self._clock.now()

        def work(connection: Connection) -> None:
            _require_held(connection, run_id, uri, now)
            locks.release(connection, uri)

        await self._database.write(work)

    async def heartbeat(self, run_id: str, request: LockRequest) -> HeldLock:
        """Hold a lock that the run still has for its whole time again."""
        uri, lasts = _checked(request, self.ttl_s)
        now = self._clock.now()

        def work(connection: Connection) -> HeldLock:
            found = _require_held(connection, run_id, uri, now)
            return _held(connection, StoredLock(uri, run_id, found.held_since, now + lasts))

        return await self._database.write(work)

    async def of_run(self, run_id: str) -> list[HeldLock]:
        found = await self._database.read(lambda connection: locks.held(connection, run_id))
        now = self._clock.now()
        return [HeldLock(lock.uri, rfc3339(lock.expires_at)) for lock in found if lock.expires_at > now]

    async def all(self) -> list[StoredLock]:
        now = self._clock.now()
        return [lock for lock in await self._database.read(locks.held) if lock.expires_at > now]


def _checked(request: LockRequest, ttl_s: int) -> tuple[str, timedelta]:
    if len(request.uri) > LONGEST_URI or not request.uri.isprintable() or not _URI.fullmatch(request.uri):
        raise FreeholdError(
            Code.USAGE,
            f"{request.uri[:100]!r} is not the URI of a resource",
            "For example github://owner/name/issues/7",
        )
    lasts_s = ttl_s if request.ttl_s is None else request.ttl_s
    if not 1 <= lasts_s <= LONGEST_TTL_S:
        raise FreeholdError(Code.USAGE, f"a lock cannot last {lasts_s} s", f"From 1 to {LONGEST_TTL_S} seconds.")
    return request.uri, timedelta(seconds=lasts_s)


def _held(connection: Connection, lock: StoredLock) -> HeldLock:
    locks.hold(connection, lock)
    return HeldLock(lock.uri, rfc3339(lock.expires_at))


def _refuse(connection: Connection, run_id: str, found: StoredLock, now: datetime) -> FreeholdError:
    holders = {lock.uri: lock.run_id for lock in locks.held(connection) if lock.expires_at > now}
    asked = [(wait.run_id, wait.uri) for wait in locks.waits(connection, now - ASKS_FOR)]
    since = duration((now - found.held_since).total_seconds())
    if way := cycle(run_id, found.uri, holders, asked):
        return FreeholdError(
            Code.CONFLICT,
            f"deadlock: each waits for the next: {' → '.join(way)}",
            "Release what you hold (fh unlock URI), then begin again.",
        )
    locks.wait(connection, Wait(run_id, found.uri, now))
    return FreeholdError(
        Code.CONFLICT,
        f"{found.uri} is held by {found.run_id}, for {since} now",
        f"It is free at {rfc3339(found.expires_at)} at the latest; do something else, or ask again later.",
    )


def _require_held(connection: Connection, run_id: str, uri: str, now: datetime) -> StoredLock:
    found = locks.find(connection, uri)
    if found is None or found.expires_at <= now:
        raise FreeholdError(Code.NOT_FOUND, f"{uri} is not locked", "Its time may be up: lock it again.")
    if found.run_id != run_id:
        raise FreeholdError(Code.CONFLICT, f"{uri} is held by {found.run_id}", "Only its holder can do that.")
    return found
