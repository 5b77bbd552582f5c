"""Sandboxes' images are made when they are missing, and removed when nothing needs them."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build_output import BuildFailure
from freehold.containers.fake_images import FakeImages
from freehold.providers.sandbox.images import Notice, SandboxImages
from freehold.providers.sandbox.recipe import IMAGE_LABEL, Form, Recipe, Suite
from freehold.providers.sandbox.room import LEAST_FREE_BYTES, require_free, require_room


class World:
    """`debootstraps`: whether a Debian has to be made here, because no registry is reached."""

    def __init__(self, *, debootstraps: bool = True) -> None:
        self.engine = FakeImages()
        self.made: list[str] = []
        self.said: list[str] = []
        self._debootstraps = debootstraps
        self.images = SandboxImages(self.engine, self.engine, self._make_debian, {"company.crt": b"PEM"})

    async def ensure(self, suite: Suite = Suite.BOOKWORM, form: Form = Form.READY) -> str:
        return await self.images.ensure(suite, form, self.said.append)

    async def _make_debian(self, version: str, notice: Notice) -> None:
        self.made.append(version)
        if self._debootstraps:
            self.engine.add(f"freehold-debian:{version}")


async def test_what_is_missing_is_built_once() -> None:
    world = World()
    name = await world.ensure()
    assert await world.ensure() == name

    (request, dockerfile, files) = world.engine.requests[0]
    assert len(world.engine.requests) == 1
    assert (request.name, request.target) == (name, "ready")
    assert request.labels == {IMAGE_LABEL: "bookworm-ready"}
    assert "AS plain" in dockerfile
    assert set(files) == {"ca", "ca/README", "ca/company.crt", "boot"}


@pytest.mark.parametrize(
    ("there", "debootstraps", "chosen", "made"),
    [
        (["freehold-debian:12", "debian:12-slim"], True, "freehold-debian:12", []),
        (["debian:12-slim"], True, "debian:12-slim", []),
        (["freehold-debian:13"], True, "freehold-debian:12", ["12"]),
        ([], False, "debian:12-slim", ["12"]),
    ],
)
async def test_it_stands_on_the_debian_that_is_to_be_had(
    there: list[str], debootstraps: bool, chosen: str, made: list[str]
) -> None:
    world = World(debootstraps=debootstraps)
    for name in there:
        world.engine.add(name)
    await world.ensure()
    assert world.engine.requests[0][0].arguments["FROM"] == chosen
    assert world.made == made


async def test_build_that_fails_is_told_with_its_step_and_output() -> None:
    world = World()
    world.engine.fails = lambda _request: BuildFailure("3/5: RUN apt-get update", ("no such host",), "exit code: 100")
    with pytest.raises(FreeholdError) as caught:
        await world.ensure()
    assert caught.value.code is Code.IMAGE
    for told in ("3/5: RUN apt-get update", "no such host", "exit code: 100"):
        assert told in caught.value.message


async def test_prune_takes_former_ones_that_nobody_uses() -> None:
    world = World()
    current = await world.ensure()
    for name in ("freehold-sandbox:bookworm-000000000000", "freehold-sandbox:bookworm-111111111111", "somebodys:own"):
        world.engine.add(name, {IMAGE_LABEL: "bookworm-ready"})
    world.engine.use("freehold-sandbox:bookworm-111111111111")

    removed = await world.images.prune(also_current=False)
    assert [image.names for image in removed] == [("freehold-sandbox:bookworm-000000000000",)]
    removed = await world.images.prune(also_current=True)
    assert [image.names for image in removed] == [(current,)]
    assert await world.engine.find("somebodys:own")


def test_names_of_forms_differ_as_the_names_of_images() -> None:
    names = {Recipe(suite, form, {}).name for suite in Suite for form in Form}
    assert len(names) == 4


def test_a_disk_without_room_is_told_before_anything_is_made() -> None:
    require_free(LEAST_FREE_BYTES, "/var/lib/docker")
    with pytest.raises(FreeholdError) as caught:
        require_free(LEAST_FREE_BYTES - 1, "/var/lib/docker")
    assert caught.value.code is Code.DISK
    assert "/var/lib/docker" in caught.value.message


def test_a_disk_that_is_not_seen_from_here_is_left_to_docker() -> None:
    require_room("/no/such/folder")
