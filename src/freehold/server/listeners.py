"""What listens on a server, as `ss` of iproute2 tells it (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = ("ss", "-Hltunp")
"""The command; as root it names the programs."""
_PROGRAM = re.compile(r'\(\("([^"]*)"')
_DOCKERS = "docker-proxy"
"""What a container publishes is reached through Docker's own rules, before any of the machine's."""


@dataclass(frozen=True)
class Listener:
    """`program` is empty for one of the kernel's own, and where it could not be told."""

    protocol: str
    port: int
    program: str

    def __str__(self) -> str:
        return f"{self.protocol.upper()} {self.port}" + (f" ({self.program})" if self.program else "")


def reachable_listeners(text: str) -> list[Listener]:
    """Those that are not on the machine's own addresses alone, nor a container's; each once, sorted."""
    found = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 6 or words[0] not in ("tcp", "udp"):
            continue
        address, _, port = words[4].rpartition(":")
        program = _PROGRAM.search(line)
        name = program[1] if program else ""
        if port.isdigit() and not _is_own(address) and name != _DOCKERS:
            found.add(Listener(words[0], int(port), name))
    return sorted(found, key=lambda one: (one.protocol, one.port, one.program))


def _is_own(address: str) -> bool:
    bare = address.strip("[]").partition("%")[0]
    return bare.startswith("127.") or bare in ("::1", "::ffff:127.0.0.1") or address.endswith("%lo")
