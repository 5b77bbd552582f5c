"""The images of a project's agents: made here, and sent as far as the server's Docker has not got their layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from freehold.base.words import plural
from freehold.containers.build import DockerBuilds
from freehold.containers.image_store import DockerImages
from freehold.deploy.image_layers.place import SOCKET
from freehold.deploy.image_layers.wanted import WantedImages, docker_here
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.runtime.images.builder import ImageBuilder, Notice
from freehold.server.layout import Layout
from freehold.wire.decoding import decode_json

if TYPE_CHECKING:
    from freehold.deploy.image_layers.docker_here import Progress


class ImagesFacts(msgspec.Struct, frozen=True):
    """`names` are Freehold's images there; `authorities` the server's own certificate authorities, DER in base64."""

    architecture: str
    names: list[str]
    authorities: list[str]


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

    def needed(self, facts: msgspec.Raw) -> tuple[str, ...]:
        """What the agents run in there, with what that was built on; none of the user's own. Raises as `plan`."""
        if not self.wanted.agents:
            return ()
        told = decode_json(bytes(facts), msgspec.json.Decoder(ImagesFacts))
        own = {self.wanted.foundation.name} if self.wanted.foundation else set()
        return tuple(sorted({name for names in self.wanted.names_there(told.authorities) for name in names} - own))

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Build what is missing here. Raises what `ImageBuilder.ensure` raises."""
        if any(change.document["names"] for change in changes):
            async with docker_here(self.wanted.environment) as connection:
                builder = ImageBuilder(DockerBuilds(connection.address), DockerImages(connection))
                for inputs in self.wanted.agents:
                    await builder.ensure(inputs, self.notice)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        from freehold.deploy.image_layers.sending import Sending  # a quarter of a second, where nothing is missing

        for change in changes:
            if change.document["names"]:
                await self.prepare([change])
                async with docker_here(self.wanted.environment) as connection:
                    sending = Sending(host, connection, self.remote, self.asked(), self.progress)
                    await sending.send(change.document["names"], change.document["needed"])

    def _why_not_from_here(self, told: ImagesFacts) -> str:
        if self.wanted.problem:
            return self.wanted.problem
        if not self.wanted.is_for(told.architecture):
            return f"this machine's images are for {self.wanted.architecture}, the server is {told.architecture}"
        return ""
