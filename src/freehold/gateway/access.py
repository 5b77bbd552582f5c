"""Who asks: an API key, or a browser that logged in with one. Deny by default."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.store import api_keys, audit
from freehold.store.api_keys import ApiKey, Scope
from freehold.store.database import Database

SESSION_LASTS = timedelta(hours=24)
"""Without being used; as the system before did (its `al_session`)."""
NOTE_USE_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a key or a session was used last: a page that asks often must not write often."""

_logger = logging.getLogger(__name__)

_INCLUDED = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.TRIGGER: frozenset({Scope.READ, Scope.TRIGGER}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True)
class Actor:
    """`csrf` is what a browser's forms must carry; empty for API keys, which no browser sends by itself. `address` is
    where it asks from, for the audit; `session` the hash of a browser's session."""

    name: str
    scopes: frozenset[Scope]
    key_id: str
    csrf: str = ""
    address: str = ""
    session: str = ""

    def require(self, scope: Scope) -> None:
        """Raises DENIED, naming what is missing."""
        if scope not in self.scopes:
            raise FreeholdError(
                Code.DENIED, f"this needs the scope {scope}, which the key {self.name} has not", "Use another key."
            )


class Access:
    """Finds out who asks. All that it keeps of keys and sessions are hashes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def by_key(self, secret: Secret) -> Actor | None:
        """Who has this key; None when nobody has (any more)."""
        now = self._clock.now()
        key = await self._database.read(lambda connection: api_keys.by_secret(connection, secret, now))
        if key is None:
            return None
        await self._note(key.last_used_at, lambda connection, at: api_keys.used(connection, key.id, at))
        return _actor(key)

    async def by_session(self, secret: Secret) -> Actor | None:
        """Who logged in with this session; None when it is over."""
        now = self._clock.now()
        found = await self._database.read(lambda connection: api_keys.session(connection, secret, now))
        if found is None or now - found[0].seen_at > SESSION_LASTS:
            return None
        session, key = found
        await self._note(session.seen_at, lambda connection, moment: api_keys.seen(connection, session.hash, moment))
        # Derived, so that it need not be kept: whoever knows it has seen a page of this session.
        return replace(_actor(key), csrf=api_keys.digest(Secret(f"csrf {secret.reveal()}")), session=session.hash)

    async def still_knows(self, actor: Actor) -> bool:
        """Whether whoever was let in would be let in now: neither the key nor the session has ended meanwhile."""
        now = self._clock.now()
        seen_since = now - SESSION_LASTS
        return not actor.key_id or await self._database.read(
            lambda connection: api_keys.is_open(connection, actor.key_id, actor.session, seen_since, now)
        )

    async def log_in(self, key: Secret, address: str = "", beginning: str = "") -> Secret | None:
        """A new session for who has this key, which the audit says; None when nobody has. `beginning` is what it begins
        with."""
        session = api_keys.new_secret(beginning)
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            found = api_keys.by_secret(connection, key, now)
            if found:
                audit.note(connection, found.name, "login", now, found.id, address=address)
                api_keys.forget_sessions(connection, now - SESSION_LASTS)
                api_keys.open_session(connection, session, found.id, now)
            return found is not None

        return session if await self._database.write(work) else None

    async def log_out(self, session: Secret) -> None:
        await self._database.write(lambda connection: api_keys.close_session(connection, session))

    async def _note(self, last: datetime | None, write: Callable[[Connection, datetime], None]) -> None:
        now = self._clock.now()
        if last is not None and now - last < NOTE_USE_EVERY:
            return
        try:
            await self._database.write(lambda connection: write(connection, now))
        except FreeholdError as error:
            if error.code not in (Code.DISK, Code.UNREACHABLE):
                raise
            # Who has the key may look what is wrong, and end what spends, while nothing can be written.
            _logger.debug("the use of a key is not written down", extra={"error": error.message})


def _actor(key: ApiKey) -> Actor:
    scopes = frozenset(scope for held in key.scopes for scope in _INCLUDED[held])
    return Actor(key.name, scopes, key.id)
