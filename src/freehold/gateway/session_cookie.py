"""The cookie that holds a browser's session.

Where the gateway is reached by https it has the prefix `__Host-`: a browser takes it from this very host alone, and
over https alone, so nothing on a sibling name, and nobody on the way to an http address of the same name, can put a
session of their own in its place. Over plain http, as on this machine, browsers take no such cookie (RFC 6265bis,
section 4.1.3.2).

Browsers tell ports of a machine apart in nothing that concerns cookies. What comes to a port that leads to a server has
that port in the name: else the consoles of two servers, and of this machine's project, would log each other out. Yet
each of them is sent the cookies of all, and the gateway of a server may have been taken over. So a session begins with
its cookie's name, and counts in no other: what came to a port of a laptop opens nothing at the project's address.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from freehold.base.secret import Secret
from freehold.gateway.access import SESSION_LASTS
from freehold.gateway.forwarded_peer import is_forwarded
from freehold.gateway.trusted_hosts import TrustedHosts

COOKIE = "fh_session"
HOST_COOKIE = f"__Host-{COOKIE}"
LONGEST_SESSION = 500


class SessionCookie:
    """That of one request: `public_url` is `gateway.url`."""

    def __init__(self, public_url: str, connection: HTTPConnection) -> None:
        self._connection = connection
        self._secure = TrustedHosts(0, public_url).is_https(connection.headers.get("host", ""))
        self.name = HOST_COOKIE if self._secure else f"{COOKIE}{_port_of(connection)}"

    def session(self) -> Secret | None:
        # Not the standard library's reader: it gives up at a cookie that another program on this host set.
        found = self._connection.cookies.get(self.name, "")
        return Secret(found) if found.startswith(self.beginning) and len(found) <= LONGEST_SESSION else None

    @property
    def beginning(self) -> str:
        """Of each session that is kept in it."""
        return f"{self.name}."

    def set(self, response: Response, session: Secret) -> None:
        response.set_cookie(
            self.name,
            session.reveal(),
            max_age=int(SESSION_LASTS.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def delete(self, response: Response) -> None:
        response.delete_cookie(self.name, path="/", httponly=True, samesite="lax", secure=self._secure)


def _port_of(connection: HTTPConnection) -> str:
    port = connection.headers.get("host", "").rpartition(":")[2]
    return f"_{port}" if is_forwarded(connection.scope) and port.isdigit() else ""
