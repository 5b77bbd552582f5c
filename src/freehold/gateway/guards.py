"""Around the whole application: for whom a request is meant, who sent it, what every answer carries, and the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answers import as_error
from freehold.gateway.local_peer import is_local
from freehold.gateway.trusted_hosts import TrustedHosts, is_own_page
from freehold.wire.addressee import HEADER as ADDRESSEE
from freehold.wire.addressee import require_meant
from freehold.wire.service import API
from freehold.wire.versions import HEADER, require_served

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECRET_NAMES = frozenset({"key", "api_key", "apikey", "token", "access_token", "secret", "authorization", "password"})
ROUTE = "freehold.route"
"""Where the scope says which route served it: for figures, in which no name that somebody sent may stand."""
_ANY_NAME = ("/health", "/webhooks/")
"""What may be asked by any name: tells nothing and lets nobody in, and tunnels and load balancers have names of
their own."""
_UNTOLD = "/answer/"
"""What follows it answers a question: whoever reads the log must not be able to."""
_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
GUARDING = (
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (HEADER.lower().encode(), __version__.encode()),
)
_OF_BROWSERS = ("origin", "sec-fetch-site")
"""Headers that no page can leave out. Whoever gets a browser to our local socket, be it by a link that lies where it
expects another project's, would let its pages do everything."""
_BROWSER_HINT = "The console of a server is opened by: freehold console -E ENVIRONMENT"
_NAME_HINT = "Set gateway.url in the project's config.toml to the address by which it is reached."
_LOCAL_HINT = (
    "Through gateway.sock it is called localhost: curl --unix-socket gateway.sock http://localhost/api/v1/status"
)
SLOW_S = 1.0
"""An answer that takes longer to begin is worth a line in the log."""

_logger = logging.getLogger(__name__)

Observe = Callable[[str, str, int, float], None]
"""Told of every answer: method, route, status, seconds until it began."""


class Guards:
    """Around an ASGI application. `hosts`, and what the `project` is called on servers, are asked for each time: they
    change with the configuration."""

    def __init__(
        self, app: ASGIApp, hosts: Callable[[Scope], TrustedHosts], observe: Observe, project: Callable[[], str]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._observe = observe
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        began = time.monotonic()
        answered = Answered(scope, send, began, self._observe)
        try:
            require_welcome(scope, self._hosts(scope), self._project)
        except FreeholdError as error:
            await _refuse(scope, receive, answered.send, error)
            return
        try:
            await self._app(scope, receive, answered.send)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception as error:
            if answered.status or scope["type"] != "http":
                raise
            await answer_defect(scope, receive, answered, error)


async def answer_defect(scope: Scope, receive: Receive, answered: Answered, error: Exception) -> None:
    """What a request is answered with that met a defect of ours."""
    _logger.error("a request failed", exc_info=error, extra={"path": scope["path"]})
    defect = FreeholdError(Code.INTERNAL, "the gateway failed", "Its log says more; please report it.")
    await as_error(defect)(scope, receive, answered.send)


def require_welcome(scope: Scope, hosts: TrustedHosts, project: Callable[[], str]) -> None:
    """Raises MISDIRECTED for a name that is not ours and for what another project is asked, OUTDATED for a client that
    is too old, DENIED for somebody else's page and for any where no key is asked for, USAGE for a secret in the URL."""
    headers, path = Headers(scope=scope), scope["path"]
    names = headers.getlist("host")
    host = names[0] if len(names) == 1 else ""  # of two, something before us may have looked at the other one
    if not path.startswith(_ANY_NAME) and not hosts.include(host):
        raise FreeholdError(
            Code.MISDIRECTED,
            "this gateway does not answer to the name in the address",
            _LOCAL_HINT if is_local(scope) else _NAME_HINT,
        )
    if (meant := headers.get(ADDRESSEE)) is not None:
        require_meant(meant, project())
    if path.startswith(API):
        require_served(headers.get(HEADER, ""), __version__)
    changing = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
    if changing and not is_own_page(host, headers):
        raise FreeholdError(Code.DENIED, "pages of other sites may change nothing here", "Use the console itself.")
    if is_local(scope) and any(name in headers for name in _OF_BROWSERS):
        raise FreeholdError(Code.DENIED, "this socket, which asks for no key, is not for browsers", _BROWSER_HINT)
    if not path.startswith("/webhooks/") and (name := _secret_in(scope["query_string"])):
        raise FreeholdError(
            Code.USAGE,
            f"{name} in the address: secrets are not taken from there, because addresses are logged on their way",
            "Send it as a header, Authorization: Bearer KEY. What was sent should be taken for known: revoke it.",
        )


def _secret_in(query: bytes) -> str:
    fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return next((name.lower() for name, value in fields if name.lower() in SECRET_NAMES or "fh_" in value[:3]), "")


async def _refuse(scope: Scope, receive: Receive, send: Send, error: FreeholdError) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # answered with 403, before it is opened
        return
    await as_error(error)(scope, receive, send)


class Answered:
    """Gives an answer its headers, and says in the log when it failed or was slow: its path, never its query."""

    def __init__(self, scope: Scope, send: Send, began: float, observe: Observe) -> None:
        self._scope = scope
        self._send = send
        self._began = began
        self._observe = observe
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in GUARDING if one[0] not in given)]
            self._note()
        await self._send(message)

    def _note(self) -> None:
        took_s = time.monotonic() - self._began
        method, path = self._scope["method"], self._scope["path"]
        self._observe(method, self._scope.get(ROUTE, "other"), self.status, took_s)
        # A line for each would push what matters out of sight, and be a tenth of the work: changes are in the audit,
        # deliveries have receipts.
        level = logging.INFO if self.status >= HTTPStatus.BAD_REQUEST or took_s >= SLOW_S else logging.DEBUG
        if not _logger.isEnabledFor(level):
            return
        client = "local" if is_local(self._scope) else (self._scope.get("client") or ("",))[0]
        if path.startswith(_UNTOLD):
            path = _UNTOLD
        told = {"method": method, "path": path[:500], "status": self.status, "ms": round(took_s * 1000, 1)}
        _logger.log(level, "request", extra={**told, "client": client})
