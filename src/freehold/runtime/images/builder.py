"""Images, ready when asked for: builds what is missing, once, and tells the steps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildError, BuildRequest, Builds
from freehold.containers.image_store import ImageStore
from freehold.runtime.images import debian
from freehold.runtime.images.failures import told
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import Kind, Layer
from freehold.runtime.images.plan import Planner

Notice = Callable[[str, str], None]
"""Told of each build step as it begins: the image and a short line."""


@dataclass(frozen=True)
class BuildChoices:
    """`no_cache` builds every layer anew, `pull` looks for a newer Debian; `base_from` is the base image's own FROM."""

    no_cache: bool = False
    pull: bool = False
    base_from: str = ""

    @property
    def builds_anew(self) -> bool:
        return self.no_cache or self.pull


AS_NEEDED = BuildChoices()


@dataclass
class _Flight:
    """A build under way, and who is told of its steps."""

    notices: list[Notice] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class ImageBuilder:
    """Makes sure that images are there.

    - `ensure` answers the name of the image that the agent's runs are made from; it builds what is missing and nothing
      else, and when nothing is missing it starts no program.
    - two calls that need the same image share one build; it is stopped when nobody waits for it any more.
    - it raises `FreeholdError`: CONFIG for what a Dockerfile says wrong, IMAGE for a build that failed (whose image,
      which step, what to do), UNREACHABLE when Docker cannot be had.
    """

    def __init__(self, builds: Builds, images: ImageStore, environment: Mapping[str, str] = os.environ) -> None:
        self.planner = Planner(images, environment)
        self._builds = builds
        self._images = images
        self._flights: dict[str, _Flight] = {}

    async def ensure(self, inputs: ImageInputs, notice: Notice, choices: BuildChoices = AS_NEEDED) -> str:
        return await self._ensure(inputs, notice, choices, set())

    async def ensure_each(
        self, agents: Sequence[ImageInputs], notice: Notice, choices: BuildChoices = AS_NEEDED
    ) -> dict[str, str | FreeholdError]:
        """As `ensure` for every agent, by name; a broken image stops that agent alone. Shared layers are built once."""
        built: set[str] = set()
        results: dict[str, str | FreeholdError] = {}
        for inputs in agents:
            try:
                results[inputs.agent] = await self._ensure(inputs, notice, choices, built)
            except FreeholdError as error:
                results[inputs.agent] = error
        return results

    async def _ensure(self, inputs: ImageInputs, notice: Notice, choices: BuildChoices, built: set[str]) -> str:
        layers = await self.planner.plan(inputs, choices.base_from)
        if not layers:
            return inputs.base_image
        if not choices.builds_anew and await self._is_there(layers[-1]):
            return layers[-1].name
        for layer in layers:
            if layer.name in built or (not choices.builds_anew and await self._is_there(layer)):
                continue
            await self._build_once(layer, notice, choices)
            built.add(layer.name)
        return layers[-1].name

    async def _is_there(self, layer: Layer) -> bool:
        return await self._images.find(layer.name) is not None

    async def _build_once(self, layer: Layer, notice: Notice, choices: BuildChoices) -> None:
        """Build `layer`, or wait for the build of it that is under way."""
        flight = self._flights.get(layer.name)
        if flight is None:
            flight = self._flights[layer.name] = _Flight()
            flight.task = asyncio.create_task(self._fly(flight, layer, choices))
        else:
            notice(layer.name, f"Waiting for {layer.owner}, which is being built")
        assert flight.task is not None
        flight.notices.append(notice)
        try:
            await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            flight.notices.remove(notice)
            if not flight.notices:
                self._land(flight, layer)  # who comes now begins anew, and does not share in what is being stopped
                flight.task.cancel()
                await asyncio.wait([flight.task])
            raise

    async def _fly(self, flight: _Flight, layer: Layer, choices: BuildChoices) -> None:
        def tell(text: str) -> None:
            for notice in tuple(flight.notices):
                notice(layer.name, text)

        try:
            await self._build(layer, tell, choices)
        finally:
            self._land(flight, layer)

    def _land(self, flight: _Flight, layer: Layer) -> None:
        if self._flights.get(layer.name) is flight:
            del self._flights[layer.name]

    async def _build(self, layer: Layer, tell: Callable[[str], None], choices: BuildChoices) -> None:
        before = await self._images.find(layer.name)
        arguments, pull = dict(layer.arguments), False
        if layer.kind is Kind.BASE:
            arguments["FROM"], pull = await self._debian(choices)
        tell(f"Building {layer.owner}")
        try:
            with tempfile.TemporaryDirectory(prefix="freehold-build-") as folder:
                dockerfile, context = await asyncio.to_thread(_stage, layer, Path(folder))
                request = BuildRequest(
                    layer.name, dockerfile, context, arguments, layer.labels, no_cache=choices.no_cache, pull=pull
                )
                await self._builds.build(request, tell)
        except BuildError as error:
            raise told(layer, error.failure) from error
        except OSError as error:
            raise FreeholdError(
                Code.DISK,
                f"The image of {layer.owner} could not be built: {error.strerror}: {error.filename}",
                "Make room for temporary files (df -h /tmp), or set TMPDIR; `freehold image prune` frees images.",
            ) from error
        for alias in layer.aliases:
            await self._images.tag(layer.name, alias)
        if before is not None:
            await self._remove_replaced(before.id)

    async def _debian(self, choices: BuildChoices) -> tuple[str, bool]:
        """The base image's FROM, and whether to look for a newer one: what exists only here is in no registry."""
        has_local = await self._images.find(debian.FROM_HERE) is not None
        chosen = debian.choose_from(choices.base_from, has_local=has_local)
        return chosen, choices.pull and chosen != debian.FROM_HERE

    async def _remove_replaced(self, image_id: str) -> None:
        """The image that carried the name before a build anew, if nothing else has it."""
        image = await self._images.find(image_id)
        if image is None or image.names or image.id in await self._images.in_use():
            return
        with contextlib.suppress(FreeholdError):  # somebody began to use it just now: then `prune` finds it later
            await self._images.remove(image_id)


def _stage(layer: Layer, folder: Path) -> tuple[Path, Path]:
    """Lay out Dockerfile and context, apart from each other: a Dockerfile is no part of what it copies."""
    context = folder / "context"
    context.mkdir()
    context.chmod(0o755)
    layer.files.stage(context)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(layer.dockerfile, "utf-8")
    return dockerfile, context
