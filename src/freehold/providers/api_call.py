"""A question to an API, as data; and what an API is like: where it is, and how it says that something went wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.providers.api_error import Refusal


@dataclass(frozen=True)
class Call:
    """`does` completes "could not ...". `path` is below the API's base, each part as it is, quoted when sent."""

    does: str
    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    again: bool | None = None

    @property
    def repeatable(self) -> bool:
        """Whether twice is the same as once; `again` says so of a PATCH or a POST that only sets something."""
        return self.method in ("GET", "PUT", "DELETE") if self.again is None else self.again

    @property
    def target(self) -> str:
        return "/" + "/".join(quote(part, safe="") for part in self.path)


@dataclass(frozen=True)
class Said:
    """An error as the provider words it. `refusal` where its own code is telling, else the status decides."""

    message: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Api:
    """`read_error` gets status and decoded JSON (`None` when it is none). `hints` say what a person does then."""

    label: str
    base_url: str
    read_error: Callable[[int, Any], Said]
    hints: Mapping[Refusal, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises USAGE for an address to which a token would go in clear."""
        parts = urlsplit(self.base_url)
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme == "http" and parts.hostname and _is_this_machine(parts.hostname):
            return
        raise FreeholdError(
            Code.USAGE,
            f"{self.label}: the token is not sent to {self.base_url}",
            "Its address begins with https://, or is one of this machine's own.",
        )


_BY_STATUS = {
    401: Refusal.BAD_TOKEN,
    403: Refusal.NO_RIGHT,
    404: Refusal.NOT_FOUND,
    409: Refusal.TAKEN,
    423: Refusal.IN_USE,
    429: Refusal.TOO_OFTEN,
}


def refusal_of(status: int, said: Said) -> Refusal:
    if status == 429 or status >= 500:
        return _BY_STATUS.get(status, Refusal.FAULT)
    return said.refusal or _BY_STATUS.get(status, Refusal.INVALID)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
