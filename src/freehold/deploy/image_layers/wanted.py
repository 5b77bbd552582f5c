"""The images that a project's agents need, by their names here and on a server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.containers.architecture import architecture_of
from freehold.containers.image_store import DockerImages
from freehold.containers.reachability import UNIX_PREFIX, docker_address
from freehold.project.dockerfiles.stages import is_freeholds_base
from freehold.project.load import Project
from freehold.runtime.images.certificates import extra, of_this_host
from freehold.runtime.images.inputs import ImageInputs, inputs_of
from freehold.runtime.images.layers import Foundation
from freehold.runtime.images.plan import Layering, Planner

if TYPE_CHECKING:
    from freehold.containers.connection import DockerConnection

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


@dataclass(frozen=True)
class WantedImages:
    """`agents` are what images are made from; `problem` is why this machine cannot make any. `foundation` is the image
    of the user's own that they stand on, if there is one; `architecture` is that of this machine's Docker."""

    agents: tuple[ImageInputs, ...]
    architecture: str = ""
    foundation: Foundation | None = None
    problem: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def names_here(self) -> list[tuple[str, ...]]:
        """For each agent, from the lowest image on; empty for one that runs in an image of the user's own. Raises
        CONFIG for what a Dockerfile says wrong."""
        return self._names(of_this_host(self.environment))

    def names_there(self, authorities: Sequence[str]) -> list[tuple[str, ...]]:
        """The same as a keeper calls them whose machine has those certificate authorities of its own (DER, base64)."""
        own = (_pem(each) for each in authorities)
        return self._names(extra(own, ()))

    def is_for(self, machine: str) -> bool:
        """Whether this machine's images run on such a one, as `uname -m` says it."""
        return _ARCHITECTURES.get(machine) == _ARCHITECTURES.get(self.architecture)

    def _names(self, trusted: Mapping[str, bytes]) -> list[tuple[str, ...]]:
        layering = _layering(tuple(sorted(trusted.items())))
        first = (self.foundation.name,) if self.foundation else ()
        return [(*first, *(layer.name for layer in layering.layers(inputs, self.foundation))) for inputs in self.agents]


async def wanted_images(
    project: Project,
    called: str,
    agents: Sequence[str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> WantedImages:
    """Of the agents that run in containers and are switched on, or of those `agents`. `called` is what the project is
    called on the server. Raises IMAGE when `local.image` names none that can be used."""
    chosen = [project.agents[name] for name in sorted(project.agents) if agents is None or name in agents]
    inputs = tuple(inputs_of(project, agent, called) for agent in chosen if not agent.is_host_user and agent.scale > 0)
    if not inputs:
        return WantedImages((), environment=environment)
    try:
        architecture, foundation = await _seen_here(inputs[0], environment)
    except FreeholdError as error:
        if error.code is not Code.UNREACHABLE:
            raise
        return WantedImages(inputs, problem=error.message, environment=environment)
    return WantedImages(inputs, _ARCHITECTURES.get(architecture, architecture), foundation, environment=environment)


async def _seen_here(inputs: ImageInputs, environment: Mapping[str, str]) -> tuple[str, Foundation | None]:
    """The architecture of this machine's Docker, and the image of the user's own. Raises UNREACHABLE, IMAGE."""
    address = docker_address(environment, Path.home())
    own = inputs.base_image and not is_freeholds_base(inputs.base_image)
    if address.startswith(UNIX_PREFIX) and not own:
        return await asyncio.to_thread(architecture_of, address), None
    async with docker_here(environment) as connection:
        about = await connection.info()
        return str(about.get("Architecture", "")), await Planner(DockerImages(connection)).foundation(inputs)


@contextlib.asynccontextmanager
async def docker_here(environment: Mapping[str, str]) -> AsyncIterator[DockerConnection]:
    """Raises UNREACHABLE."""
    from freehold.containers.connection import DockerConnection  # a quarter of a second, which most pushes do not need

    connection = DockerConnection.open(environment.get("DOCKER_HOST", ""))
    try:
        yield connection
    finally:
        await connection.close()


@cache
def _layering(trusted: tuple[tuple[str, bytes], ...]) -> Layering:
    """One for all servers that trust the same: it reads our own files, which takes 30 ms."""
    return Layering(lambda: dict(trusted))


def _pem(der: str) -> bytes:
    base64.b64decode(der, validate=True)
    return f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n".encode()
