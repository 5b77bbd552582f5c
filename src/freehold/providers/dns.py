"""The seam of those who hold DNS zones, and stand before the servers that the names lead to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from freehold.providers.leftover import Leftover
from freehold.providers.ownership import Owner


class SslMode(StrEnum):
    """How the DNS provider's proxy speaks to a server: `strict` alone checks the certificate."""

    OFF = "off"
    FLEXIBLE = "flexible"
    FULL = "full"
    STRICT = "strict"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Zone:
    """`active` once the domain's registrar names this provider's name servers: only then do its records count."""

    id: str
    name: str
    active: bool

    def holds(self, hostname: str) -> bool:
        return hostname == self.name or hostname.endswith("." + self.name)


@dataclass(frozen=True)
class Record:
    """`type` is `A` or `AAAA` for ours, anything for others'. `comment` tells whose it is."""

    id: str
    type: str
    name: str
    content: str
    proxied: bool
    comment: str = ""


@dataclass(frozen=True)
class OriginCertificate:
    """A certificate that the provider's own proxy trusts, and browsers do not."""

    id: str
    hostnames: tuple[str, ...]
    certificate_pem: str


class Dns(Protocol):
    """Zones, address records, origin certificates and the SSL mode. Touches records of others only when told to.

    Raises `ApiError` as providers do. Everything may be asked again.
    """

    async def check(self) -> str:
        """What is known of the token. Raises CREDENTIAL when it is not accepted, or not active."""
        ...

    async def zones(self) -> tuple[Zone, ...]: ...

    async def records(self, zone_id: str, hostname: str) -> tuple[Record, ...]:
        """All of this name, of every type."""
        ...

    async def point(
        self, zone_id: str, hostname: str, addresses: tuple[str, ...], owner: Owner, *, replace: bool = False
    ) -> tuple[Record, ...]:
        """Proxied A and AAAA records of exactly these addresses. The owner's records that lead elsewhere go.

        Raises CONFLICT, and changes nothing, when others' records have that name, unless they are to be replaced.
        """
        ...

    async def certify(self, hostname: str, csr_pem: str) -> OriginCertificate:
        """A new certificate on the request's key, for 15 years."""
        ...

    async def ssl_mode(self, zone_id: str) -> SslMode:
        """Of the whole zone."""
        ...

    async def set_ssl_mode(self, zone_id: str, mode: SslMode) -> None:
        """For every name in the zone, so ask first."""
        ...

    async def require_strict(self, zone_id: str, hostname: str, owner: Owner) -> None:
        """`strict` for this name alone, by a rule that carries the owner's mark."""
        ...

    async def proxy_networks(self) -> tuple[str, ...]:
        """Where the provider's proxy comes from, IPv4 and IPv6: who else names a client's address is not believed."""
        ...

    async def leftovers(self, zone_id: str, owner: Owner) -> tuple[Leftover, ...]: ...

    async def remove(self, zone_id: str, leftover: Leftover) -> None:
        """Nothing happens when it was gone already."""
        ...

    async def close(self) -> None: ...
