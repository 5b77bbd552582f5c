"""The firewall before a server: one for each environment, never shared: none opens a port for another (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from freehold.base.errors import Code, FreeholdError

ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})


class Protocol(StrEnum):
    TCP = "tcp"
    ICMP = "icmp"


@dataclass(frozen=True)
class FirewallRule:
    """What may come in. `port` is `None` for ICMP only; `sources` are networks of either kind of address."""

    protocol: Protocol
    port: int | None
    description: str
    sources: frozenset[str] = ANYWHERE

    def __post_init__(self) -> None:
        if (self.port is None) != (self.protocol is Protocol.ICMP):
            raise FreeholdError(Code.USAGE, f"firewall: {self.protocol} with port {self.port} is no rule")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise FreeholdError(Code.USAGE, f"firewall: {self.port} is not a port", "Ports are 1 to 65535.")


@dataclass(frozen=True)
class Firewall:
    id: str
    name: str
    rules: frozenset[FirewallRule]


def rules_for(*, ssh_port: int, open_ports: tuple[int, ...] = (80, 443)) -> tuple[FirewallRule, ...]:
    """SSH on its real port, and what the server serves: 80 and 443 with an edge, the gateway's port without one.

    ICMP is let in: IPv6 does not work without its "packet too big" (RFC 4890 section 4.3.1).
    """
    served = (FirewallRule(Protocol.TCP, port, "web") for port in sorted(set(open_ports) - {ssh_port}))
    return (FirewallRule(Protocol.TCP, ssh_port, "ssh"), *served, FirewallRule(Protocol.ICMP, None, "icmp"))
