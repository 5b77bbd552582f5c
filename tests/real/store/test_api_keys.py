"""Keys and sessions: what opens, what does not any more, and that nothing of them can be read back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.gateway.access import SESSION_LASTS, Access
from freehold.store import api_keys
from freehold.store.api_keys import ApiKey, Scope, new_secret
from freehold.store.database import Database
from freehold.store.tables import metadata


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(database: Database, clock: FakeClock) -> Access:
    return Access(database, clock)


@pytest.fixture
async def secret() -> Secret:
    return new_secret(api_keys.PREFIX)


@pytest.fixture
async def key(database: Database, clock: FakeClock, secret: Secret) -> ApiKey:
    return await database.write(lambda c: api_keys.make(c, "laptop", [Scope.TRIGGER], secret, clock.now()))


async def test_a_key_opens_what_its_scopes_say(access: Access, key: ApiKey, secret: Secret) -> None:
    actor = await access.by_key(secret)
    assert actor is not None
    assert (actor.name, actor.csrf) == ("laptop", "")
    assert actor.scopes == {Scope.READ, Scope.TRIGGER}
    actor.require(Scope.READ)
    with pytest.raises(Exception, match="scope admin, which the key laptop has not"):
        actor.require(Scope.ADMIN)
    assert await access.by_key(new_secret()) is None
    assert await access.by_key(Secret("")) is None


async def test_a_revoked_key_and_its_sessions_open_nothing(
    access: Access, database: Database, clock: FakeClock, key: ApiKey, secret: Secret
) -> None:
    session = await access.log_in(secret)
    assert session is not None
    assert await access.by_session(session) is not None
    assert await database.write(lambda c: api_keys.revoke(c, key.id, clock.now()))
    assert await access.by_key(secret) is None
    assert await access.by_session(session) is None
    assert await access.log_in(secret) is None
    assert not await database.write(lambda c: api_keys.revoke(c, key.id, clock.now()))


async def test_a_session_lasts_as_long_as_it_is_used(
    access: Access, clock: FakeClock, key: ApiKey, secret: Secret
) -> None:  # fmt: skip
    session = await access.log_in(secret)
    assert session is not None
    for _ in range(3):
        clock.advance(SESSION_LASTS.total_seconds() - 60)
        actor = await access.by_session(session)
        assert actor is not None
        assert len(actor.csrf) == 64
    clock.advance(SESSION_LASTS.total_seconds() + 60)
    assert await access.by_session(session) is None


async def test_who_logs_out_is_out(access: Access, key: ApiKey, secret: Secret) -> None:
    one, other = await access.log_in(secret), await access.log_in(secret)
    assert one is not None
    assert other is not None
    await access.log_out(one)
    assert await access.by_session(one) is None
    assert await access.by_session(other) is not None


async def test_each_session_has_its_own_csrf_token(access: Access, key: ApiKey, secret: Secret) -> None:
    found = [await access.by_session(session) for _ in range(2) if (session := await access.log_in(secret))]
    tokens = {actor.csrf for actor in found if actor}
    assert len(tokens) == 2


async def test_nothing_of_a_key_or_a_session_is_in_the_database(
    access: Access, database: Database, key: ApiKey, secret: Secret
) -> None:
    session = await access.log_in(secret)
    assert session is not None

    def everything(connection: Connection) -> str:
        return "".join(str(connection.execute(select(table)).fetchall()) for table in metadata.sorted_tables)

    content = await database.read(everything)
    assert "laptop" in content
    for one in (secret, session):
        assert one.reveal() not in content
        assert one.reveal().removeprefix(api_keys.PREFIX) not in content


async def test_a_key_whose_time_is_over_and_its_sessions_open_nothing(
    access: Access, database: Database, clock: FakeClock, secret: Secret
) -> None:
    until = clock.now() + timedelta(days=7)
    await database.write(lambda c: api_keys.make(c, "for a week", [Scope.READ], secret, clock.now(), until))
    session = await access.log_in(secret)
    assert session is not None
    for _ in range(7):
        assert await access.by_key(secret) is not None
        assert await access.by_session(session) is not None
        clock.advance(timedelta(days=1).total_seconds() - 1)
    clock.advance(7)
    assert await access.by_key(secret) is None
    assert await access.by_session(session) is None
    assert await access.log_in(secret) is None
