"""Images on their way from this machine's Docker to a server's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.deploy.image_layers.docker_here import Progress, compressed, contents, names_layers, saved
from freehold.deploy.image_layers.docker_there import load_images
from freehold.deploy.image_layers.layers import blobs_there, chain_ids, members_there
from freehold.deploy.image_layers.saved_archive import SavedArchive
from freehold.hosts.host import Host
from freehold.hosts.script import run_script


class _Holding(msgspec.Struct, frozen=True):
    """What the server's Docker has: layers by chain id."""

    containerd: bool
    chains: list[str]
    names: list[str]


class Sending:
    """`remote` is the program that says what Docker has there, `asked` what it is told."""

    def __init__(self, host: Host, connection: DockerConnection, remote: str, asked: Any, progress: Progress) -> None:
        self._host, self._connection, self._images = host, connection, DockerImages(connection)
        self._remote, self._asked, self._progress = remote, asked, progress

    async def send(self, names: dict[str, str], needed: Sequence[str]) -> None:
        """`names` are those here, and what they are called there; those of `needed` must be there afterwards."""
        holding = await self._look()
        missing = {ours: theirs for ours, theirs in names.items() if theirs not in holding.names}
        to_send = [theirs for theirs in missing.values() if await self._images.find(theirs)]
        renamed = {theirs: ours for ours, theirs in missing.items() if theirs not in to_send}
        renamed = {theirs: ours for theirs, ours in renamed.items() if await self._images.find(ours)}
        try:
            for theirs, ours in renamed.items():
                await self._images.tag(ours, theirs)
            if to_send or renamed:
                await self._load(sorted({*to_send, *renamed}), holding)
        finally:
            for theirs in renamed:
                await self._images.remove(theirs)
        if lacking := sorted(set(needed) - set((await self._look()).names)):
            raise FreeholdError(Code.IMAGE, f"Docker on {self._host.name} took images, and has no {lacking[0]}")

    async def _load(self, names: Sequence[str], holding: _Holding) -> None:
        """First without the layers that are there; if that is refused, since they are not any more, whole."""
        known = await self._members_there(names, frozenset(holding.chains)) if not holding.containerd else frozenset()
        try:
            await self._stream(names, known)
        except FreeholdError as error:
            if error.code is not Code.IMAGE or not known:
                raise
            await self._stream(names, frozenset())

    async def _members_there(self, names: Sequence[str], chains: frozenset[str]) -> frozenset[str]:
        """containerd keeps layers as they travel, and takes no image without them."""
        images = [image.layers for name in names if (image := await self._images.find(name))]
        if not any(chain in chains for layers in images for chain in chain_ids(layers)):
            return frozenset()
        if await names_layers(self._connection):
            return blobs_there(images, chains)
        archive = await contents(self._connection, names)
        return members_there(archive.small, archive.links, chains)

    async def _stream(self, names: Sequence[str], without: Collection[str]) -> None:
        async with (
            aclosing(saved(self._connection, names, SavedArchive(without))) as pieces,
            aclosing(compressed(pieces, self._progress)) as packed,
        ):
            await load_images(self._host, packed)

    async def _look(self) -> _Holding:
        return await run_script(self._host, "images", self._remote, self._asked, _Holding, as_root=True)
