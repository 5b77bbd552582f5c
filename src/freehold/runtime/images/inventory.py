"""Which of Freehold's images there are, and which of them nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.containers.image_store import Image, ImageStore
from freehold.project.names import BASE_IMAGE, agent_image, harness_image, project_image
from freehold.runtime.images.layers import AGENT_LABEL, HARNESS_LABEL, INPUTS_LABEL, KIND_LABEL, PROJECT_LABEL, Kind
from freehold.wire.keeper import ImageView

_SHARED = (Kind.BASE, Kind.HARNESS)
_UPPERMOST_FIRST = (Kind.AGENT, Kind.PROJECT, Kind.HARNESS, Kind.BASE)
"""What may be built on what: the first of these goes first, so that what it stood on is free then."""


@dataclass(frozen=True)
class _Owned:
    """An image under the name that Freehold gave it; `name` is its id when it has none any more."""

    image: Image
    name: str
    repository: str
    kind: Kind
    project: str


def _repository(labels: dict[str, str], kind: Kind) -> str:
    match kind:
        case Kind.BASE:
            return BASE_IMAGE
        case Kind.HARNESS:
            return harness_image(labels.get(HARNESS_LABEL, ""))
        case Kind.PROJECT:
            return project_image(labels.get(PROJECT_LABEL, ""))
        case Kind.AGENT:
            return agent_image(labels.get(PROJECT_LABEL, ""), labels.get(AGENT_LABEL, ""))


def _owned(image: Image) -> _Owned | None:
    """None for what a user made FROM one of ours: it inherits the labels, but not the name."""
    labels = dict(image.labels)
    kind = labels.get(KIND_LABEL, "")
    if kind not in set(Kind):
        return None
    repository = _repository(labels, Kind(kind))
    ending = labels.get(INPUTS_LABEL, "")
    names = [name for name in image.names if name.startswith(f"{repository}:") and name.endswith(ending)]
    if image.names and not names:
        return None
    return _Owned(image, names[0] if names else image.id, repository, Kind(kind), labels.get(PROJECT_LABEL, ""))


class Inventory:
    """The images of one project, and those that all projects share. `project` is the name unique on this host."""

    def __init__(self, images: ImageStore, project: str) -> None:
        self._images = images
        self._project = project

    async def views(self) -> list[ImageView]:
        """By repository, the newest first."""
        in_use = await self._images.in_use()
        return [_view(owned, owned.image.id in in_use) for owned in await self._mine()]

    async def prune(self, wanted: Iterable[str]) -> list[ImageView]:
        """Remove what no container has and no agent needs; the removed images.

        `wanted` are the names that the project's agents need now. Of what projects share, the newest is kept too, and
        what an image that stays was built on: another project's, another checkout's, or one that a user made of it.
        """
        in_use = await self._images.in_use()
        others = {image.id: image for image in await self._images.labelled(KIND_LABEL)}
        kept = set(wanted)
        seen: set[str] = set()
        removed = []
        for owned in sorted(await self._mine(), key=lambda owned: _UPPERMOST_FIRST.index(owned.kind)):
            is_newest = owned.repository not in seen and bool(owned.image.names)
            seen |= {owned.repository} if is_newest else set()
            is_kept = owned.name in kept or (is_newest and owned.kind in _SHARED) or owned.image.id in in_use
            is_kept = is_kept or any(owned.image.is_below(other) for other in others.values())
            if not is_kept and await self._remove(owned):
                del others[owned.image.id]
                removed.append(_view(owned, in_use=False))
        return removed

    async def _remove(self, owned: _Owned) -> bool:
        """Take away every name that Freehold gave it; False when somebody began to use it meanwhile."""
        names = [name for name in owned.image.names if name.startswith(f"{owned.repository}:")]
        try:
            for name in names or [owned.image.id]:
                await self._images.remove(name)
        except FreeholdError as error:
            if error.code is Code.CONFLICT:
                return False
            raise
        return True

    async def _mine(self) -> list[_Owned]:
        found = [owned for image in await self._images.labelled(KIND_LABEL) if (owned := _owned(image))]
        found = [owned for owned in found if owned.kind in _SHARED or owned.project == self._project]
        found.sort(key=lambda owned: owned.image.created_at, reverse=True)
        return sorted(found, key=lambda owned: owned.repository)


def _view(owned: _Owned, in_use: bool) -> ImageView:
    return ImageView(
        name=owned.name,
        kind=owned.kind.value,
        size_bytes=owned.image.size_bytes,
        created_at=owned.image.created_at,
        in_use=in_use,
        agent=owned.image.labels.get(AGENT_LABEL, "") if owned.kind is Kind.AGENT else "",
    )
