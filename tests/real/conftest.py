"""What real runs stand on: the base image of the program as it is here, made once for all tests."""

from __future__ import annotations

import asyncio
import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.errors import FreeholdError
from freehold.containers.build import DockerBuilds
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.runtime.images.builder import ImageBuilder
from freehold.runtime.images.inputs import ImageInputs
from tests.support.sandbox import SandboxServer, sandbox_server


async def _ensure_base_image() -> str:
    connection = DockerConnection.open()
    try:
        images = DockerImages(connection)
        nowhere = Path(tempfile.gettempdir())
        builder = ImageBuilder(DockerBuilds(connection.address), images)
        name = await builder.ensure(ImageInputs("fht", "none", nowhere, nowhere), lambda _image, _text: None)
        await images.tag(name, "freehold-agent:latest")
        return name
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def base_image() -> str:
    """The name of the base image; it is `freehold-agent:latest` too. Skips, with what to do, when it cannot be made."""
    with Path(tempfile.gettempdir(), "freehold-test-base-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes want the same
        try:
            return asyncio.run(_ensure_base_image())
        except FreeholdError as error:
            pytest.skip(f"no base image: {error.message}; {error.hint}")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One server of Debian 12 with Docker, for every test of this process that wants one."""
    with sandbox_server(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture(autouse=True)
def _stands_on_the_base_image(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("docker") and "sandbox" not in request.fixturenames:
        request.getfixturevalue("base_image")
