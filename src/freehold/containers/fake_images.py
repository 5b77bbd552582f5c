"""An engine's images in memory, and builds that make them: the twin of `DockerImages` and `DockerBuilds` for tests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildError, BuildRequest, Step
from freehold.containers.build_output import BuildFailure
from freehold.containers.image_store import Image


class FakeImages:
    """Implements `ImageStore` and `Builds`.

    `requests` is every build that was begun, with the Dockerfile's text and the names of the context's files. `fails`
    decides whether a build fails, and why; a build waits for `gate` when one is set, and one that is cancelled for
    `stopped`.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[BuildRequest, str, tuple[str, ...]]] = []
        self.fails: Callable[[BuildRequest], BuildFailure | None] = lambda _request: None
        self.gate: asyncio.Event | None = None
        self.stopped: asyncio.Event | None = None
        self.cancelled: list[str] = []
        self._images: dict[str, Image] = {}
        self._used: set[str] = set()

    def add(self, name: str, labels: dict[str, str] | None = None, size_bytes: int = 1000, on: str = "") -> Image:
        """An image that is there already, built FROM the one that `on` names."""
        number = hashlib.sha256(f"{name} {len(self._images)} {len(self.requests)}".encode()).hexdigest()
        created_at = f"2026-01-01T00:00:{len(self._images) % 60:02d}Z"
        layers = (*(self._find(on).layers if on else ()), number)
        image = Image(f"sha256:{number}", (), labels or {}, size_bytes, created_at, layers=layers)
        self._images[image.id] = image
        self._name(image.id, name)
        return self._images[image.id]

    def use(self, name: str) -> None:
        """A container is made from it."""
        self._used.add(self._find(name).id)

    async def find(self, name: str) -> Image | None:
        return next((image for image in self._images.values() if name in (image.id, *image.names)), None)

    async def labelled(self, label: str) -> list[Image]:
        return [image for image in self._images.values() if label in image.labels]

    async def in_use(self) -> frozenset[str]:
        return frozenset(self._used)

    async def tag(self, name: str, alias: str) -> None:
        self._name(self._find(name).id, alias)

    async def remove(self, name: str) -> None:
        image = await self.find(name)
        if image is None:
            return
        names = tuple(other for other in image.names if other != name)
        if not names and image.id in self._used:
            raise FreeholdError(Code.CONFLICT, f"Docker could not remove image {name}: a container has it")
        if names:
            self._images[image.id] = replace(image, names=names)
        else:
            del self._images[image.id]

    async def build(self, request: BuildRequest, step: Step) -> None:
        files = tuple(sorted(str(path.relative_to(request.context)) for path in request.context.rglob("*")))
        self.requests.append((request, request.dockerfile.read_text("utf-8"), files))
        step("Step 1/1: RUN true")
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.name)
            if self.stopped is not None:
                await self.stopped.wait()
            raise
        failure = self.fails(request)
        if failure is not None:
            raise BuildError(failure)
        self.add(request.name, dict(request.labels))

    def _find(self, name: str) -> Image:
        for image in self._images.values():
            if name in (image.id, *image.names):
                return image
        raise FreeholdError(Code.NOT_FOUND, f"Docker could not tag image {name}: no such image")

    def _name(self, image_id: str, name: str) -> None:
        for other in list(self._images.values()):
            if name in other.names and other.id != image_id:
                self._images[other.id] = replace(other, names=tuple(known for known in other.names if known != name))
        image = self._images[image_id]
        if name not in image.names:
            self._images[image_id] = replace(image, names=(*image.names, name))
