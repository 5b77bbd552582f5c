"""All checks of a server, in their order: itself, how it is shut, its edge, and whether deliveries get in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.check import Check, Facts, Fix, Result, State, run_checks
from freehold.deploy.edge_checks import EDGE_CHECKS
from freehold.deploy.edge_examination import EdgeSight, examine_edge
from freehold.deploy.examination import examine
from freehold.deploy.hardening_checks import hardening_checks
from freehold.deploy.managed_files import LogIn
from freehold.deploy.server_checks import CHECKS
from freehold.deploy.webhook_reach import WEBHOOK_CHECKS, Ask, Reach, ask_as_sender
from freehold.hosts.host import Host
from freehold.hosts.ssh_config import Route
from freehold.server.facts import ServerFacts
from freehold.server.firewall import WEB_PORTS

NAMES = (
    *(check.name for check in CHECKS),
    "ssh hardened", "fail2ban running", "firewall", "journal bounded",
    *(check.name for check in EDGE_CHECKS),
    *(check.name for check in WEBHOOK_CHECKS),
)  # fmt: skip
"""Of all of them, in their order."""


@dataclass(frozen=True)
class Place:
    """What is looked at. `gateway_socket` is that of this folder's project there, empty where the folder is none's;
    `url` is where senders of webhooks send to, empty where that is the server's own address."""

    route: Route
    exposed: bool = True
    gateway_socket: str = ""
    url: str = ""

    @property
    def outside(self) -> str:
        """Its address as others see it; empty where it is reached through others, or is not to be reached at all."""
        return self.route.host if self.exposed and not self.route.jumps and not self.route.proxied else ""

    @property
    def sent_to(self) -> str:
        host = f"[{self.outside}]" if ":" in self.outside else self.outside
        return self.url or (f"http://{host}" if host else "")


async def check_server(
    host: Host, place: Place, log_in: LogIn, fix: Fix | None, ask: Ask = ask_as_sender
) -> list[Result]:
    """Every result. `log_in` logs in once more, for repairs that must not shut us out. Raises what the host raises
    before anything was found out."""
    gateway = ""

    async def gather() -> ServerFacts:
        nonlocal gateway
        facts = await examine(
            host, outside=place.outside, ports=WEB_PORTS, gateway_socket=place.gateway_socket
        )  # fmt: skip
        gateway = facts.gateway
        return facts

    async def look_at_edge() -> EdgeSight:
        return await examine_edge(host, place.outside, exposed=place.exposed)

    async def deliver() -> Reach:
        return await ask(place.sent_to) if place.sent_to and gateway else Reach(place.sent_to, is_there=bool(gateway))

    checks = (*CHECKS, *hardening_checks(log_in, exposed=place.exposed))
    found = await run_checks(host, checks, gather, fix=fix)
    found += await _as_far_as_possible(host, EDGE_CHECKS, look_at_edge, fix)
    return found + await _as_far_as_possible(host, WEBHOOK_CHECKS, deliver, fix)


async def _as_far_as_possible(
    host: Host, checks: Sequence[Check[Facts]], gather: Callable[[], Awaitable[Facts]], fix: Fix | None
) -> list[Result]:
    """Results, or that there are none: a server without Python or sudo is told so by the checks before these."""
    try:
        return await run_checks(host, checks, gather, fix=fix)
    except FreeholdError as error:
        if error.code is Code.USAGE:  # nobody can be asked about a repair
            raise
        return [Result(check.name, State.SKIP, error.message) for check in checks]
