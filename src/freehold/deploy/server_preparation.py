"""What makes a server right for projects: the parts of a push that are of the server, and of no project alone.

A push has them among its own; `env prov` lists what they would change on a server that was there before, and asks;
`env check --fix` has one of them repair what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from freehold.deploy.facts import gather
from freehold.deploy.fail2ban_part import Fail2banPart
from freehold.deploy.firewall_part import FirewallPart
from freehold.deploy.journal_part import JournalPart
from freehold.deploy.managed_files import LogIn
from freehold.deploy.packages import PackagesPart
from freehold.deploy.part import Change, Part
from freehold.deploy.ssh_part import SshPart
from freehold.hosts.host import Host


@dataclass(frozen=True)
class Planned:
    """What one part would change; nothing where all is as it should be. `advice` is what to do by hand."""

    part: Part
    changes: Sequence[Change]
    advice: str = ""


def preparation(
    log_in: LogIn, *, exposed: bool, say: Callable[[str], None] = lambda _line: None
) -> tuple[PackagesPart, SshPart, Fail2banPart, FirewallPart, JournalPart]:
    """The parts, in the order in which they are carried out.

    `exposed` is the environment's `server.expose`: an edge, and the web's ports, are wanted then. `log_in` logs in once
    more, in the same way as the connection in use; sshd's rules and the firewall's stay only when that works. `say` is
    told, in a line for people, what is waited for.
    """
    return (
        PackagesPart(edge=exposed, say=say),
        SshPart(log_in),
        Fail2banPart(),
        FirewallPart(log_in, exposed=exposed),
        JournalPart(),
    )


async def planned_changes(host: Host, parts: Sequence[Part]) -> Sequence[Planned]:
    """What each of them would change, asked for in one round trip; nothing is changed. Raises what the host and the
    parts' plans raise: FAILED, with how to get it, where Python is missing."""
    facts = await gather(host, parts)
    return [Planned(part, part.plan(facts[part.name]), _advice(part, facts[part.name])) for part in parts]


def _advice(part: Part, facts: msgspec.Raw) -> str:
    return part.advice(facts) if isinstance(part, FirewallPart) else ""


async def prepare(
    host: Host, planned: Sequence[Planned], begin: Callable[[Change], None] = lambda _change: None
) -> None:
    """Carry out what was planned; `begin` is told each change before it is made. What was done before one that fails
    stays, and is not planned again. Raises what the parts raise."""
    for each in planned:
        for change in each.changes:
            begin(change)
            await each.part.carry_out(host, (change,))
