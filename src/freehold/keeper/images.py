"""The images of a project's agents, as the keeper is asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import one_of
from freehold.containers.build import DockerBuilds
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.keeper.means import Notice
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.runtime.images import debian
from freehold.runtime.images.builder import BuildChoices, ImageBuilder
from freehold.runtime.images.inputs import inputs_of
from freehold.runtime.images.inventory import Inventory
from freehold.wire.keeper import BuildImage, ImageView


class AgentImages:
    """Ensures, lists and prunes; connects to Docker when first needed, and again after Docker was away."""

    def __init__(self, address: str, project_name: Callable[[], str]) -> None:
        self._address = address
        self._project_name = project_name
        self._connection: DockerConnection | None = None
        self._builder: ImageBuilder | None = None
        self._connecting = asyncio.Lock()

    async def ensure(self, project: Project, agent: Agent, notice: Notice) -> str:
        builder, _ = await self._connect()
        return await builder.ensure(inputs_of(project, agent), notice)

    async def build(self, project: Project, request: BuildImage, notice: Notice) -> dict[str, str | FreeholdError]:
        """Build what `request` names; the image, or what went wrong, of each agent."""
        builder, _ = await self._connect()
        agents = [project.agent(request.agent)] if request.agent else list(project.agents.values())
        wanted = [inputs_of(project, agent) for agent in agents if not agent.is_host_user]
        if request.base_from:
            await self._base_on(request.base_from)
        # Another Debian is not seen in the inputs of an image, so everything on it is built anew.
        choices = BuildChoices(no_cache=request.no_cache or bool(request.base_from), pull=request.pull)
        return await builder.ensure_each(wanted, notice, choices)

    async def views(self) -> list[ImageView]:
        _, connection = await self._connect()
        return await Inventory(DockerImages(connection), self._project_name()).views()

    async def prune(self, project: Project) -> list[ImageView]:
        """Remove what no agent of the project needs any more, and no container uses."""
        builder, connection = await self._connect()
        wanted = await builder.planner.names(inputs_of(project, agent) for agent in project.agents.values())
        return await Inventory(DockerImages(connection), self._project_name()).prune(wanted)

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()

    async def _base_on(self, image: str) -> None:
        """From now on the base image is made FROM `image`, for runs too. Raises IMAGE when it is not here."""
        _, connection = await self._connect()
        images = DockerImages(connection)
        if await images.find(image) is None:
            raise FreeholdError(Code.IMAGE, f"there is no image {image} on this machine", f"docker pull {image}")
        await images.tag(image, debian.FROM_HERE)

    async def _connect(self) -> tuple[ImageBuilder, DockerConnection]:
        async with self._connecting:
            if self._connection is None or self._builder is None:
                self._connection = DockerConnection.open(self._address)
                self._builder = ImageBuilder(DockerBuilds(self._connection.address), DockerImages(self._connection))
            return self._builder, self._connection


def first_error(results: dict[str, str | FreeholdError]) -> FreeholdError | None:
    """One error for all that failed: each agent's own message, below the others, and whose images are ready."""
    failed = [result for result in results.values() if isinstance(result, FreeholdError)]
    if not failed:
        return None
    messages = [error.message for error in failed]
    if ready := [name for name, result in results.items() if not isinstance(result, FreeholdError)]:
        messages.append(f"These agents' images are ready: {one_of(ready)}")
    code = failed[0].code if len(failed) == 1 else Code.IMAGE
    return FreeholdError(code, "\n".join(messages), "\n".join(dict.fromkeys(error.hint for error in failed)))
