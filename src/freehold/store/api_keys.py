"""API keys and the sessions of browsers: who may ask a project's gateway for what."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from freehold.base.ids import new_ulid
from freehold.base.secret import Secret
from freehold.store.rows import milliseconds, moment, moment_or_none
from freehold.store.tables import api_keys, sessions

PREFIX = "fh_"
_KEY_BYTES = 32


class Scope(StrEnum):
    """`read` sees everything but secrets; `trigger` begins and ends runs too; `admin` changes what is to be."""

    READ = "read"
    TRIGGER = "trigger"
    ADMIN = "admin"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    """From then on it opens nothing; None: it goes on until it is revoked."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that logged in with the key `key_id`."""

    hash: str
    key_id: str
    created_at: datetime
    seen_at: datetime


def new_secret(prefix: str = "") -> Secret:
    """32 random bytes, for a key or a session."""
    return Secret(prefix + secrets.token_urlsafe(_KEY_BYTES))


def digest(secret: Secret) -> str:
    """What is stored of it. With 256 random bits in it a plain hash cannot be guessed back; and how long a lookup by
    hash takes tells nothing about it."""
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


def make(
    connection: Connection,
    name: str,
    scopes: Iterable[Scope],
    secret: Secret,
    now: datetime,
    expires_at: datetime | None = None,
) -> ApiKey:
    made = ApiKey(id=new_ulid(), name=name, scopes=frozenset(scopes), created_at=now, expires_at=expires_at)
    values = {
        "id": made.id,
        "name": name,
        "hash": digest(secret),
        "scopes": ",".join(sorted(made.scopes)),
        "created_at": milliseconds(now),
        "expires_at": milliseconds(expires_at) if expires_at else None,
    }
    connection.execute(insert(api_keys).values(**values))
    return made


def by_secret(connection: Connection, secret: Secret, now: datetime) -> ApiKey | None:
    """The key, unless it was revoked or its time is over."""
    return _one(connection, api_keys.c.hash == digest(secret), *_opens(now))


def is_known(connection: Connection, secret: Secret) -> str:
    """The id of the key, also when it was revoked; empty when there never was such a one."""
    found = _one(connection, api_keys.c.hash == digest(secret))
    return found.id if found else ""


def find(connection: Connection, key_id: str) -> ApiKey | None:
    return _one(connection, api_keys.c.id == key_id)


def every(connection: Connection) -> list[ApiKey]:
    """The revoked ones included, oldest first."""
    return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.id))]


def used(connection: Connection, key_id: str, now: datetime) -> None:
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=milliseconds(now)))


def revoke(connection: Connection, key_id: str, now: datetime) -> bool:
    """The key opens nothing any more, nor do the sessions that it opened; False when there is no such key in use."""
    mine = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    done = connection.execute(update(api_keys).where(*mine).values(revoked_at=milliseconds(now)))
    connection.execute(delete(sessions).where(sessions.c.key_id == key_id))
    return done.rowcount == 1


def open_session(connection: Connection, secret: Secret, key_id: str, now: datetime) -> None:
    at = milliseconds(now)
    values = {"hash": digest(secret), "key_id": key_id, "created_at": at, "seen_at": at}
    connection.execute(insert(sessions).values(**values))


def session(connection: Connection, secret: Secret, now: datetime) -> tuple[Session, ApiKey] | None:
    """The session and the key that opened it; None when there is none (any more)."""
    row = connection.execute(select(sessions).where(sessions.c.hash == digest(secret))).first()
    key = _one(connection, api_keys.c.id == row.key_id, *_opens(now)) if row else None
    if row is None or key is None:
        return None
    found = Session(
        hash=row.hash, key_id=row.key_id, created_at=moment(row.created_at), seen_at=moment(row.seen_at)
    )  # fmt: skip
    return found, key


def seen(connection: Connection, session_hash: str, now: datetime) -> None:
    connection.execute(update(sessions).where(sessions.c.hash == session_hash).values(seen_at=milliseconds(now)))


def is_open(connection: Connection, key_id: str, session_hash: str, seen_since: datetime, now: datetime) -> bool:
    """Whether the key still opens something, and the session of it, where one is named, is there and was seen since."""
    if _one(connection, api_keys.c.id == key_id, *_opens(now)) is None:
        return False
    mine = (sessions.c.hash == session_hash, sessions.c.seen_at >= milliseconds(seen_since))
    return not session_hash or connection.execute(select(sessions.c.hash).where(*mine)).first() is not None


def close_session(connection: Connection, secret: Secret) -> None:
    connection.execute(delete(sessions).where(sessions.c.hash == digest(secret)))


def forget_sessions(connection: Connection, unseen_since: datetime) -> None:
    connection.execute(delete(sessions).where(sessions.c.seen_at < milliseconds(unseen_since)))


def _opens(now: datetime) -> tuple[ColumnElement[bool], ...]:
    never = api_keys.c.expires_at.is_(None)
    return (api_keys.c.revoked_at.is_(None), or_(never, api_keys.c.expires_at > milliseconds(now)))


def _one(connection: Connection, *where: Any) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(*where)).first()
    return _key(row) if row else None


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split(",")),
        created_at=moment(row.created_at),
        last_used_at=moment_or_none(row.last_used_at),
        revoked_at=moment_or_none(row.revoked_at),
        expires_at=moment_or_none(row.expires_at),
    )
