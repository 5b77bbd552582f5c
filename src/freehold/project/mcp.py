"""MCP servers: what the project calls them, how they are reached, and the credential that opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from freehold.project.credential import FieldRef, parse_field_ref
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.problems import KeyPath, Reporter, shown, unknown


@dataclass(frozen=True)
class McpSpec:
    """A `[mcp.<name>]`: a `url` that the keeper reaches and opens with `credential`, or a `command` beside the harness.

    The credential never enters the run; the keeper sends it as `<header>: <scheme> <value>` (without the scheme when
    that is empty).
    """

    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    credential: FieldRef | None = None
    header: str = "Authorization"
    scheme: str = "Bearer"


def mcp_of(name: str, values: Mapping[str, Any], report: Reporter) -> McpSpec | None:
    """A server whose keys have been checked; None when it is unusable (then reported)."""
    at = ("mcp", name)
    url, command = values["url"] or "", tuple(values["command"])
    if bool(url) == bool(command):
        report.error(at, "needs either `url` or `command`")
        return None
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        report.error((*at, "url"), "is not an address; write for example https://mcp.example.com/mcp")
        return None
    credential = _credential(values["credential"], report, (*at, "credential"))
    if command and values["credential"]:
        report.error(
            (*at, "credential"), "belongs to a `url`; a command gets the agent's credentials as variables of the run"
        )
    return McpSpec(
        name=name,
        url=url,
        command=command,
        env=tuple(sorted(values["env"].items())),
        credential=credential,
        header=values["header"],
        scheme=values["scheme"],
    )


def _credential(written: str | None, report: Reporter, at: KeyPath) -> FieldRef | None:
    if not written:
        return None
    try:
        reference = parse_field_ref(written)
    except ValueError as error:
        report.error(at, f"{shown(written)} {error}")
        return None
    kind = CREDENTIAL_TYPES.get(reference.ref.type)
    if kind is None:
        report.error(at, unknown("credential type", reference.ref.type, CREDENTIAL_TYPES))
        return None
    if kind.field(reference.field) is None:
        report.error(at, unknown(f"field of {kind.name}", reference.field, kind.field_names))
        return None
    return reference
