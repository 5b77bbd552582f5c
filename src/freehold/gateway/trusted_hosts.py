"""Which names the gateway answers to, and which pages may change something here. Pure.

A page of somebody else's can send a browser to any address, and can give its own name any address (DNS rebinding). So
a request says for which name it is meant, and only ours count.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class TrustedHosts:
    """`port` is ours (0: any, as through a forwarded socket). `public` is `gateway.url`, empty where there is none.

    `exposed` adds every numeric address, which no page can take for its name, and `names`, those of this machine.
    """

    port: int
    public: str = ""
    exposed: bool = False
    names: frozenset[str] = frozenset()

    def include(self, host: str) -> bool:
        """Whether the value of a `Host` header is one of ours."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name, port = found[1].lower().removesuffix("."), found[2] or ""
        if name == self._public_name:
            return True
        if self.port and port not in (str(self.port), "" if self.port in (80, 443) else str(self.port)):
            return False
        return name in LOOPBACK or (self.exposed and (name in self.names or _is_address(name)))

    def is_https(self, host: str) -> bool:
        """Whether browsers reach us by https at this name."""
        found = _HOST.fullmatch(host)
        return self.public.startswith("https://") and found is not None and found[1].lower() not in LOOPBACK

    @property
    def _public_name(self) -> str:
        return (urlsplit(self.public).hostname or "").lower()


def is_own_page(host: str, headers: Mapping[str, str]) -> bool:
    """Whether a change is asked for by a page of ours, or by no page: `host` is the checked `Host` of the request."""
    origin = headers.get("origin")
    if origin is not None:
        return _netloc(origin) == _with_port(host.lower(), urlsplit(origin).scheme)
    # Browsers send one of the two with every change (Fetch Metadata; the WHATWG's "origin" for POST).
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _netloc(origin: str) -> str:
    parts = urlsplit(origin)
    return _with_port(parts.netloc.lower(), parts.scheme) if parts.scheme in _DEFAULT_PORTS else ""


def _with_port(host: str, scheme: str) -> str:
    found = _HOST.fullmatch(host)
    if found is None:
        return ""
    return f"{found[1]}:{found[2] or _DEFAULT_PORTS.get(scheme, '')}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
