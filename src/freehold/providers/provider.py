"""The seam of those who sell servers."""

from __future__ import annotations

from typing import Protocol

from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.key import KeyOnProvider
from freehold.providers.leftover import Leftover
from freehold.providers.machine import Machine, ServerSpec
from freehold.providers.offer import Catalogue
from freehold.providers.ownership import Owner


class Provider(Protocol):
    """Makes, tells and removes what belongs to an owner, and touches nothing of anybody else's.

    What makes (`add_key`, `put_firewall`, `create`) may be asked again after any failure, a process that died
    among them: it finds what is there by its mark, and never makes a second one knowingly. Every verb raises
    `ApiError`, which says which provider, what was asked, what it said, and what to do; `error.refusal` says of which
    kind it is.
    """

    @property
    def name(self) -> str:
        """`hetzner`, `vultr`, `existing`, `sandbox`: the value of `provider` in an environment's file."""
        ...

    @property
    def rents(self) -> bool:
        """Whether it makes servers, which somebody pays for and which must be removed."""
        ...

    async def check(self) -> str:
        """Whose account it is, as far as it is told. Raises CREDENTIAL when the token is not accepted."""
        ...

    async def catalogue(self) -> Catalogue: ...

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        """All of the account's, by name, whosever they are; none where there is no account."""
        ...

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:
        """The account's key of the same material, whosever it is; made, and marked, when there is none."""
        ...

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:
        """The owner's own firewall, with these rules and no others."""
        ...

    async def create(self, spec: ServerSpec) -> Machine:
        """The owner's server. One that is there is returned as it is, with the plan and region that it has."""
        ...

    async def machine(self, machine_id: str) -> Machine | None:
        """`None` when there is none of this id, or no longer."""
        ...

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:
        """Everything that carries the owner's mark."""
        ...

    async def remove(self, leftover: Leftover) -> None:
        """Returns when it is gone, which for a server takes a while; nothing happens when it was gone already.

        Raises TIMEOUT when it is still there after `GONE_WITHIN_S`.
        """
        ...

    async def close(self) -> None: ...


GONE_WITHIN_S = 300.0
"""Servers at either provider are gone within a minute; a firewall is free some seconds later."""
