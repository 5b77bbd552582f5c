"""What is asked for when a sandbox is made, and what is told of one (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from freehold.base.errors import Code, FreeholdError
from freehold.providers.sandbox.recipe import Form, Suite

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
PREFIX = "fh-sandbox-"

BOOTS_WITHIN_S = 120.0
"""3 s to 5 s with two processors that have other work (measured); much longer where memory is short."""
MEGABYTE = 1024 * 1024
LEAST_MEMORY_BYTES = 256 * MEGABYTE
"""Less, and systemd with Docker inside does not come up."""


@dataclass(frozen=True)
class Order:
    """`public_keys` may log in as root. `cpus` and `memory_bytes` of 0 are without a bound. `user_data` is a
    cloud-config that the sandbox carries out on its first boot. `marks` are further labels: whose it is.

    Raises USAGE for a name that cannot be a host's, and for less memory than it needs.
    """

    name: str
    public_keys: tuple[str, ...]
    suite: Suite = Suite.BOOKWORM
    form: Form = Form.READY
    cpus: float = 0
    memory_bytes: int = 0
    user_data: str = ""
    marks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise FreeholdError(
                Code.USAGE,
                f'"{self.name}" is not a name for a sandbox',
                "Up to 62 lower-case letters, digits and hyphens, with a letter or digit at either end.",
            )
        if 0 < self.memory_bytes < LEAST_MEMORY_BYTES:
            raise FreeholdError(
                Code.USAGE, "a sandbox needs at least 256 MB of memory", 'Write for example "512m" or "2g".'
            )


class State(StrEnum):
    """`incomplete`: whoever made it was stopped half way; `remove` cleans it up."""

    RUNNING = "running"
    STOPPED = "stopped"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Sandbox:
    """`since` is RFC 3339: when it was started last, or made. `container_id` is empty where there is no container."""

    name: str
    state: State
    address: str
    since: str
    image: str = ""
    container_id: str = ""
    marks: dict[str, str] = field(default_factory=dict)


def container_name(name: str) -> str:
    return f"{PREFIX}{name}"


def volume_name(name: str) -> str:
    """Where Docker inside keeps everything: its overlay2 cannot lie on the container's own overlay2."""
    return f"{PREFIX}{name}-docker"
