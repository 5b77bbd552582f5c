"""Every released database comes up to this program's schema with its rows, and the release before runs on it.

Before the first release there is none: then the program as it is stands for it, so that the next migration is tested by
what is here already.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, delete, text, update

from freehold.store import migrate as migration
from freehold.store import run_index, triggers
from freehold.store.database import Database
from freehold.store.migrate import migrate, newest_revision, take_to
from freehold.store.triggers import TriggerState
from tests.real.store.conftest import NOW
from tests.support.released_schema import (
    ROWS,
    Released,
    changed_rows,
    changed_scripts,
    contracted,
    frozen,
    insert_rows,
    reflected,
    released,
    tables_of,
)

EVERY = released() or [frozen("0.0.0", newest_revision())]
LATEST = EVERY[-1]


async def at(release: Released, url: str) -> Database:
    """A database as that release left it."""
    made = Database(url)

    def work(connection: Connection) -> None:
        take_to(connection, release.revision)
        insert_rows(connection, release.rows)

    await made.write(work)
    return made


@pytest.mark.parametrize("release", EVERY, ids=lambda release: release.version)
async def test_a_released_database_comes_up_with_its_rows(release: Released, url: str, tmp_path: Path) -> None:
    database = await at(release, url)
    done = await migrate(database, tmp_path / "backups", NOW)
    assert (done.before, done.after) == (release.revision, newest_revision())
    assert await database.read(lambda c: changed_rows(c, release.rows)) == []
    waiting = await database.read(lambda connection: triggers.in_state(connection, TriggerState.WAITING))
    assert [one.payload.prompt for one in waiting] == ["go"] * ROWS
    assert len(await database.read(run_index.page)) == ROWS
    await database.close()


@pytest.mark.parametrize("release", EVERY, ids=lambda release: release.version)
def test_a_released_migration_is_never_edited(release: Released) -> None:
    """Databases out there have been through it as it was: what is to be otherwise is a new one."""
    assert changed_scripts(release) == []


async def test_the_release_before_can_live_with_this_schema(database: Database) -> None:
    assert contracted(LATEST, await database.read(tables_of)) == []


async def test_the_release_before_writes_to_this_schema(database: Database) -> None:
    def work(connection: Connection) -> list[str]:
        insert_rows(connection, LATEST.rows)
        problems = changed_rows(connection, LATEST.rows)
        for name, rows in LATEST.rows.items():
            table = reflected(connection).tables[name]
            columns = [column for column in table.columns if column.name in rows[0]]
            connection.execute(update(table).values({column: column for column in columns}))
            assert connection.execute(delete(table)).rowcount == ROWS
        return problems

    assert await database.write(work) == []


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, and room for more."""
    folder = tmp_path / "versions"
    folder.mkdir()
    for path in (Path(migration.__file__).parent / "migrations" / "versions").glob("v*.py"):
        (folder / path.name).write_text(path.read_text())
    monkeypatch.setattr(migration, "_VERSIONS", folder)
    return folder


def add_migration(folder: Path, *work: str) -> None:
    head = f'import sqlalchemy as sa\nfrom alembic import op\nrevision = "next"\ndown_revision = "{LATEST.revision}"\n'
    body = "".join(f"    {line}\n" for line in work)
    (folder / "vnext.py").write_text(f"{head}\n\ndef upgrade():\n{body}")


EXPANDS = 'op.add_column("locks", sa.Column("note", sa.Text(), nullable=False, server_default=""))'


async def test_what_expands_is_sound(scripts: Path, url: str, tmp_path: Path) -> None:
    add_migration(scripts, EXPANDS, 'op.create_table("extra", sa.Column("id", sa.String(), primary_key=True))')
    database = await at(LATEST, url)
    assert (await migrate(database, tmp_path / "backups", NOW)).after == "next"
    assert await database.read(lambda c: changed_rows(c, LATEST.rows)) == []
    assert contracted(LATEST, await database.read(tables_of)) == []
    await database.close()


def in_batch(table: str, change: str) -> str:
    """SQLite changes no column in place."""
    return f'with op.batch_alter_table("{table}") as table:\n        table.{change}'


CONTRACTS = {
    "locks.expires_at is gone": ('op.drop_column("locks", "expires_at")',),
    "lock_waits is gone": ('op.drop_table("lock_waits")',),
    "locks.until is new and has no default": (
        'op.execute("DELETE FROM locks")',
        in_batch("locks", 'add_column(sa.Column("until", sa.Text(), nullable=False))'),
    ),
    "locks.held_since was number, and is text": (
        in_batch("locks", 'alter_column("held_since", type_=sa.Text(), server_default=None)'),
    ),
    "calls.return_value has to be said, and had not to": (
        """op.execute("UPDATE calls SET return_value = ''")""",
        in_batch("calls", 'alter_column("return_value", existing_type=sa.Text(), nullable=False)'),
    ),
    "audit: actor may not repeat any more": ('op.create_index("uq_audit_actor", "audit", ["actor"], unique=True)',),
}


@pytest.mark.parametrize("words", list(CONTRACTS))
async def test_what_contracts_too_early_is_seen(scripts: Path, url: str, tmp_path: Path, words: str) -> None:
    add_migration(scripts, *CONTRACTS[words])
    database = await at(LATEST, url)
    await migrate(database, tmp_path / "backups", NOW)
    assert words in contracted(LATEST, await database.read(tables_of))
    await database.close()


async def test_what_no_release_uses_any_more_may_go(scripts: Path, url: str, tmp_path: Path) -> None:
    """One release later: the latest one's program does not know of it."""
    add_migration(scripts, 'op.drop_column("locks", "expires_at")')
    columns = {name: used for name, used in LATEST.tables["locks"].columns.items() if name != "expires_at"}
    locks = msgspec.structs.replace(LATEST.tables["locks"], columns=columns)
    later = msgspec.structs.replace(LATEST, tables=LATEST.tables | {"locks": locks})
    database = await at(LATEST, url)
    await migrate(database, tmp_path / "backups", NOW)
    assert contracted(later, await database.read(tables_of)) == []
    await database.close()


LOSES: dict[str, Callable[[Connection], object]] = {
    "has become nothing": lambda connection: connection.execute(text("DELETE FROM switches")),
    "has become {": lambda connection: connection.execute(text("UPDATE switches SET changed_by = 'nobody'")),
}


@pytest.mark.parametrize("words", list(LOSES))
async def test_rows_that_are_lost_are_seen(url: str, words: str) -> None:
    database = await at(LATEST, url)
    await database.write(LOSES[words])
    assert words in str(await database.read(lambda c: changed_rows(c, LATEST.rows)))
    await database.close()


def test_a_migration_that_was_edited_is_seen(scripts: Path) -> None:
    [first, *_] = sorted(scripts.glob("v*.py"))
    first.write_text(first.read_text() + "\n")
    assert changed_scripts(LATEST, scripts) == [first.name]
    first.unlink()
    assert changed_scripts(LATEST, scripts) == [first.name]
