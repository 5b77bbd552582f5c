"""Bridge networks, thinly."""

from __future__ import annotations

from collections.abc import Mapping

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection


class Networks:
    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def create_bridge(self, name: str, labels: Mapping[str, str]) -> str:
        """A new bridge's id. CONFLICT when the name is taken; FAILED when Docker has no address range left."""
        config = {"Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": dict(labels)}
        with self._connection.doing(f"create network {name}"):
            network = await self._connection.client.networks.create(config)
        return str(network.id)

    async def with_labels(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of the networks that carry all of `labels`."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        with self._connection.doing("list networks"):
            found = await self._connection.client.networks.list(filters={"label": wanted})
        return [str(entry["Id"]) for entry in found]

    async def remove(self, network_id: str) -> None:
        """No error when it is gone."""
        try:
            with self._connection.doing(f"remove network {network_id[:12]}"):
                network = await self._connection.client.networks.get(network_id)
                await network.delete()
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
