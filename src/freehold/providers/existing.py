"""A server that was there before: it has no API, nothing is made on it here, and it is never removed."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.key import KeyOnProvider
from freehold.providers.leftover import Leftover
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.offer import Catalogue
from freehold.providers.ownership import Owner


class Existing:
    """`Provider` for a server that its owner runs elsewhere, at `address`: the id of its only machine.

    It sells nothing, so `add_key`, `put_firewall` and `create` raise USAGE; what such a server needs is done over SSH,
    and asked for. It has no leftovers, ever.
    """

    name = "existing"
    rents = False

    def __init__(self, address: str) -> None:
        self._address = address

    async def check(self) -> str:
        return self._address

    async def catalogue(self) -> Catalogue:
        return Catalogue()

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        return ()

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:  # noqa: ARG002  the seam's
        raise self._not_ours("add an SSH key")

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:  # noqa: ARG002
        raise self._not_ours("create a firewall")

    async def create(self, spec: ServerSpec) -> Machine:  # noqa: ARG002
        raise self._not_ours("create a server")

    async def machine(self, machine_id: str) -> Machine | None:
        """That it runs is taken for granted: SSH tells."""
        if machine_id != self._address:
            return None
        is_v6 = ":" in machine_id
        v4, v6 = (None, machine_id) if is_v6 else (machine_id, None)
        return Machine(machine_id, machine_id, MachineState.RUNNING, "", "", v4, v6)

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:  # noqa: ARG002
        return ()

    async def remove(self, leftover: Leftover) -> None:
        raise FreeholdError(
            Code.DENIED,
            f"{self._address} was there before Freehold, and is not removed: {leftover}",
            "What Freehold put on it is taken down over SSH.",
        )

    async def close(self) -> None:
        """Nothing is open."""

    def _not_ours(self, what: str) -> FreeholdError:
        return FreeholdError(
            Code.USAGE,
            f"{self._address}: could not {what}: an existing server has no API",
            "What it needs is done over SSH, after you were asked.",
        )
