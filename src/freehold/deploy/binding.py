"""What a project is told of its server: the `.env.toml` of its releases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOT_THERE = frozenset({"server", "provision", "environment", "projectName"})
"""How the server is reached, and was bought, is for this machine; the rest of its place is the project's name."""


def binding(project: str, environment: Mapping[str, Any]) -> bytes:
    """The file for a project called `project`: what the environment's file lays over the project's own. What
    `.env.toml` says on this machine is for this machine."""
    import tomlkit

    laid_over = {key: value for key, value in environment.items() if key not in _NOT_THERE}
    head = tomlkit.document()
    head.add(tomlkit.comment("Written by freehold; it is written anew by the next push."))
    return (tomlkit.dumps(head) + tomlkit.dumps({"projectName": project, **laid_over})).encode()
