"""Real images for tests: built as the keeper builds them, asked from the outside."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import AsyncIterator

from freehold.containers.build import DockerBuilds
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.runtime.images.builder import ImageBuilder


@contextlib.asynccontextmanager
async def image_builder() -> AsyncIterator[ImageBuilder]:
    connection = DockerConnection.open()
    try:
        yield ImageBuilder(DockerBuilds(connection.address), DockerImages(connection))
    finally:
        await connection.close()


def docker(*words: str) -> str:
    answer = subprocess.run(["docker", *words], capture_output=True, text=True)
    assert answer.returncode == 0, f"docker {' '.join(words)}: {answer.stderr}"
    return answer.stdout.strip()


def inside(image: str, script: str, *options: str) -> str:
    """What `script` prints in a container as locked down as an agent's."""
    locked = ("--network", "none", "--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL", "--user", "1000:1000")
    return docker("run", "--rm", *locked, *options, "--entrypoint", "/bin/bash", image, "-ec", script)


def remove_images(*prefixes: str) -> None:
    """Remove every image whose name begins so."""
    for name in docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        if name.startswith(prefixes):
            docker("image", "rm", name)
