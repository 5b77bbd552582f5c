"""The key that a project begins with: `gateway_api_key:default` in the user's credentials, an admin's."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store import api_keys
from freehold.store.api_keys import Scope
from freehold.store.credentials import CredentialStore
from freehold.store.database import Database

REF = CredentialRef("gateway_api_key", "default")
FIELD = "key"
NAME = f"{REF.type}:{REF.instance}"
"""No key that is made over the API can be called so."""

SHORTEST = 20
"""Characters of a key that somebody chose; ours have 46. Nothing else stands between a stranger and the project."""

_logger = logging.getLogger(__name__)


async def ensure_first_key(database: Database, store: CredentialStore, now: datetime) -> None:
    """Make it when there is none, and let the database know it. One that was replaced in the store opens nothing any
    more; one that was revoked stays so. Raises CREDENTIAL (it can be guessed, or not be read), DISK, and what the
    database raises.
    """
    secret = store.get(REF, FIELD)
    if secret is None:
        secret = api_keys.new_secret(api_keys.PREFIX)
        store.put(REF, {FIELD: secret})
        _logger.info("an API key was made", extra={"credential": NAME})
    if len(secret.reveal().strip()) < SHORTEST:
        raise FreeholdError(
            Code.CREDENTIAL,
            f"the key in {NAME} has fewer than {SHORTEST} characters, and could be guessed",
            f"freehold creds remove {REF.type}; the next start makes one",
        )
    kept = secret
    await database.write(lambda connection: _let_know(connection, kept, now))


def _let_know(connection: Connection, secret: Secret, now: datetime) -> None:
    known = api_keys.is_known(connection, secret)
    for key in api_keys.every(connection):
        if key.name == NAME and key.revoked_at is None and key.id != known:
            api_keys.revoke(connection, key.id, now)
    if not known:
        api_keys.make(connection, NAME, [Scope.ADMIN], secret, now)
