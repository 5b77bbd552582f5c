"""Which images an agent needs: what the user wrote and what travels with this program, put in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Mapping

from freehold.base.errors import Code, FreeholdError
from freehold.containers.image_store import ImageStore
from freehold.project.dockerfiles.stages import is_freeholds_base
from freehold.runtime.images import packaged
from freehold.runtime.images.certificates import of_this_host
from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import (
    INPUTS_LABEL,
    Foundation,
    Layer,
    agent_layer,
    base_layer,
    harness_layer,
    project_layer,
)
from freehold.runtime.images.recipe import read_recipe


class Layering:
    """Images in their order, from what was read; the base image's files are read once. `certificates` are the further
    authorities that the base image trusts, asked for when they are needed."""

    def __init__(self, certificates: Callable[[], Mapping[str, bytes]]) -> None:
        self._certificates = certificates
        self._base_files: packaged.PackagedFiles | None = None

    def base(self, base_from: str = "") -> Layer:
        # Read once: it is our own program, and a keeper whose program changed is replaced.
        if self._base_files is None:
            self._base_files = packaged.base_files(self._certificates())
        return base_layer(packaged.base_dockerfile(), self._base_files, base_from)

    def layers(self, inputs: ImageInputs, foundation: Foundation | None, base_from: str = "") -> tuple[Layer, ...]:
        """As `Planner.plan`, on a foundation that was looked up. Raises CONFIG for what a Dockerfile says wrong."""
        layers: list[Layer] = []
        parent: Layer | Foundation
        if foundation is None:
            parent = self.base(base_from)
            layers.append(parent)
        else:
            parent = foundation
        if inputs.harness in HARNESS_LAYERS:
            files = packaged.harness_files(inputs.harness)
            parent = harness_layer(HARNESS_LAYERS[inputs.harness], packaged.harness_dockerfile(), files, parent)
            layers.append(parent)
        if recipe := read_recipe(inputs.project_dockerfile, inputs):
            parent = project_layer(inputs.project, recipe, parent)
            layers.append(parent)
        if recipe := read_recipe(inputs.agent_dockerfile, inputs):
            layers.append(agent_layer(inputs.project, inputs.agent, recipe, parent))
        return tuple(layers)


class Planner:
    """Plans for every agent of a machine."""

    def __init__(self, images: ImageStore, environment: Mapping[str, str] = os.environ) -> None:
        self._images = images
        self._layering = Layering(lambda: of_this_host(environment))

    @property
    def base(self) -> str:
        """The base image of this version on this machine."""
        return self._layering.base().name

    async def plan(self, inputs: ImageInputs, base_from: str = "") -> tuple[Layer, ...]:
        """The images of this agent, from the base up; empty when it runs in an image of the user's own.

        Raises `FreeholdError`: CONFIG for what a Dockerfile says wrong, IMAGE for a `local.image` that cannot be used.
        """
        foundation = await self.foundation(inputs)
        return await asyncio.to_thread(self._layering.layers, inputs, foundation, base_from)

    async def names(self, agents: Iterable[ImageInputs]) -> set[str]:
        """The images that `agents` need now. One whose Dockerfile is broken needs none: it cannot run as it is."""
        found: set[str] = set()
        for inputs in agents:
            with contextlib.suppress(FreeholdError):
                found |= {layer.name for layer in await self.plan(inputs)}
        return found

    async def foundation(self, inputs: ImageInputs) -> Foundation | None:
        """The image of the user's own that `local.image` names; None when it means ours. Raises IMAGE."""
        name = inputs.base_image
        if not name or is_freeholds_base(name):
            return None
        image = await self._images.find(name)
        if image is None:
            raise FreeholdError(
                Code.IMAGE,
                f'config.toml: local.image: there is no image "{name}" on this machine',
                f"Build it FROM freehold-agent:latest (docker build -t {name} …), or remove the key to use Freehold's.",
            )
        if INPUTS_LABEL not in image.labels:
            raise FreeholdError(
                Code.IMAGE,
                f'config.toml: local.image: "{name}" was not made FROM freehold-agent, so it cannot run an agent',
                "Begin its Dockerfile with FROM freehold-agent:latest, and build it again.",
            )
        return Foundation(name, image.id)
