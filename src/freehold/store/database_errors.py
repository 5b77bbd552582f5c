"""What a database says when it cannot, as an error for a person: told by its error codes, never by its words."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from freehold.base.errors import Code, FreeholdError

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FULL = frozenset({sqlite3.SQLITE_FULL})
_AWAY = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The part of an extended result code that names its kind (sqlite.org/rescode.html)."""

_DISK_FULL_STATE = "53100"
_AWAY_STATES = ("08", "57P", "53300", "28", "3D")
"""PostgreSQL's classes: connection lost, shut down, too many connections, not let in, no such database."""


def as_error(error: DBAPIError, name: str) -> FreeholdError:
    """The error of the database `name` (its address, without a password)."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original, name)
    state = str(getattr(original, "sqlstate", "") or "")
    if state == _DISK_FULL_STATE:
        return FreeholdError(Code.DISK, f"{name}: {_first_line(original)}", "Make room on the database's disk.")
    # Without a state it is the connection itself that failed: the server never answered.
    if not state or state.startswith(_AWAY_STATES) or error.connection_invalidated:
        return FreeholdError(
            Code.UNREACHABLE, f"{name} does not answer: {_first_line(original)}", "Is the database server running?"
        )
    return _defect(original, name)


def _of_sqlite(error: sqlite3.Error, name: str) -> FreeholdError:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _LOCKED:
        return FreeholdError(Code.UNREACHABLE, f"{name} is locked by another process", "Which one? fuser -v the file.")
    if code in _FULL:
        return FreeholdError(Code.DISK, f"{name}: {error}", "Make room on its disk: df -h shows which is full.")
    if code in _AWAY:
        return FreeholdError(Code.UNREACHABLE, f"{name}: {error}", "Look at its folder: is it there, and writable?")
    if code in _BROKEN:
        return FreeholdError(
            Code.UNREACHABLE, f"{name} is damaged: {error}", "Take back a copy from the backups beside it."
        )
    return _defect(error, name)


def _defect(error: BaseException | None, name: str) -> FreeholdError:
    return FreeholdError(Code.INTERNAL, f"{name}: {type(error).__name__}: {_first_line(error)}", "Report this.")


def _first_line(error: BaseException | None) -> str:
    return (str(error).splitlines() or ["no reason was given"])[0]
