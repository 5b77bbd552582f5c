"""Migrations: what they make is what the program expects, and what was there is copied first."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from freehold.base.errors import Code, FreeholdError
from freehold.store import migrate as migration
from freehold.store.database import Database
from freehold.store.migrate import COPIES_KEPT, migrate
from freehold.store.tables import metadata, switches
from tests.real.store.conftest import NOW


async def test_migrations_make_the_tables_that_the_program_expects(database: Database) -> None:
    def differences(connection: Connection) -> object:
        # SQLite gives defaults back as they were written, which alembic takes for others when they are empty.
        options = {"compare_type": True, "compare_server_default": not database.is_sqlite}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, metadata)

    assert await database.write(differences) == []


async def test_what_is_up_to_date_is_left_alone(database: Database, tmp_path: Path) -> None:
    done = await migrate(database, tmp_path / "backups", NOW)
    assert done.before == done.after
    assert done.copy is None
    assert not (tmp_path / "backups").exists()


async def test_a_database_of_a_later_version_is_used_as_it_is(database: Database, tmp_path: Path) -> None:
    await database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    done = await migrate(database, tmp_path / "backups", NOW)
    assert done.after == "9999"
    await database.write(lambda connection: connection.execute(insert(switches).values(name="a", value="1")))


@pytest.fixture
async def earlier(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    """A database that is one migration behind: the next one fails or not, as its file says."""
    versions = tmp_path / "versions"
    versions.mkdir()
    folder = Path(migration.__file__).parent / "migrations" / "versions"
    for path in folder.glob("v*.py"):
        (versions / path.name).write_text(path.read_text())
    monkeypatch.setattr(migration, "_VERSIONS", versions)
    await database.write(lambda connection: connection.execute(insert(switches).values(name="kept", value="1")))
    return database


def next_migration(folder: Path, work: str) -> None:
    head = 'from alembic import op\nrevision = "next"\ndown_revision = "0001"\n\n\n'
    body = f'{head}def upgrade():\n    op.execute("{work}")\n'
    (folder / "versions" / "vnext.py").write_text(body)


async def test_a_copy_is_taken_first(earlier: Database, tmp_path: Path) -> None:
    next_migration(tmp_path, "DELETE FROM switches")
    done = await migrate(earlier, tmp_path / "backups", NOW)
    assert (done.before, done.after) == ("0001", "next")
    assert done.copy is not None
    assert done.copy.stat().st_mode & 0o777 == 0o600
    if earlier.is_sqlite:
        assert sqlite3.connect(done.copy).execute("SELECT name FROM switches").fetchall() == [("kept",)]
    else:
        assert done.copy.read_bytes()[:5] == b"PGDMP"


async def test_a_migration_that_fails_leaves_everything_as_it_was(earlier: Database, tmp_path: Path) -> None:
    next_migration(tmp_path, "DELETE FROM switches; ")
    path = tmp_path / "versions" / "vnext.py"
    path.write_text(path.read_text() + '    op.execute("SELECT * FROM nowhere")\n')
    with pytest.raises(FreeholdError):
        await migrate(earlier, tmp_path / "backups", NOW)
    assert await earlier.read(lambda connection: connection.execute(select(switches.c.name)).scalars().all()) == [
        "kept"
    ]


async def test_without_room_for_a_copy_nothing_is_changed(earlier: Database, tmp_path: Path) -> None:
    next_migration(tmp_path, "DELETE FROM switches")
    (tmp_path / "backups").write_text("not a folder")
    with pytest.raises(FreeholdError, match="could not be copied") as caught:
        await migrate(earlier, tmp_path / "backups", NOW)
    assert caught.value.code is Code.DISK
    assert await earlier.read(lambda connection: connection.execute(select(switches.c.name)).scalars().all()) == [
        "kept"
    ]


async def test_the_oldest_copies_are_forgotten(earlier: Database, tmp_path: Path) -> None:
    next_migration(tmp_path, "DELETE FROM switches")
    for days in range(COPIES_KEPT + 2):
        await earlier.write(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        )
        await migrate(earlier, tmp_path / "backups", NOW + timedelta(days=days))
    assert len(list((tmp_path / "backups").iterdir())) == COPIES_KEPT
