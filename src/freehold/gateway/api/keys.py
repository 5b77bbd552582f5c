"""API keys, and the audit of what was done with them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.authentication import LOCAL
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.first_key import REF
from freehold.notices.answers import BY_LINK
from freehold.store import api_keys, audit
from freehold.store.api_keys import ApiKey, Scope
from freehold.store.audit import Chosen
from freehold.wire.service import AuditNames, AuditView, Done, KeyMade, KeyView, NewKey


async def every(asked: Asked) -> list[KeyView]:
    return [_view(key) for key in await asked.service.database.read(api_keys.every)]


async def make(asked: Asked) -> KeyMade:
    """Its maker's own scopes are the most that a key can have, and only an admin makes any."""
    new, now = asked.body(NewKey), asked.service.clock.now()
    name, scopes = new.name.strip(), new.scopes
    if name.startswith(REF.type):
        raise FreeholdError(
            Code.CONFLICT, f"a key called {name} would be taken for the one that the project began with"
        )
    if name in (LOCAL.name, BY_LINK):
        raise FreeholdError(Code.CONFLICT, f"a key called {name} would be taken for somebody else in the audit")
    if not name.isprintable():
        raise FreeholdError(
            Code.CONFLICT, "a key with signs that nobody sees would be taken for another one", "Write it anew."
        )
    secret = api_keys.new_secret(api_keys.PREFIX)
    expires_at = now + timedelta(days=new.days) if new.days else None
    told = {"name": name, "scopes": sorted(scopes), **({"days": new.days} if new.days else {})}

    def work(connection: Connection) -> ApiKey:
        made = api_keys.make(connection, name, {Scope(scope) for scope in scopes}, secret, now, expires_at)
        asked.noted("key.make", made.id, **told)(connection)
        return made

    made = await asked.service.database.write(work)
    return KeyMade(id=made.id, key=secret.reveal(), expires_at=rfc3339(expires_at) if expires_at else None)


async def revoke(asked: Asked) -> Done:
    key_id, now = asked.path["id"], asked.service.clock.now()

    def work(connection: Connection) -> bool:
        revoked = api_keys.revoke(connection, key_id, now)
        if revoked:
            found = api_keys.find(connection, key_id)
            asked.noted("key.revoke", key_id, name=found.name if found else "")(connection)
        return revoked

    if not await asked.service.database.write(work):
        raise FreeholdError(
            Code.NOT_FOUND, f"there is no key {key_id[:100]} in use", "`freehold keys list` lists them."
        )
    await asked.gateway.streams.look_who_follows()
    return Done()


async def audited(asked: Asked) -> list[AuditView]:
    before, limit = asked.text("before"), asked.number("limit", 50)
    chosen = Chosen(asked.text("actor"), asked.text("action"), asked.moment("since"), asked.moment("until"))
    found = await asked.service.database.read(lambda connection: audit.page(connection, before, limit, chosen))
    return [
        AuditView(
            id=entry.id,
            at=rfc3339(entry.at),
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            detail=entry.detail,
            address=entry.address,
        )
        for entry in found
    ]


async def audit_names(asked: Asked) -> AuditNames:
    return await asked.service.database.read(
        lambda connection: AuditNames(audit.actors(connection), audit.actions(connection))
    )


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=rfc3339(key.created_at),
        last_used_at=rfc3339(key.last_used_at) if key.last_used_at else None,
        revoked_at=rfc3339(key.revoked_at) if key.revoked_at else None,
        expires_at=rfc3339(key.expires_at) if key.expires_at else None,
    )


ENDPOINTS = (
    Endpoint("GET", "/keys", Scope.ADMIN, "API keys, the revoked ones included", every, answer=list[KeyView]),
    Endpoint("POST", "/keys", Scope.ADMIN, "Make a key; it is told this once", make, NewKey, KeyMade, status=201),
    Endpoint("DELETE", "/keys/{id}", Scope.ADMIN, "Revoke a key, and log out who came with it", revoke, answer=Done),
    Endpoint("GET", "/audit", Scope.ADMIN, "Who changed what, newest first", audited, answer=list[AuditView],
             query=("actor", "action", "since", "until", "before", "limit")),
    Endpoint("GET", "/audit/names", Scope.ADMIN, "Who and what there is in the audit", audit_names, answer=AuditNames),
)  # fmt: skip
