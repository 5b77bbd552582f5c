"""What is still there of an environment: the proof of a teardown is that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LeftoverKind(StrEnum):
    """In the order in which they are removed: a firewall is in use as long as its server is there."""

    DNS_RECORD = "DNS record"
    HOST_RULE = "SSL rule"
    SERVER = "server"
    FIREWALL = "firewall"
    SSH_KEY = "SSH key"
    CERTIFICATE = "origin certificate"


@dataclass(frozen=True)
class Leftover:
    """`by_hand` says where a person can remove it when the API does not."""

    kind: LeftoverKind
    id: str
    name: str
    by_hand: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name} (id {self.id})"


def in_order_of_removal(leftovers: tuple[Leftover, ...]) -> list[Leftover]:
    order = list(LeftoverKind)
    return sorted(leftovers, key=lambda leftover: order.index(leftover.kind))
