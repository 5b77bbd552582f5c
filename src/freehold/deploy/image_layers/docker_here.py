"""Images of this machine's Docker, as a stream."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import aiohttp

from freehold.base.errors import Code, FreeholdError
from freehold.containers.connection import DockerConnection
from freehold.deploy.image_layers.saved_archive import SavedArchive

_PIECE_BYTES = 1024 * 1024
_LEVEL = 1
"""Layers are uncompressed tar archives: 0.48 GB becomes 0.19 GB. SSH from Python is slower than this level is."""
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=600)
"""Docker before 25 copies whole images before it says the first byte."""

_FIRST_WITH_BLOBS = 25
_CONTAINERD = ["driver-type", "io.containerd.snapshotter.v1"]
"""What Docker says of its store when containerd keeps the images."""

Progress = Callable[[int], None]
"""Told how many bytes were sent so far."""


async def saved(
    connection: DockerConnection, names: Sequence[str], archive: SavedArchive
) -> AsyncGenerator[bytes, None]:
    """`docker save` of the images, through `archive`. Raises NOT_FOUND, UNREACHABLE, PROTOCOL."""
    with connection.doing("save images"):
        if connection.client.api_version == "auto":
            await connection.client.version()
        url = f"{connection.client.docker_host}/{connection.client.api_version}/images/get"
        wanted = [("names", name) for name in names]
        async with connection.client.session.get(url, params=wanted, timeout=_PATIENCE) as response:
            if response.status != 200:
                code = Code.NOT_FOUND if response.status == 404 else Code.FAILED
                raise FreeholdError(code, f"Docker could not save images: {await response.text()}")
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                if kept := archive.feed(piece):
                    yield kept
    archive.end()


async def compressed(pieces: AsyncIterator[bytes], progress: Progress) -> AsyncGenerator[bytes, None]:
    """As gzip, which Docker takes as well."""
    machine = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    sent = 0
    async for piece in pieces:
        if packed := await asyncio.to_thread(machine.compress, piece):
            yield packed
            sent += len(packed)
            progress(sent)
    yield (rest := machine.flush())
    progress(sent + len(rest))


async def names_layers(connection: DockerConnection) -> bool:
    """Whether its archives call layers by their digests: from 25 on, unless containerd keeps them, compressed."""
    about = await connection.info()
    major = str(about.get("ServerVersion", "")).partition(".")[0]
    return major.isdigit() and int(major) >= _FIRST_WITH_BLOBS and _CONTAINERD not in (about.get("DriverStatus") or [])


async def contents(connection: DockerConnection, names: Sequence[str]) -> SavedArchive:
    """What such an archive holds, without the layers: it is read once for that."""
    archive = SavedArchive()
    async for _ in saved(connection, names, archive):
        pass
    return archive
