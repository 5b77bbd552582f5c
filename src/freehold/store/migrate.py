"""Bring a database to this program's schema, with a copy of it taken first."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE, make_private_directory
from freehold.base.threads import in_thread
from freehold.store.database import Database
from freehold.store.database_errors import as_error

if TYPE_CHECKING:
    from alembic.config import Config

COPIES_KEPT = 5
_SCRIPTS = Path(__file__).parent / "migrations"
_VERSIONS = _SCRIPTS / "versions"
_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_FOLLOWS = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)
_COPY = re.compile(r"^before-[0-9a-z_]+-\d{8}T\d{6}\.(db|dump)$")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Migrated:
    """From which revision to which (None: it was empty), and the copy that was taken before."""

    before: str | None
    after: str
    copy: Path | None = None


async def migrate(database: Database, backups: Path, now: datetime) -> Migrated:
    """Bring the database to the newest schema; nothing is done when it is there.

    A database that a later version has taken further is left alone: migrations expand first, so this program runs on
    it. Raises `FreeholdError`: UNREACHABLE, DISK; the database is then as it was.
    """
    return await in_thread(_migrate, database, backups, now)


def _migrate(database: Database, backups: Path, now: datetime) -> Migrated:
    try:
        with database.engine.begin() as connection:
            before = _revision_of(connection)
    except DBAPIError as error:
        raise as_error(error, database.name) from error
    # Most starts find nothing to do, and need not load Alembic for it: 10 MB of memory, and a tenth of a second.
    if before is not None and before == newest_revision():
        return Migrated(before, before)
    return _migrate_from(database, before, backups, now)


def _revision_of(connection: Connection) -> str | None:
    """What the database is at; None for one without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def newest_revision() -> str:
    """The revision of this program: the one that no other script follows."""
    texts = [path.read_text() for path in _VERSIONS.glob("v*.py")]
    revisions = {found[1] for script in texts if (found := _REVISION.search(script))}
    followed = {found[1] for script in texts if (found := _FOLLOWS.search(script))}
    return next(iter(revisions - followed), "")


def _migrate_from(database: Database, before: str | None, backups: Path, now: datetime) -> Migrated:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    assert newest is not None
    try:
        known = before is None or before in {script.revision for script in scripts.walk_revisions()}
        if before == newest or not known:
            return Migrated(before, before or newest)
        copy = _take_copy(database, backups, before, now) if before else None
        with database.engine.begin() as connection:
            take_to(connection, "head")
    except DBAPIError as error:
        raise as_error(error, database.name) from error
    _logger.info(
        "the database was migrated", extra={"before": before, "after": newest, "copy": str(copy) if copy else None}
    )
    return Migrated(before, newest, copy)


def take_to(connection: Connection, revision: str) -> None:
    """Run the scripts up to `revision`, or `head`, in the connection's transaction."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("version_locations", str(_VERSIONS))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def _take_copy(database: Database, backups: Path, revision: str, now: datetime) -> Path | None:
    kind = "db" if database.is_sqlite else "dump"
    path = backups / f"before-{revision}-{now:%Y%m%dT%H%M%S}.{kind}"
    try:
        make_private_directory(backups)
        with _whole_or_not_at_all(path) as part:
            if database.is_sqlite:
                _copy_sqlite(Path(database.url.database or ""), part)
            elif not _dump_postgres(database, part):
                return None
    except (OSError, sqlite3.Error) as error:
        raise FreeholdError(
            Code.DISK,
            f"the database could not be copied to {backups} before it is changed: {error}",
            "Make room there; until then nothing is changed, and the version before goes on working.",
        ) from error
    _forget_oldest(backups)
    return path


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    part = path.with_suffix(".part")
    part.touch(PRIVATE_FILE)
    try:
        yield part
        if part.stat().st_size:
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _copy_sqlite(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


def _dump_postgres(database: Database, target: Path) -> bool:
    program = shutil.which("pg_dump")
    if program is None:
        _logger.warning("pg_dump is not installed: the database is changed without a copy of it")
        return False
    # The password, where there is one, travels in the environment: not in argv, which every user can read.
    address = database.url.set(drivername="postgresql", password=None).render_as_string()
    environment = {"PGPASSWORD": str(database.url.password or ""), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [program, "--format=custom", f"--file={target}", f"--dbname={address}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise OSError((done.stderr.strip().splitlines() or ["pg_dump failed"])[-1])
    return True


def _forget_oldest(backups: Path) -> None:
    copies = sorted(
        (path for path in backups.iterdir() if _COPY.match(path.name)), key=lambda path: path.stat().st_mtime
    )
    for path in copies[:-COPIES_KEPT]:
        path.unlink(missing_ok=True)
