"""Bridge networks, thinly."""

from __future__ import annotations

from collections.abc import Mapping

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection


class Networks:
    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def create_bridge(self, name: str, labels: Mapping[str, str], subnet: str = "", interface: str = "") -> str:
        """A new bridge's id. CONFLICT when the name is taken; FAILED when Docker has no address range left.

        Docker chooses the `subnet` that is not given; only in a given one may containers choose their addresses.
        Of several who ask for one name at once more than one may get it; of several who ask for one `interface` (the
        bridge's name in `ip link`, 15 characters at most) only one does, and the others' error is DENIED.
        """
        config: dict[str, object] = {"Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": dict(labels)}
        if subnet:
            config["IPAM"] = {"Config": [{"Subnet": subnet}]}
        if interface:
            config["Options"] = {"com.docker.network.bridge.name": interface}
        with self._connection.doing(f"create network {name}"):
            network = await self._connection.client.networks.create(config)
        return str(network.id)

    async def with_labels(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of the networks that carry all of `labels`."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        with self._connection.doing("list networks"):
            found = await self._connection.client.networks.list(filters={"label": wanted})
        return [str(entry["Id"]) for entry in found]

    async def subnet(self, network_id: str) -> str:
        """`172.18.0.0/16`: the addresses of its containers. NOT_FOUND when there is no such network."""
        with self._connection.doing(f"look at network {network_id[:12]}"):
            network = await self._connection.client.networks.get(network_id)
            shown = await network.show()
        return str(shown["IPAM"]["Config"][0]["Subnet"])

    async def remove(self, network_id: str) -> None:
        """No error when it is gone."""
        try:
            with self._connection.doing(f"remove network {network_id[:12]}"):
                network = await self._connection.client.networks.get(network_id)
                await network.delete()
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
