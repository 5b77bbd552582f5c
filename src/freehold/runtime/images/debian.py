"""The base image's own FROM: Debian from a container registry, or from a local image where none can be reached."""

from __future__ import annotations

import shlex
from pathlib import Path

from freehold.base.errors import Code, FreeholdError

FROM_REGISTRY = "debian:13-slim"
FROM_HERE = "freehold-debian:13"

SCRIPT = Path(__file__).parent / "base" / "debian-image"
"""Makes `FROM_HERE` with debootstrap, as root: 30 s, 80 MB. `scripts/debian-image` in a checkout is the same file."""


def choose_from(asked: str, *, has_local: bool) -> str:
    """An explicit choice, else the local image when there is one, else the registry's."""
    return asked or (FROM_HERE if has_local else FROM_REGISTRY)


def command() -> tuple[str, ...]:
    """What makes the local image, to be run as root. `doctor --fix` runs it."""
    return (str(SCRIPT),)


def cannot_pull(image: str, why: str) -> FreeholdError:
    """The base image's FROM is neither here nor to be had."""
    return FreeholdError(
        Code.IMAGE,
        f"The base image cannot be built: {image} is not on this machine and cannot be pulled: {why}",
        f"Where no container registry can be reached, make a local Debian once: sudo {shlex.join(command())}",
    )
