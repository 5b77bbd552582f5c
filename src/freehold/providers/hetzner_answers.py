"""What is read of Hetzner Cloud's answers (API v1). Unknown fields are left out, unknown words stay words."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Pagination(Struct, frozen=True):
    next_page: int | None


class Meta(Struct, frozen=True):
    pagination: Pagination


class Amount(Struct, frozen=True):
    """With the account's VAT in `gross`; ten decimals and more."""

    net: Decimal
    gross: Decimal


class LocationPrice(Struct, frozen=True):
    location: str
    price_hourly: Amount
    price_monthly: Amount


class PrimaryIp(Struct, frozen=True):
    type: str
    prices: list[LocationPrice]


class Pricing(Struct, frozen=True):
    currency: str
    primary_ips: list[PrimaryIp]


class PricingAnswer(Struct, frozen=True):
    pricing: Pricing


class Deprecation(Struct, frozen=True):
    unavailable_after: str


class TypeLocation(Struct, frozen=True):
    name: str
    available: bool = True
    deprecation: Deprecation | None = None


class ServerType(Struct, frozen=True):
    """`memory` and `disk` are in GB."""

    name: str
    description: str
    cores: int
    memory: float
    disk: float
    architecture: str
    prices: list[LocationPrice]
    locations: list[TypeLocation]


class ServerTypes(Struct, frozen=True):
    meta: Meta
    server_types: list[ServerType]


class Location(Struct, frozen=True):
    name: str
    city: str
    country: str


class Locations(Struct, frozen=True):
    meta: Meta
    locations: list[Location]


class SystemImage(Struct, frozen=True):
    id: int
    name: str | None
    description: str
    os_flavor: str
    os_version: str | None
    architecture: str
    status: str
    deprecated: str | None = None


class Images(Struct, frozen=True):
    meta: Meta
    images: list[SystemImage]


class SshKey(Struct, frozen=True):
    id: int
    name: str
    public_key: str
    labels: dict[str, str]


class SshKeys(Struct, frozen=True):
    meta: Meta
    ssh_keys: list[SshKey]


class SshKeyAnswer(Struct, frozen=True):
    ssh_key: SshKey


class Rule(Struct, frozen=True):
    direction: str
    protocol: str
    port: str | None = None
    source_ips: list[str] = []
    description: str | None = None


class FirewallFound(Struct, frozen=True):
    id: int
    name: str
    rules: list[Rule]
    labels: dict[str, str] = {}


class Firewalls(Struct, frozen=True):
    meta: Meta
    firewalls: list[FirewallFound]


class FirewallAnswer(Struct, frozen=True):
    firewall: FirewallFound


class Ipv4(Struct, frozen=True):
    ip: str


class Ipv6(Struct, frozen=True):
    """A network: `2001:db8::/64`, of which the server takes the first address."""

    ip: str


class PublicNet(Struct, frozen=True):
    ipv4: Ipv4 | None = None
    ipv6: Ipv6 | None = None


class Named(Struct, frozen=True):
    name: str


class Server(Struct, frozen=True):
    id: int
    name: str
    status: str
    public_net: PublicNet
    server_type: Named
    location: Named
    labels: dict[str, str]


class Servers(Struct, frozen=True):
    meta: Meta
    servers: list[Server]


class ServerAnswer(Struct, frozen=True):
    server: Server
