"""The server's share of a teardown: what is there of projects, and taking some of them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from freehold.deploy.edge_part import EdgePart, ask_edge
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.runtime.container_names import PROJECT_LABEL
from freehold.runtime.images.layers import KIND_LABEL
from freehold.server.layout import (
    BASE,
    CERTIFICATES,
    EDGE_FRAGMENTS,
    FAIL2BAN_FILE,
    FAIL2BAN_FILTER,
    FIREWALL_FILE,
    FIREWALL_UNIT,
    JOURNAL_FILE,
    PROGRAMS,
    SSHD_FILE,
    STATE_BASE,
    UNDO,
    UNITS,
    Layout,
)

SHARED = (SSHD_FILE, FAIL2BAN_FILE, FAIL2BAN_FILTER, FIREWALL_FILE, f"{UNITS}/{FIREWALL_UNIT}", JOURNAL_FILE)
"""What makes the server safer for everybody on it. It stays: to undo it unasked would open a door."""
_TIMEOUT_S = 600.0


class OnServer(msgspec.Struct, frozen=True):
    """By project, everything that is there of it; and which files of the server's own are Freehold's."""

    projects: Mapping[str, Sequence[str]] = {}
    stays: Sequence[str] = ()


class _Failed(msgspec.Struct, frozen=True):
    failed: Sequence[str]


async def look(host: Host, base: str = BASE) -> OnServer:
    """Raises what the host raises."""
    return await run_script(
        host, "removal", program_text("removal"), {"do": "look", **_places(base)}, OnServer, as_root=True,
        timeout_s=_TIMEOUT_S,
    )  # fmt: skip


async def take_away(host: Host, projects: Sequence[str], base: str = BASE) -> list[str]:
    """Runs and units are stopped, then the edge lets go of them, then everything else of them is removed. What could
    not be done, in sentences. Raises what the host raises; then it can be done again."""
    failed = list(await _do(host, "stop", projects, base))
    for project in projects:
        part = EdgePart(project, None)
        await part.carry_out(host, part.plan_by(await ask_edge(host)))
    failed += await _do(host, "remove", projects, base)
    return failed


async def _do(host: Host, what: str, projects: Sequence[str], base: str) -> Sequence[str]:
    document = {"do": what, **_places(base), "projects": [_everything_of(Layout(name, base)) for name in projects]}
    told = await run_script(
        host, "removal", program_text("removal"), document, _Failed, as_root=True, timeout_s=_TIMEOUT_S
    )
    return told.failed


def _places(base: str) -> dict[str, Any]:
    return {
        "base": base, "state": STATE_BASE, "programs": PROGRAMS, "not_projects": [PROGRAMS, UNDO],
        "fragments": EDGE_FRAGMENTS, "certificates": CERTIFICATES, "label": PROJECT_LABEL, "kind_label": KIND_LABEL,
        "shared": SHARED, "others_beside": base != BASE,
    }  # fmt: skip


def _everything_of(layout: Layout) -> dict[str, Any]:
    return {
        "name": layout.project,
        "label": f"{PROJECT_LABEL}={layout.project}",
        "units": [layout.service, layout.socket, layout.keeper],
        "secrets": [layout.gateway_home, layout.keeper_home],
        "folders": [layout.root, layout.state],
        "files": [layout.edge_fragment, layout.certificate, f"{CERTIFICATES}/{layout.project}.key"],
        "users": [layout.keeper_user, layout.user],
        "groups": [layout.user],
        "comment": f"freehold project {layout.project}",
    }
