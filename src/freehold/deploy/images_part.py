"""The images of a project's agents: made here, and sent as far as the server's Docker has not got their layers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural
from freehold.containers.build import DockerBuilds
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.deploy.image_layers.docker_here import Progress, compressed, contents, names_layers, saved
from freehold.deploy.image_layers.docker_there import SOCKET, load_images
from freehold.deploy.image_layers.layers import blobs_there, chain_ids, members_there
from freehold.deploy.image_layers.saved_archive import SavedArchive
from freehold.deploy.image_layers.wanted import WantedImages, docker_here
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.runtime.images.builder import ImageBuilder, Notice
from freehold.server.layout import Layout
from freehold.wire.decoding import decode_json


class ImagesFacts(msgspec.Struct, frozen=True):
    """`names` are Freehold's images there; `authorities` the server's own certificate authorities, DER in base64."""

    architecture: str
    names: list[str]
    authorities: list[str]


class _Holding(msgspec.Struct, frozen=True):
    """What the server's Docker has: layers by chain id."""

    containerd: bool
    chains: list[str]
    names: list[str]


@dataclass(frozen=True)
class ImagesPart:
    """`notice` is told of each build step, with the image's name; `progress` how many bytes were sent."""

    layout: Layout
    wanted: WantedImages
    notice: Notice = lambda _image, _text: None
    progress: Progress = lambda _sent: None

    name = "images"

    @property
    def remote(self) -> str:
        return program_text(self.name)

    def asked(self) -> Any:
        return {"docker": SOCKET}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        """Raises CONFIG for what a Dockerfile says wrong."""
        if not self.wanted.agents:
            return ()
        told = decode_json(bytes(facts), msgspec.json.Decoder(ImagesFacts))
        there = self.wanted.names_there(told.authorities)
        missing = sorted({names[-1] for names in there if names} - set(told.names))
        if not missing:
            return ()
        if why := self._why_not_from_here(told):
            what = f"let the server build {plural(len(missing), 'image')}, for which it needs the internet"
            return (Change(what, (why, *missing), {"names": {}}),)
        here = self.wanted.names_here()
        pairs = {ours: theirs for each in zip(here, there, strict=True) for ours, theirs in zip(*each, strict=True)}
        return (Change(f"send {plural(len(missing), 'image')}", tuple(missing), {"names": pairs, "needed": missing}),)

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Build what is missing here. Raises what `ImageBuilder.ensure` raises."""
        if any(change.document["names"] for change in changes):
            async with docker_here(self.wanted.environment) as connection:
                builder = ImageBuilder(DockerBuilds(connection.address), DockerImages(connection))
                for inputs in self.wanted.agents:
                    await builder.ensure(inputs, self.notice)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.document["names"]:
                await self.prepare([change])
                async with docker_here(self.wanted.environment) as connection:
                    await _Sending(self, host, connection).send(change.document["names"], change.document["needed"])

    def _why_not_from_here(self, told: ImagesFacts) -> str:
        if self.wanted.problem:
            return self.wanted.problem
        if not self.wanted.is_for(told.architecture):
            return f"this machine's images are for {self.wanted.architecture}, the server is {told.architecture}"
        return ""


class _Sending:
    def __init__(self, part: ImagesPart, host: Host, connection: DockerConnection) -> None:
        self._part, self._host, self._connection = part, host, connection
        self._images = DockerImages(connection)

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
            aclosing(compressed(pieces, self._part.progress)) as packed,
        ):
            await load_images(self._host, packed)

    async def _look(self) -> _Holding:
        return await run_script(
            self._host, self._part.name, self._part.remote, self._part.asked(), _Holding, as_root=True
        )
