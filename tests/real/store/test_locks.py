"""Locks, as the commands in a run ask for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from freehold.base.clock import FakeClock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.scheduler.locks import ASKS_FOR, MOST_HELD, Locks
from freehold.store import locks as stored
from freehold.store.database import Database
from freehold.wire.run_api import HeldLock, LockRequest

ONE, TWO = LockRequest("github://acme/app/issues/1"), LockRequest("github://acme/app/issues/2")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def locks(database: Database, clock: FakeClock) -> Locks:
    return Locks(database, clock, ttl_s=1800)


async def refused(locks: Locks, run_id: str, request: LockRequest) -> FreeholdError:
    with pytest.raises(FreeholdError) as caught:
        await locks.acquire(run_id, request)
    assert caught.value.code is Code.CONFLICT
    return caught.value


async def test_one_holds_and_others_are_told_who(locks: Locks, clock: FakeClock) -> None:
    held = await locks.acquire("dev-1", ONE)
    assert held == HeldLock(ONE.uri, rfc3339(clock.now() + timedelta(seconds=1800)))
    clock.advance(60)
    error = await refused(locks, "dev-2", ONE)
    assert "held by dev-1, for 1 min" in error.message
    assert held.expires_at in error.hint
    assert await locks.of_run("dev-1") == [held]
    assert await locks.of_run("dev-2") == []


async def test_the_holder_may_ask_again_and_holds_it_longer(locks: Locks, clock: FakeClock) -> None:
    await locks.acquire("dev-1", ONE)
    clock.advance(100)
    again = await locks.acquire("dev-1", ONE)
    assert again.expires_at == rfc3339(clock.now() + timedelta(seconds=1800))
    assert [lock.held_since for lock in await locks.all()] == [clock.now() - timedelta(seconds=100)]


async def test_its_time_is_up(locks: Locks, clock: FakeClock) -> None:
    await locks.acquire("dev-1", LockRequest(ONE.uri, ttl_s=60))
    clock.advance(50)
    await locks.heartbeat("dev-1", LockRequest(ONE.uri, ttl_s=60))
    clock.advance(59)
    await refused(locks, "dev-2", ONE)
    clock.advance(1)
    await locks.acquire("dev-2", ONE)
    for verb in (locks.heartbeat, locks.release):
        with pytest.raises(FreeholdError) as caught:
            await verb("dev-1", ONE)
        assert caught.value.code is Code.CONFLICT


async def test_what_is_released_is_free(locks: Locks) -> None:
    await locks.acquire("dev-1", ONE)
    await locks.release("dev-1", ONE)
    await locks.acquire("dev-2", ONE)
    with pytest.raises(FreeholdError) as caught:
        await locks.release("dev-1", TWO)
    assert caught.value.code is Code.NOT_FOUND


async def test_a_run_holds_only_so_many(locks: Locks, clock: FakeClock) -> None:
    for number in range(MOST_HELD):
        await locks.acquire("dev-1", LockRequest(f"a:{number}", ttl_s=60))
    for _ in range(2):
        with pytest.raises(FreeholdError) as caught:
            await locks.acquire("dev-1", ONE)
        assert caught.value.code is Code.BUSY
    await locks.acquire("dev-1", LockRequest("a:0", ttl_s=90))
    await locks.acquire("dev-2", ONE)
    clock.advance(61)
    await locks.acquire("dev-1", TWO)
    assert [lock.uri for lock in await locks.of_run("dev-1")] == ["a:0", TWO.uri]


@pytest.mark.parametrize("uri", ["", "a", "a:", "a: b", "a:\0", "a:\x1b[2J", "a:\u202e", "a:\u200b", f"a:{'b' * 2000}"])
async def test_what_is_no_uri_is_refused(locks: Locks, uri: str) -> None:
    for verb in (locks.acquire, locks.heartbeat, locks.release):
        with pytest.raises(FreeholdError) as caught:
            await verb("dev-1", LockRequest(uri))
        assert caught.value.code is Code.USAGE
        assert caught.value.message.isprintable()


async def test_a_deadlock_is_told_to_who_would_close_the_ring(locks: Locks) -> None:
    await locks.acquire("dev-1", ONE)
    await locks.acquire("ops-1", TWO)
    await refused(locks, "ops-1", ONE)
    error = await refused(locks, "dev-1", TWO)
    assert error.message.endswith(f"dev-1 → {TWO.uri} → ops-1 → {ONE.uri} → dev-1")
    assert "fh unlock" in error.hint


async def test_who_asked_long_ago_does_not_wait_any_more(locks: Locks, clock: FakeClock) -> None:
    await locks.acquire("dev-1", ONE)
    await locks.acquire("ops-1", TWO)
    await refused(locks, "ops-1", ONE)
    clock.advance(ASKS_FOR.total_seconds() + 1)
    error = await refused(locks, "dev-1", TWO)
    assert "deadlock" not in error.message


async def test_who_got_it_in_the_end_does_not_wait_any_more(locks: Locks) -> None:
    await locks.acquire("dev-1", ONE)
    await refused(locks, "ops-1", ONE)
    await locks.release("dev-1", ONE)
    await locks.acquire("ops-1", ONE)
    await locks.release("ops-1", ONE)
    await locks.acquire("dev-1", ONE)
    await locks.acquire("ops-1", TWO)
    assert "deadlock" not in (await refused(locks, "dev-1", TWO)).message


async def test_a_run_that_ended_holds_nothing(locks: Locks, database: Database) -> None:
    await locks.acquire("dev-1", ONE)
    await locks.acquire("dev-1", TWO)
    assert await database.write(lambda connection: stored.release_all(connection, "dev-1")) == [ONE.uri, TWO.uri]
    await locks.acquire("dev-2", ONE)
    await database.write(lambda connection: stored.release_of_others(connection, alive=["dev-9"]))
    assert await locks.all() == []


async def test_of_many_that_ask_at_once_one_gets_it(locks: Locks) -> None:
    told = await asyncio.gather(*(locks.acquire(f"dev-{n}", ONE) for n in range(50)), return_exceptions=True)
    assert len([one for one in told if isinstance(one, HeldLock)]) == 1


@pytest.mark.parametrize("uri", ["", "issue 7", "no-scheme", "1a:b", "github: //x", "a:" + "x" * 2000])
async def test_what_is_no_uri_is_told_in_one_harmless_line(locks: Locks, uri: str) -> None:
    with pytest.raises(FreeholdError, match="is not the URI") as caught:
        await locks.acquire("dev-1", LockRequest(uri))
    assert caught.value.code is Code.USAGE


@pytest.mark.parametrize("ttl_s", [0, -1, 10**9])
async def test_a_time_that_is_none_is_refused(locks: Locks, ttl_s: int) -> None:
    with pytest.raises(FreeholdError, match="cannot last"):
        await locks.acquire("dev-1", LockRequest(ONE.uri, ttl_s=ttl_s))
