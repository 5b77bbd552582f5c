"""Laptop and server tell each other their versions, in a header of each request and of each answer. Pure.

Both speak `/api/v1`, so that whoever is older or newer is served. A version that could not be served any more would be
named here, as `OLDEST_CLIENT`, by the release that gives up what it needs (`docs/why/versions.md`).
"""

from __future__ import annotations

import re
from enum import Enum

from freehold.base.errors import Code, FreeholdError

HEADER = "Freehold-Version"
OLDEST_CLIENT = "0.1.0"
"""Clients before this one are refused by a gateway of this version."""
_NUMBERS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")
_LONGEST = 64


class Standing(Enum):
    """What the version of another program is, seen from ours."""

    SAME = "same"
    OLDER = "older"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """It says none, or none that can be read: a program that is not ours."""


def numbers(version: str) -> tuple[int, ...] | None:
    """What versions are ordered by: 0.2, 0.2.0 and 0.2.0rc1 are the same. None for what is no version."""
    found = _NUMBERS.match(version) if len(version) <= _LONGEST else None
    if found is None:
        return None
    parts = [int(part) for part in found[0].split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def standing(theirs: str, ours: str) -> Standing:
    """How the version `theirs` stands to `ours`, which is one."""
    they, we = numbers(theirs), numbers(ours)
    if they is None or we is None:
        return Standing.UNKNOWN
    if they == we:
        return Standing.SAME
    return Standing.OLDER if they < we else Standing.NEWER


def require_served(client: str, server: str, oldest: str = OLDEST_CLIENT) -> None:
    """Raises OUTDATED for a client that is older than `oldest`. One of another version is served, and so is a program
    that says none: what it may do, its key says."""
    if standing(client, oldest) is Standing.OLDER:
        raise FreeholdError(
            Code.OUTDATED,
            f"this server runs Freehold {server}, which serves clients from {oldest} on; this one is {client}",
            f"Install Freehold {server} where you typed this.",
        )


def told_of_server(ours: str, server: str, environment: str) -> str:
    """What a person is told whose server, or with an empty `environment` whose running project, has another version;
    empty where it has the same, or says none."""
    found = standing(server, ours)
    if not environment and found in (Standing.OLDER, Standing.NEWER):
        return f"the running project has {server}, this is {ours}: `freehold stop`, and start it anew"
    match found:
        case Standing.OLDER:
            return f"the server has {server}: `freehold push -E {environment}` brings it to {ours}"
        case Standing.NEWER:
            return f"the server has {server}: install it here too, or a push takes the server back to {ours}"
        case _:
            return ""
