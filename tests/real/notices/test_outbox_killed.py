"""Killed with SIGKILL beside a sending, the next process goes on: nothing is lost, and what comes twice can be told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.store import notices
from freehold.store.database import Database
from freehold.store.migrate import migrate
from tests.support.notices import NOW, stored
from tests.support.strict_server import Asked, Reply, StrictServer

ROOT = Path(__file__).parents[3]


def run(database: str, url: str, *more: str) -> int:
    program = [sys.executable, "-m", "tests.support.mortal_outbox", database, url, *more]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.run(program, cwd=ROOT, env=environment, timeout=60, check=False).returncode


@pytest.mark.parametrize(("die", "came"), [("before", 2), ("after", 3)])
async def test_killed_beside_a_sending(tmp_path: Path, die: str, came: int) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    database = Database(url)
    await migrate(database, tmp_path / "backups", NOW)
    now = datetime.now(UTC)
    for number in (1, 2):
        one = stored(number)
        await database.write(lambda c, one=one: notices.add(c, "team", one.notice, one.id, now))  # type: ignore[misc]
    await database.close()

    def taken(_asked: Asked) -> Reply:
        return Reply(204, b"")

    server = StrictServer(taken)
    try:
        assert run(url, server.url, "--die", die) == -signal.SIGKILL
        assert run(url, server.url) == 0
    finally:
        server.close()
    ids = [asked.headers["webhook-id"] for asked in server.asked]
    assert len(ids) == came
    assert len(set(ids)) == 2, "one that comes again has the id that it had"
