"""The network of all sandboxes: one bridge, made with the first and removed with the last."""

from __future__ import annotations

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_ulid
from freehold.containers.network import Networks
from freehold.providers.sandbox.container import NETWORK

_LABEL = "dev.freehold.sandbox.network"
_LASTING = {_LABEL: "lasting"}
_TRIAL = {_LABEL: "trial"}
_TRIES = 20
_TRY_EVERY_S = 0.2
_TAKEN = (Code.CONFLICT, Code.DENIED)
"""Docker's words for a name, and for an interface, that there is already."""


class Bridge:
    def __init__(self, networks: Networks, clock: Clock) -> None:
        self._networks = networks
        self._clock = clock

    async def ensure(self) -> str:
        """Its subnet, `172.18.0.0/16`; made when there is none. CONFLICT when somebody else has its name."""
        failure = None
        for _ in range(_TRIES):
            if known := await self._networks.with_labels(_LASTING):
                return await self._networks.subnet(known[0])
            try:
                return await self._make()
            except FreeholdError as error:
                if error.code not in (*_TAKEN, Code.FAILED):
                    raise
                failure = error
            # Another process was quicker and its network is listed in a moment, or somebody took the address range.
            await self._clock.sleep(_TRY_EVERY_S)
        if failure and failure.code is Code.FAILED:
            raise failure
        raise FreeholdError(
            Code.CONFLICT,
            f"there is a network {NETWORK} that is not of Freehold",
            f"Give it another name, or remove it: docker network rm {NETWORK}",
        )

    async def remove(self) -> None:
        """Left as it is while a container is on it."""
        for labels in (_LASTING, _TRIAL):
            for network in await self._networks.with_labels(labels):
                try:
                    await self._networks.remove(network)
                except FreeholdError as error:
                    if error.code is not Code.DENIED:
                        raise

    async def _make(self) -> str:
        """Docker finds a range that nothing else on this machine has; but only in a range that was asked for has a
        container the same address again after it was stopped."""
        trial = await self._networks.create_bridge(f"{NETWORK}-{new_ulid()}", _TRIAL)
        try:
            subnet = await self._networks.subnet(trial)
        finally:
            await self._networks.remove(trial)
        await self._networks.create_bridge(NETWORK, _LASTING, subnet, interface=NETWORK)
        return subnet
