"""A server at a provider: what is asked for, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from freehold.providers.ownership import Owner


class MachineState(StrEnum):
    """`starting` until the provider says that it runs; that SSH answers by then is not promised."""

    STARTING = "starting"
    RUNNING = "running"
    OFF = "off"
    GOING = "going"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ServerSpec:
    """`image`, `keys` and `firewall` are the provider's ids. `user_data` is a cloud-config, and holds no secret.

    Every server has IPv6; without `ipv4` it has nothing else.
    """

    owner: Owner
    plan: str
    region: str
    image: str
    keys: tuple[str, ...]
    firewall: str
    user_data: str
    ipv4: bool = True

    @property
    def name(self) -> str:
        return self.owner.name


@dataclass(frozen=True)
class Machine:
    """Addresses are there once the provider has given them out.

    `host_key_fingerprint` (`SHA256:...` of the Ed25519 key) is there only where a provider can tell it by a way of its
    own: a sandbox can; Hetzner and Vultr show the machine's console to people and not to programs.
    """

    id: str
    name: str
    state: MachineState
    plan: str
    region: str
    ipv4: str | None = None
    ipv6: str | None = None
    host_key_fingerprint: str | None = None

    @property
    def address(self) -> str | None:
        """Where it is reached: by IPv4 when it has any."""
        return self.ipv4 or self.ipv6

    @property
    def ready(self) -> bool:
        """It runs, and has an address."""
        return self.state is MachineState.RUNNING and self.address is not None
