"""The images that an engine holds, thinly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from freehold.base.errors import Code, FreeholdError

if TYPE_CHECKING:
    from freehold.containers.connection import DockerConnection


@dataclass(frozen=True)
class Image:
    """`names` are `repository:tag`; `created_at` is RFC 3339, as Docker writes it.

    `volumes` are the places for which Docker gives a container a disk of its own, without a bound. `layers` are the
    digests of its layers, from the lowest on: what was built FROM it begins with the same ones.
    """

    id: str
    names: tuple[str, ...]
    labels: Mapping[str, str]
    size_bytes: int
    created_at: str
    volumes: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def is_below(self, other: Image) -> bool:
        """Whether `other` was built on this image, so that removing it would free nothing but its name."""
        return self.id != other.id and bool(self.layers) and other.layers[: len(self.layers)] == self.layers


class ImageStore(Protocol):
    """What is asked of an engine's images.

    - `find` of a name that is not there is None; `remove` of one is no error.
    - `remove` takes a name (or the id of an image without one) away; the image goes with its last name. CONFLICT when
      a container has it.
    - `labelled` and `in_use` see every image and every container of the engine, stopped ones included.
    """

    async def find(self, name: str) -> Image | None: ...

    async def labelled(self, label: str) -> list[Image]:
        """Every image with this label, whatever its value."""
        ...

    async def in_use(self) -> frozenset[str]:
        """Ids of images that containers were made from."""
        ...

    async def tag(self, name: str, alias: str) -> None:
        """`alias` (`repository:tag`) names the same image from now on. NOT_FOUND when there is no `name`."""
        ...

    async def remove(self, name: str) -> None: ...


class DockerImages:
    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    async def find(self, name: str) -> Image | None:
        action = f"look at image {name}"
        try:
            return _image(json.loads(await self._connection.get(f"images/{name}/json", {}, action)))
        except FreeholdError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise

    async def labelled(self, label: str) -> list[Image]:
        filters = json.dumps({"label": [label]})
        body = await self._connection.get("images/json", {"filters": filters}, "list images")
        found = []
        for entry in json.loads(body):
            # The list has another shape than the single answer, and its creation time is of the list's own kind.
            image = await self.find(str(entry["Id"]))
            if image is not None:
                found.append(image)
        return found

    async def in_use(self) -> frozenset[str]:
        body = await self._connection.get("containers/json", {"all": "1"}, "list containers")
        return frozenset(str(entry["ImageID"]) for entry in json.loads(body))

    async def tag(self, name: str, alias: str) -> None:
        repository, _, tag = alias.rpartition(":")
        with self._connection.doing(f"tag image {name}"):
            await self._connection.client.images.tag(name, repository, tag=tag)

    async def remove(self, name: str) -> None:
        try:
            with self._connection.doing(f"remove image {name}"):
                await self._connection.client.images.delete(name)
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise


def _image(entry: Mapping[str, Any]) -> Image:
    config = entry.get("Config") or {}
    return Image(
        id=str(entry["Id"]),
        names=tuple(str(name) for name in entry.get("RepoTags") or ()),
        labels=dict(config.get("Labels") or {}),
        size_bytes=int(entry.get("Size", 0)),
        created_at=str(entry.get("Created", "")),
        volumes=tuple(sorted(config.get("Volumes") or {})),
        layers=tuple(str(layer) for layer in (entry.get("RootFS") or {}).get("Layers") or ()),
    )
