"""SQLite's log: put into the file beside the writer, and begun anew."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import text

from freehold.store.database import Database
from freehold.store.write_ahead_log import LONG_BYTES

MEGABYTE = 1 << 20


def size_of(path: Path) -> int:
    return path.stat().st_size


async def fill(database: Database, megabytes: int) -> int:
    """The longest that the log was."""
    log = Path(f"{database.url.database}-wal")
    longest = 0
    for _ in range(megabytes):
        await database.write(lambda c: c.execute(text("insert into t values (zeroblob(1048576))")))
        longest = max(longest, size_of(log))
    return longest


async def test_a_long_log_is_put_away_while_others_write_on(tmp_path: Path) -> None:
    database = Database.at(tmp_path / "state.db")
    await database.write(lambda c: c.execute(text("create table t (b blob)")))
    longest = await fill(database, 200)
    assert LONG_BYTES < longest < 8 * LONG_BYTES
    await database.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        assert connection.execute("select count(*), sum(length(b)) from t").fetchone() == (200, 200 * MEGABYTE)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


async def test_a_writer_that_tells_nobody_puts_the_log_away_itself(tmp_path: Path) -> None:
    database = Database.at(tmp_path / "state.db")
    await database.write(lambda c: c.execute(text("create table t (b blob)")))
    longest = 0
    for _ in range(300):
        with database.engine.begin() as connection:
            connection.execute(text("insert into t values (zeroblob(1048576))"))
        longest = max(longest, size_of(Path(f"{database.url.database}-wal")))
    await database.close()
    assert 200 * MEGABYTE < longest < 280 * MEGABYTE
