"""A project's database: SQLite by default, PostgreSQL by URL. Work on it is a function of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import PRIVATE_FILE
from freehold.store.database_errors import as_error
from freehold.store.room import Room
from freehold.store.write_ahead_log import LONG_BYTES, LONGEST_PAGES, PUT_AWAY, WriteAheadLog

Result = TypeVar("Result")

Beside = Callable[[Connection], object]
"""Writes what belongs to a change into its transaction: what the audit says of it, for example."""

LARGEST_BATCH = 256
READERS = 3
READER_CACHE_KB = 256
BUSY_TIMEOUT_MS = 5000
"""How long SQLite waits for another process's lock before it says that the database is locked."""
_SQLITE = "sqlite"
_POSTGRES = "postgresql"

_logger = logging.getLogger(__name__)


def nothing(_connection: Connection) -> None:
    """Nothing belongs to it."""


@dataclass(eq=False)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)


class Database:
    """Writes are done one after another in a thread of their own, and many that come together share one commit: a write
    is on the disk when its call returns, and a burst of them costs little more than one. Reads go on beside them.

    `work` gets a connection inside a transaction and must touch nothing else: what failed is rolled back, and may be
    done again. All that is raised is `FreeholdError` (UNREACHABLE: locked or gone; DISK; INTERNAL), or what `work`
    itself raises. Once a database that was gone is back, calls succeed again.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.name = self.url.render_as_string(hide_password=True)
        if self.is_sqlite:
            _create_private(Path(self.url.database or ""))
        self._writer = self._engine(reads_only=False)
        self._reader = self._engine(reads_only=True)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="database-read")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._log = WriteAheadLog(Path(self.url.database or "")) if self.is_sqlite else None
        self.room = Room(Path(self.url.database or "").parent if self.is_sqlite else None)
        self._kept: Connection | None = None
        """The writing thread's own; only it touches it."""

    @classmethod
    def at(cls, path: Path) -> Database:
        """The SQLite database in the file `path`, which is made for this user alone."""
        return cls(URL.create(_SQLITE, database=str(path)).render_as_string())

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == _SQLITE

    @property
    def engine(self) -> Engine:
        """For migrations and backups, which take the whole database."""
        return self._writer

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, once it is on the disk."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_jobs, name="database-write", daemon=True)
            self._thread.start()
        job = _Job(work)
        self._jobs.put(job)
        result: Result = await asyncio.wrap_future(job.future)
        return result

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns; it sees one state of the database, and can change nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    async def close(self) -> None:
        """Finish what was asked for, and let go of the connections."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
        self._threads.shutdown()
        if self._log is not None:
            self._log.close()
        self._reader.dispose()
        self._writer.dispose()

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        try:
            with self._reader.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise as_error(error, self.name) from error

    def _write_jobs(self) -> None:
        over = False
        while not over:
            jobs, over = _take(self._jobs)
            jobs = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if len(jobs) < 2 or not self._write_together(jobs):
                for job in jobs:
                    self._write_alone(job)
            if self._log is not None and self._kept is not None and self._log.wants_writer():
                self._put_log_away(self._kept)
        self._let_go()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Of the writing thread. SQLite's connection is kept: to fetch it and to give it back took as long as the
        statements of a small batch. One to a server is fetched each time, and looked at, because the server may have
        been restarted."""
        if not self.is_sqlite:
            with self._writer.begin() as connection:
                yield connection
            return
        try:
            if self._kept is None:
                self._kept = self._writer.connect()
            with self._kept.begin():
                yield self._kept
        except DBAPIError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _put_log_away(self, connection: Connection) -> None:
        try:
            connection.connection.cursor().execute(PUT_AWAY)
        except sqlite3.Error as error:  # the disk is full: whoever writes next is told
            _logger.warning("the database's log stays long", extra={"error": str(error)})

    def _write_together(self, jobs: Sequence[_Job]) -> bool:
        """Do them all in one transaction. False when that failed, and nothing is written."""
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self._transaction() as connection:
                for job in jobs:
                    result, problem = _attempt(job, connection)
                    outcomes.append((job, result, problem))
        except DBAPIError:
            return False
        self.room.succeeded()
        for job, result, problem in outcomes:
            _settle(job, result, problem)
        return True

    def _write_alone(self, job: _Job) -> None:
        try:
            with self._transaction() as connection:
                result = job.work(connection)
        except DBAPIError as error:
            told = as_error(error, self.name)
            self.room.failed(told)
            _settle(job, None, told)
        except BaseException as error:  # the caller's: it is raised where it waits
            _settle(job, None, error)
        else:
            self.room.succeeded()
            _settle(job, result, None)

    def _engine(self, *, reads_only: bool) -> Engine:
        if not self.is_sqlite:
            return _postgres_engine(self.url, reads_only=reads_only)
        size = READERS if reads_only else 2  # the writing thread's, and one for whoever takes the whole database
        engine = create_engine(self.url, connect_args={"check_same_thread": False}, pool_size=size, max_overflow=0)
        event.listen(engine, "connect", _prepare_reader if reads_only else _prepare_writer)
        event.listen(engine, "begin", _begin_reading if reads_only else _begin_writing)
        return engine


def _take(jobs: queue.SimpleQueue[_Job | None]) -> tuple[list[_Job], bool]:
    """Wait for a job and take those that wait with it; whether the last one said that it is over."""
    taken: list[_Job] = []
    job = jobs.get()
    while job is not None:
        taken.append(job)
        if len(taken) == LARGEST_BATCH:
            return taken, False
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            return taken, False
    return taken, True


def _attempt(job: _Job, connection: Connection) -> tuple[Any, BaseException | None]:
    """Do one of several; what fails is rolled back alone. Raises `DBAPIError` when the transaction cannot go on."""
    savepoint = connection.begin_nested()
    try:
        result = job.work(connection)
    except IntegrityError as error:
        savepoint.rollback()
        return None, error
    except DBAPIError:
        raise
    except BaseException as error:  # the caller's: it is raised where it waits
        savepoint.rollback()
        return None, error
    savepoint.commit()
    return result, None


def _settle(job: _Job, result: Any, problem: BaseException | None) -> None:
    if problem is None:
        job.future.set_result(result)
    else:
        job.future.set_exception(problem)


def _parsed(url: str) -> URL:
    wanted = 'database_url is for example "postgresql://user@host/database"; without it, SQLite is used'
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise FreeholdError(Code.CONFIG, "database_url is not the address of a database", wanted) from None
    if backend == _POSTGRES:
        return parsed.set(drivername=f"{_POSTGRES}+psycopg")
    if backend == _SQLITE:
        return parsed
    raise FreeholdError(Code.CONFIG, f"database_url: {backend} is not supported", wanted)


def _create_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
    except OSError as error:
        raise FreeholdError(
            Code.DISK, f"{path}: {error.strerror}", f"Freehold keeps its database there; look at {path.parent}."
        ) from error


def _postgres_engine(url: URL, *, reads_only: bool) -> Engine:
    options = "-c default_transaction_read_only=on" if reads_only else "-c synchronous_commit=on"
    size = READERS if reads_only else 1
    try:
        return create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,  # a server that was restarted is found again
            isolation_level="REPEATABLE READ" if reads_only else "READ COMMITTED",
            # No prepared statements: they do not survive a pooler such as pgbouncer.
            connect_args={"options": options, "prepare_threshold": None, "connect_timeout": 5},
        )
    except ModuleNotFoundError:
        raise FreeholdError(
            Code.CONFIG,
            "database_url names PostgreSQL, and its driver is not installed",
            'Install it: pip install "freehold[postgres]"',
        ) from None


def _prepare(connection: Any, *pragmas: str) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_writer(connection: Any, _record: object) -> None:
    # FULL: a commit is on the disk before it is answered. The limit keeps the log from staying as large as its peak.
    log = (f"journal_size_limit = {LONG_BYTES}", f"wal_autocheckpoint = {LONGEST_PAGES}")
    _prepare(connection, "journal_mode = WAL", "synchronous = FULL", *log)


def _prepare_reader(connection: Any, _record: object) -> None:
    # Little of its own to remember: the pages are in the kernel's memory anyway, and there are several readers.
    _prepare(connection, "query_only = ON", f"cache_size = -{READER_CACHE_KB}")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
