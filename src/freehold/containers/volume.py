"""Volumes, thinly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection


@dataclass(frozen=True)
class Volume:
    """`options` are the local driver's (`type`, `device`, `o`); a plain volume has none."""

    name: str
    labels: Mapping[str, str]
    options: Mapping[str, str]


class Volumes:
    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def find(self, name: str) -> Volume | None:
        try:
            body = await self._connection.get(f"volumes/{name}", {}, f"look at volume {name}")
        except FreeholdError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
        return _as_volume(json.loads(body))

    async def labelled(self, label: str, value: str | None = None) -> list[Volume]:
        """Every volume with this label of this value (None: whatever its value), by name."""
        filters = json.dumps({"label": [label if value is None else f"{label}={value}"]})
        body = await self._connection.get("volumes", {"filters": filters}, "list volumes")
        return sorted((_as_volume(entry) for entry in json.loads(body)["Volumes"] or []), key=lambda one: one.name)

    async def create(self, volume: Volume) -> None:
        """A volume of that name that is there already is left as it is, whatever its options (Docker's way)."""
        config = {
            "Name": volume.name,
            "Driver": "local",
            "DriverOpts": dict(volume.options),
            "Labels": dict(volume.labels),
        }
        with self._connection.doing(f"create volume {volume.name}"):
            await self._connection.client.volumes.create(config)  # type: ignore[no-untyped-call]

    async def remove(self, name: str) -> None:
        """CONFLICT while a container has it; no error when it is gone."""
        try:
            with self._connection.doing(f"remove volume {name}"):
                volume = await self._connection.client.volumes.get(name)  # type: ignore[no-untyped-call]
                await volume.delete()
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise

    async def usage_bytes(self, name: str) -> int:
        """How much the volume holds; 0 when unknown. See `usages_bytes`."""
        return max(0, (await self.usages_bytes()).get(name, 0))

    async def usages_bytes(self) -> dict[str, int]:
        """How much each volume holds, measured by the engine, which reads all of them for it; -1 when unknown."""
        body = await self._connection.get("system/df", {"type": "volume"}, "measure volumes")
        entries = json.loads(body).get("Volumes") or []
        return {str(entry["Name"]): int((entry.get("UsageData") or {}).get("Size", -1)) for entry in entries}


def _as_volume(entry: Mapping[str, Any]) -> Volume:
    return Volume(str(entry["Name"]), dict(entry.get("Labels") or {}), dict(entry.get("Options") or {}))
