"""The server's own firewall: SSH, and the web's ports where a project is exposed; nothing else comes in.

One table of ours, beside everybody else's. It stays when a new login has come through it; else the server takes it away
by itself. A server whose owner runs a firewall already keeps that one, and is told what it must let in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from freehold.base.plain_text import clipped
from freehold.deploy.managed_files import LogIn, ManagedFacts, ManagedFile, Settings, Step, asked, change, facts_of
from freehold.deploy.managed_part import ManagedPart
from freehold.deploy.part import Change
from freehold.server import firewall, sshd
from freehold.server.layout import EDGE_FRAGMENTS, FIREWALL_FILE, FIREWALL_UNIT, UNITS
from freehold.server.listeners import WORDS as LISTENERS
from freehold.server.listeners import reachable_listeners

UNIT_FILE = f"{UNITS}/{FIREWALL_UNIT}"
UFW_FILE = "/etc/ufw/ufw.conf"
_WANTED_BY = f"{UNITS}/multi-user.target.wants/{FIREWALL_UNIT}"
_LOAD = ("systemctl", "reload-or-restart", FIREWALL_UNIT)
_LONGEST_RULE = 120
_TAKE_AWAY = ("systemctl", "disable", "--now", FIREWALL_UNIT)


class FirewallPart(ManagedPart):
    """`exposed` says that a project is reached from outside; `also` are further TCP ports to let in."""

    name = "firewall"

    def __init__(self, log_in: LogIn, *, exposed: bool, also: Sequence[int] = ()) -> None:
        super().__init__(log_in)
        self._exposed = exposed
        self._also = also

    def asked(self) -> Mapping[str, Any]:
        return asked(
            self.name,
            files=(FIREWALL_FILE, UNIT_FILE, UFW_FILE),
            folders=(EDGE_FRAGMENTS,),
            commands={
                "dump": sshd.DUMP,
                "table": firewall.LIST,
                "enabled": ("systemctl", "is-enabled", FIREWALL_UNIT),
                "firewalld": ("systemctl", "is-active", "firewalld.service"),
                "listeners": LISTENERS,
            },
        )

    def decide(self, told: ManagedFacts) -> Sequence[Change]:
        if theirs := other_firewall(told):
            return self._taken_away(told, theirs)
        ports = self.ports(told)
        wanted = (ManagedFile(FIREWALL_FILE, firewall.rules(ports)), ManagedFile(UNIT_FILE, firewall.unit()))
        foreign = firewall.foreign_rules(told.text("table"))
        is_right = firewall.open_ports(told.text("table")) == ports and told.text("enabled").strip() == "enabled"
        if is_right and not foreign and told.has(*wanted):
            return []
        made = Settings(
            wanted,
            check=(firewall.CHECK,),
            activate=(
                Step(("systemctl", "daemon-reload")), Step(("systemctl", "enable", FIREWALL_UNIT)), Step(_LOAD)
            ),
            undo=_undo(told),
        )  # fmt: skip
        listed = ", ".join(map(str, ports))
        what = f"let in TCP {listed} and nothing else: write {FIREWALL_FILE}, enable {FIREWALL_UNIT}"
        gone = [f"taken away: {clipped(rule, _LONGEST_RULE)}" for rule in foreign]
        return [change(self.name, what, told, made, [*gone, *_shut_out(told, ports)])]

    def ports(self, facts: ManagedFacts) -> list[int]:
        """SSH's, that of the connection in use, and the web's when this project or another one has an edge."""
        web = firewall.WEB_PORTS if self._exposed or facts.folders.get(EDGE_FRAGMENTS) else ()
        ours = (facts.login.port,) if facts.login.port else ()
        return sorted({*sshd.ports(facts.text("dump")), *ours, *web, *self._also})

    def advice(self, facts: msgspec.Raw) -> str:
        """What to do by hand where somebody else's firewall is at work; empty where there is none."""
        told = facts_of(facts)
        theirs = other_firewall(told)
        return (
            f"{theirs} is at work, and is left as it is: {firewall.opening(theirs, self.ports(told))}" if theirs else ""
        )

    def _taken_away(self, facts: ManagedFacts, theirs: str) -> Sequence[Change]:
        """Two firewalls let in what both let in: whoever opened a port in theirs would look for it in vain."""
        is_there = facts.answer("table").status == 0 or facts.text("enabled").strip() == "enabled"
        if not (is_there or facts.waiting):
            return []
        made = Settings((), activate=(Step(_TAKE_AWAY),), undo=(("systemctl", "enable", "--now", FIREWALL_UNIT),))
        return [change(self.name, f"take the rules of {FIREWALL_UNIT} away: {theirs} is at work", facts, made)]


def other_firewall(facts: ManagedFacts) -> str:
    """`ufw` or `firewalld` where one is at work; empty where none is."""
    if facts.text("firewalld").strip() == "active":
        return "firewalld"
    ufw = facts.files.get(UFW_FILE)
    lines = ((ufw.text or "") if ufw else "").lower().splitlines()
    return "ufw" if any(line.replace(" ", "") == "enabled=yes" for line in lines) else ""


def _undo(facts: ManagedFacts) -> Sequence[tuple[str, ...]]:
    """What makes the files of before count again: the rules that were, or none."""
    if facts.files.get(FIREWALL_FILE) and facts.text("enabled").strip() == "enabled":
        return (("systemctl", "daemon-reload"), _LOAD)
    return (("systemctl", "stop", FIREWALL_UNIT), ("rm", "-f", _WANTED_BY), ("systemctl", "daemon-reload"))


def _shut_out(facts: ManagedFacts, ports: Sequence[int]) -> Sequence[str]:
    """What listens there now and can then not be reached any more; it is news only the first time."""
    if facts.answer("table").status == 0:
        return ()
    found = [
        each
        for each in reachable_listeners(facts.text("listeners"))
        if not (each.protocol == "tcp" and each.port in ports)
        and not (each.protocol == "udp" and each.port in (68, 546))
    ]
    return [f"no longer reached from outside: {each}" for each in found]
