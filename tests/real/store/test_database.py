"""A database: what is written is there, what fails is not, and what is gone comes back."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from freehold.base.errors import Code, FreeholdError
from freehold.store.database import Database
from freehold.store.tables import switches
from tests.support.postgres import Postgres


def put(name: str, value: str = "1") -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(insert(switches).values(name=name, value=value))
        return name

    return work


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(switches)).scalar_one()


async def test_what_is_written_is_read(database: Database) -> None:
    assert await database.write(put("paused")) == "paused"
    assert await database.read(count) == 1


async def test_a_burst_shares_commits_and_each_has_its_own_answer(database: Database) -> None:
    names = [f"n{number % 40}" for number in range(60)]  # the last twenty are there already
    told = await asyncio.gather(*(database.write(put(name)) for name in names), return_exceptions=True)
    assert told[:40] == names[:40]
    assert all(isinstance(one, IntegrityError) for one in told[40:])
    assert await database.read(count) == 40


async def test_what_fails_of_a_burst_takes_nothing_else_with_it(database: Database) -> None:
    def fails(connection: Connection) -> None:
        put("half")(connection)
        raise FreeholdError(Code.CONFLICT, "no")

    told = await asyncio.gather(
        database.write(put("one")), database.write(fails), database.write(put("two")), return_exceptions=True
    )
    assert told[0] == "one"
    assert isinstance(told[1], FreeholdError)
    assert told[2] == "two"
    assert await database.read(count) == 2


async def test_a_read_can_change_nothing(database: Database) -> None:
    with pytest.raises(FreeholdError):
        await database.read(put("sneaky"))
    assert await database.read(count) == 0


async def test_a_cancelled_write_leaves_the_others_alone(database: Database) -> None:
    waiting = [asyncio.ensure_future(database.write(put(f"n{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    waiting[10].cancel()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(told[10], asyncio.CancelledError)
    assert len([one for one in told if isinstance(one, str)]) == 19
    assert await database.read(count) in (19, 20)


async def test_what_was_asked_before_the_end_is_written(url: str, database: Database) -> None:
    writing = [asyncio.ensure_future(database.write(put(f"n{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writing)
    again = Database(url)
    assert await again.read(count) == 50
    await again.close()


async def test_a_locked_file_is_told_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.store.database.BUSY_TIMEOUT_MS", 50)
    database = Database.at(tmp_path / "state.db")
    await database.write(switches.create)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FreeholdError, match="is locked by another process") as caught:
        await database.write(put("waits"))
    assert caught.value.code is Code.UNREACHABLE
    other.execute("COMMIT")
    other.close()
    await database.write(put("now"))
    assert await database.read(count) == 1
    await database.close()


async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 1000)
    database = Database.at(tmp_path / "state.db")
    with pytest.raises(FreeholdError, match="is damaged") as caught:
        await database.read(count)
    assert "backups" in caught.value.hint
    await database.close()


@pytest.mark.postgres
async def test_a_server_that_is_restarted_is_found_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Postgres(Path(tempfile.mkdtemp(prefix="fhp-")))
    try:
        server.start()
        database = Database(server.new_database())
        await database.write(switches.create)
        server.stop()
        for work in (database.write(put("lost")), database.read(count)):
            with pytest.raises(FreeholdError, match="does not answer") as caught:
                await work
            assert caught.value.code is Code.UNREACHABLE
        server.start()
        await database.write(put("back"))
        assert await database.read(count) == 1
        await database.close()
    finally:
        server.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", ""])
def test_an_address_of_no_database_is_refused(url: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        Database(url)
    assert caught.value.code is Code.CONFIG
    assert "postgresql://" in caught.value.hint


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in Database("postgresql://me:hunter2@host/db").name
