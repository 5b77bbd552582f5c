"""From a request to who asks: the local socket, an API key, or a browser's session."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.gateway.access import Actor
from freehold.gateway.gateway import Gateway
from freehold.gateway.local_peer import is_local
from freehold.gateway.session_cookie import SessionCookie
from freehold.store.api_keys import Scope

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
LOCAL = Actor("local", frozenset(Scope), "", address="local")
"""Whoever may open the project's own socket could read its database as well."""
LONGEST_KEY = 500
_FORM = "application/x-www-form-urlencoded"


def client_address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else "local"


def told_address(connection: HTTPConnection) -> str:
    """For the audit: what a proxy on this machine says of whom it asks for is told with it, and is no proof."""
    address = client_address(connection)
    said = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        behind = ipaddress.ip_address(said) if ipaddress.ip_address(address).is_loopback else None
    except ValueError:
        return address
    return f"{behind} through {address}" if behind else address


async def who_asks(gateway: Gateway, connection: HTTPConnection) -> Actor:
    """Raises UNAUTHENTICATED, or RATE_LIMITED for an address that has tried too many wrong keys."""
    if is_local(connection.scope):
        return LOCAL
    return replace(await _known(gateway, connection), address=told_address(connection))


async def _known(gateway: Gateway, connection: HTTPConnection) -> Actor:
    if (header := connection.headers.get("authorization")) is not None:
        return await _by_header(gateway, connection, header)
    cookie = SessionCookie(gateway.public_url, connection)
    if (session := cookie.session()) and (actor := await gateway.access.by_session(session)):
        return actor
    raise FreeholdError(
        Code.UNAUTHENTICATED, "who asks is not known", "Send a key: Authorization: Bearer KEY (freehold keys add)."
    )


async def _by_header(gateway: Gateway, connection: HTTPConnection, header: str) -> Actor:
    kind, _, key = header.partition(" ")
    if kind.lower() == "bearer" and 0 < len(key) <= LONGEST_KEY:
        actor = await gateway.access.by_key(Secret(key.strip()))
        if actor:
            return actor
    gateway.metrics.wrong_key()
    gateway.throttle.admit(client_address(connection))  # a right key is never kept waiting
    raise FreeholdError(Code.UNAUTHENTICATED, "nobody has this key", "It may have been revoked: freehold keys list.")


def require_csrf(actor: Actor, headers: Mapping[str, str], body: bytes) -> None:
    """A browser sends its session along with whatever asks; that a page of ours does, a token shows. Raises DENIED."""
    if not actor.csrf:
        return
    token = headers.get(CSRF_HEADER, "") or form_of(headers, body).get(CSRF_FIELD, "")
    if not hmac.compare_digest(token.encode(), actor.csrf.encode()):
        raise FreeholdError(
            Code.DENIED, "the request does not show that a page of ours sent it", "Load the page again, then try again."
        )


def form_of(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The fields of a form, the first value of each; empty where the body is none."""
    if not headers.get("content-type", "").startswith(_FORM):
        return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=100).items()}
    except ValueError:
        return {}
