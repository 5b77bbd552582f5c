"""The wiring of sandboxes: this machine's Docker, its certificates, the script that makes a Debian."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from freehold.containers.build import DockerBuilds
from freehold.containers.connection import DockerConnection
from freehold.containers.image_store import DockerImages
from freehold.providers.sandbox.images import Notice, SandboxImages
from freehold.providers.sandbox.provider import SandboxProvider
from freehold.providers.sandbox.sandboxes import Docker, Sandboxes
from freehold.runtime.images import certificates, debian


@dataclass(frozen=True)
class Workshop:
    """What makes sandboxes, and what makes their images."""

    images: SandboxImages
    sandboxes: Sandboxes


@contextlib.asynccontextmanager
async def workshop() -> AsyncIterator[Workshop]:
    """Raises UNREACHABLE when Docker does not answer."""
    connection = DockerConnection.open()
    try:
        yield _workshop_of(connection)
    finally:
        await connection.close()


def _workshop_of(connection: DockerConnection) -> Workshop:
    images = SandboxImages(
        DockerBuilds(connection.address), DockerImages(connection), _make_debian, certificates.of_this_host(os.environ)
    )
    return Workshop(images, Sandboxes(Docker.of(connection), images))


async def _make_debian(version: str, notice: Notice) -> None:
    await debian.make_local(notice, version)


def open_sandbox_provider(notify: Notice = lambda _: None) -> SandboxProvider:
    """`Provider` on this machine. Needs a running event loop; raises UNREACHABLE when Docker does not answer."""
    connection = DockerConnection.open()
    sandboxes = _workshop_of(connection).sandboxes
    return SandboxProvider(sandboxes, connection.info, connection.close, notify)
