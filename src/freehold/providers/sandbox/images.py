"""Sandboxes' images: made when first needed, and removed when nothing needs them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildError, BuildRequest, Builds
from freehold.containers.image_store import Image, ImageStore
from freehold.providers.sandbox.recipe import IMAGE_LABEL, REPOSITORY, Form, Recipe, Suite

Notice = Callable[[str], None]
MakeDebian = Callable[[str, Notice], Awaitable[None]]
"""Makes the local image of a Debian of that version ("12"), unless the registry's can be pulled."""

_SHOWN_LINES = 15


class SandboxImages:
    """`ensure` makes what is missing, and only that; it needs Debian's packages, and a registry or root.

    Raises IMAGE for a build that failed, DISK for no room, UNREACHABLE where nothing can build.
    """

    def __init__(
        self, builds: Builds, images: ImageStore, make_debian: MakeDebian, certificates: Mapping[str, bytes]
    ) -> None:
        self._builds = builds
        self._images = images
        self._make_debian = make_debian
        self._certificates = certificates

    async def ensure(self, suite: Suite, form: Form, notice: Notice) -> str:
        """The name of the image, which is there then."""
        recipe = Recipe(suite, form, self._certificates)
        if await self._images.find(recipe.name) is None:
            debian = await self._debian(suite, notice)
            notice(f"building {recipe.name} (Debian {suite.version}, {form}): once, a minute or two")
            await self._build(recipe, debian, notice)
        return recipe.name

    async def prune(self, *, also_current: bool) -> list[Image]:
        """Remove images that no sandbox has been made from: those of former recipes, or all. The removed ones."""
        current = {Recipe(suite, form, self._certificates).name for suite in Suite for form in Form}
        in_use = await self._images.in_use()
        removed = []
        for image in await self._images.labelled(IMAGE_LABEL):
            names = [name for name in image.names if name.startswith(f"{REPOSITORY}:")]
            kept = not also_current and current.intersection(names)
            # What somebody else made FROM one of them inherits the label, not the name.
            if image.id in in_use or kept or (image.names and not names):
                continue
            for name in names or [image.id]:
                await self._images.remove(name)
            removed.append(image)
        return removed

    async def _debian(self, suite: Suite, notice: Notice) -> str:
        for name in (suite.from_here, suite.from_registry):
            if await self._images.find(name) is not None:
                return name
        await self._make_debian(suite.version, notice)
        made = await self._images.find(suite.from_here)
        return suite.from_registry if made is None else suite.from_here

    async def _build(self, recipe: Recipe, debian: str, notice: Notice) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="freehold-sandbox-") as folder:
                dockerfile, context = await asyncio.to_thread(_lay_out, recipe, Path(folder))
                request = BuildRequest(
                    recipe.name, dockerfile, context, recipe.arguments(debian), recipe.labels, target=recipe.form
                )
                await self._builds.build(request, notice)
        except BuildError as error:
            raise _told(recipe, error) from error
        except OSError as error:
            raise FreeholdError(
                Code.DISK,
                f"the image {recipe.name} could not be built: {error.strerror}: {error.filename}",
                "Make room for temporary files (df -h /tmp), or set TMPDIR.",
            ) from error


def _lay_out(recipe: Recipe, folder: Path) -> tuple[Path, Path]:
    context = folder / "context"
    for path, content in recipe.files.items():
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_bytes(content)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(recipe.dockerfile, "utf-8")
    return dockerfile, context


def _told(recipe: Recipe, error: BuildError) -> FreeholdError:
    failure = error.failure
    step = f" at step {failure.step}" if failure.step else ""
    lines = [f"  {line}" for line in (*failure.output[-_SHOWN_LINES:], failure.error)]
    return FreeholdError(
        Code.IMAGE,
        "\n".join([f"the image {recipe.name} could not be built{step}", *lines]),
        "It needs deb.debian.org, and some 600 MB where Docker keeps its images: docker system df",
    )
