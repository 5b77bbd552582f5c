"""One contract for the images of an engine and the builds that make them: on Docker, and on the fake."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildError, BuildRequest, Builds, DockerBuilds
from freehold.containers.build_output import BuildFailure
from freehold.containers.connection import DockerConnection
from freehold.containers.fake_images import FakeImages
from freehold.containers.image_store import DockerImages, ImageStore

REPOSITORY = f"fht-images-{os.getpid()}"
LABEL = f"dev.freehold.test-{os.getpid()}"


class Subject:
    """An image store and what builds into it."""

    def __init__(self, store: ImageStore, builds: Builds, folder: Path) -> None:
        self.store = store
        self.builds = builds
        self._folder = folder
        self.steps: list[str] = []

    async def build(self, tag: str, line: str = "ENV A=1") -> str:
        context = self._folder / "context"
        context.mkdir(exist_ok=True)
        dockerfile = self._folder / "Dockerfile"
        dockerfile.write_text(f"FROM freehold-agent:latest\n{line}\n")
        name = f"{REPOSITORY}:{tag}"
        await self.builds.build(
            BuildRequest(name, dockerfile, context, labels={LABEL: "yes"}, timeout_s=120), self.steps.append
        )
        return name

    @contextlib.contextmanager
    def container_of(self, name: str) -> Iterator[None]:
        raise NotImplementedError


class OnFake(Subject):
    def __init__(self, folder: Path) -> None:
        self.images = FakeImages()
        super().__init__(self.images, self.images, folder)
        self.images.fails = lambda request: (
            BuildFailure(step="2/2: RUN exit 3", error="exit code: 3")
            if "exit 3" in request.dockerfile.read_text("utf-8")
            else None
        )

    @contextlib.contextmanager
    def container_of(self, name: str) -> Iterator[None]:
        self.images.use(name)
        yield


class OnDocker(Subject):
    @contextlib.contextmanager
    def container_of(self, name: str) -> Iterator[None]:
        container = docker("create", name)
        try:
            yield
        finally:
            docker("rm", "-f", container)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "fake":
        yield OnFake(tmp_path)
        return
    connection = DockerConnection.open()
    yield OnDocker(DockerImages(connection), DockerBuilds(connection.address), tmp_path)
    store = DockerImages(connection)
    for image in await store.labelled(LABEL):
        for name in image.names or (image.id,):
            await store.remove(name)
    await connection.close()


async def test_what_was_built_is_found_with_its_labels(subject: Subject) -> None:
    name = await subject.build("1")
    image = await subject.store.find(name)
    assert image is not None
    assert name in image.names
    assert image.labels[LABEL] == "yes"
    assert image.size_bytes > 0
    assert image.created_at.startswith("20")
    assert await subject.store.find(image.id) == image
    assert subject.steps


async def test_what_is_not_there_is_none(subject: Subject) -> None:
    assert await subject.store.find(f"{REPOSITORY}:nowhere") is None


async def test_images_are_found_by_label(subject: Subject) -> None:
    names = {await subject.build("1"), await subject.build("2", "ENV A=2")}
    assert {name for image in await subject.store.labelled(LABEL) for name in image.names} == names
    assert await subject.store.labelled(f"{LABEL}.none") == []


async def test_a_second_name(subject: Subject) -> None:
    name = await subject.build("1")
    await subject.store.tag(name, f"{REPOSITORY}:alias")
    image = await subject.store.find(f"{REPOSITORY}:alias")
    assert image == await subject.store.find(name)
    await subject.store.remove(name)
    assert await subject.store.find(name) is None
    assert await subject.store.find(f"{REPOSITORY}:alias") is not None


async def test_a_name_moves_to_the_newer_image(subject: Subject) -> None:
    first = await subject.store.find(await subject.build("1"))
    second = await subject.store.find(await subject.build("1", "ENV A=2"))
    assert first is not None
    assert second is not None
    assert first.id != second.id
    left = await subject.store.find(first.id)
    assert left is not None
    assert left.names == ()
    await subject.store.remove(first.id)
    assert await subject.store.find(first.id) is None


async def test_naming_what_is_not_there(subject: Subject) -> None:
    with pytest.raises(FreeholdError) as caught:
        await subject.store.tag(f"{REPOSITORY}:nowhere", f"{REPOSITORY}:alias")
    assert caught.value.code is Code.NOT_FOUND


async def test_removing_twice_is_no_error(subject: Subject) -> None:
    name = await subject.build("1")
    await subject.store.remove(name)
    await subject.store.remove(name)
    assert await subject.store.find(name) is None


async def test_what_a_container_has_is_in_use_and_is_not_removed(subject: Subject) -> None:
    name = await subject.build("1")
    image = await subject.store.find(name)
    assert image is not None
    assert image.id not in await subject.store.in_use()
    with subject.container_of(name):
        assert image.id in await subject.store.in_use()
        with pytest.raises(FreeholdError) as caught:
            await subject.store.remove(name)
        assert caught.value.code is Code.CONFLICT
        assert await subject.store.find(name) == image


async def test_a_build_that_fails_leaves_the_store_as_it_was(subject: Subject) -> None:
    name = await subject.build("1")
    before = await subject.store.find(name)
    with pytest.raises(BuildError) as caught:
        await subject.build("1", "RUN exit 3")
    assert caught.value.failure.step == "2/2: RUN exit 3"
    assert caught.value.failure.error == "exit code: 3"
    assert await subject.store.find(name) == before
