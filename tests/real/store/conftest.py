"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.store.database import Database
from freehold.store.migrate import migrate
from tests.support.postgres import Postgres

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(Path(tempfile.mkdtemp(prefix="fhp-")))  # a socket's path is short
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """One with our tables."""
    made = Database(url)
    await migrate(made, tmp_path / "backups", NOW)
    yield made
    await made.close()
