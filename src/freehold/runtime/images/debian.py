"""The base image's own FROM: Debian from a container registry, or from a local image where none can be reached."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from pathlib import Path

from freehold.base.errors import Code, FreeholdError

FROM_REGISTRY = "debian:13-slim"
FROM_HERE = "freehold-debian:13"

SCRIPT = Path(__file__).parent / "base" / "debian-image"
"""Makes `FROM_HERE` with debootstrap, as root: 30 s, 80 MB. `scripts/debian-image` in a checkout is the same file."""

_SHOWN_LINES = 15


def choose_from(asked: str, *, has_local: bool) -> str:
    """An explicit choice, else the local image when there is one, else the registry's."""
    return asked or (FROM_HERE if has_local else FROM_REGISTRY)


def command() -> tuple[str, ...]:
    """What makes the local image, to be run as root; it asks sudo by itself."""
    return (str(SCRIPT),)


async def make_local(notice: Callable[[str], None], version: str = "13") -> None:
    """Make `freehold-debian:<version>`, unless it is here or the registry's can be pulled; `notice` is told what is
    going on.

    Raises `FreeholdError` (IMAGE) with what the script said. `doctor --fix` calls it.
    """
    process = await asyncio.create_subprocess_exec(
        *(*command(), "--if-needed", "--version", version),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        async for line in process.stdout:
            said.append(line.decode(errors="replace").rstrip())
            notice(said[-1])
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if status != 0:
        lines = "\n".join(f"  {line}" for line in said[-_SHOWN_LINES:])
        raise FreeholdError(
            Code.IMAGE,
            f"freehold-debian:{version} could not be made\n{lines}",
            f"Run it by itself: sudo {shlex.join((*command(), '--version', version))}",
        )


def cannot_pull(image: str, why: str) -> FreeholdError:
    """The base image's FROM is neither here nor to be had."""
    return FreeholdError(
        Code.IMAGE,
        f"The base image cannot be built: {image} is not on this machine and cannot be pulled: {why}",
        f"Where no container registry can be reached, make a local Debian once: sudo {shlex.join(command())}",
    )
