"""Whether a server is shut to those who should not come in, and keeps its journal small: pure checks of its facts. What
is not so, a part of a push repairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from freehold.base.plain_text import clipped
from freehold.deploy.check import Check, Repair, State, Verdict
from freehold.deploy.fail2ban_part import Fail2banPart
from freehold.deploy.firewall_part import FirewallPart
from freehold.deploy.journal_part import JournalPart
from freehold.deploy.managed_files import LogIn
from freehold.deploy.packages import PackagesPart
from freehold.deploy.part import Part
from freehold.deploy.server_preparation import planned_changes, prepare
from freehold.deploy.ssh_part import SshPart
from freehold.hosts.host import Host
from freehold.hosts.script import OLDEST_PYTHON
from freehold.server import fail2ban, firewall, journal_limits, sshd
from freehold.server.facts import ServerFacts
from freehold.server.layout import SSHD_FILE

_PUSH = "The next push does it; so does `--fix` of this check."
_OWN = "The next push takes them away; so does `--fix` of this check. For rules of your own, have a table of your own."
_MOST_RULES, _LONGEST_RULE = 5, 120


def ssh_hardened(facts: ServerFacts) -> Verdict:
    settings = facts.hardening.sshd
    if not settings:
        return Verdict(State.WARN, "what sshd allows could not be told")
    if weak := sshd.weaknesses(settings):
        return Verdict(State.FAIL, "; ".join(weak), _PUSH)
    return Verdict(State.PASS, "keys alone let in")


def fail2ban_runs(facts: ServerFacts) -> Verdict:
    if facts.hardening.jail:
        return Verdict(State.PASS, f"fail2ban shuts out who fails {fail2ban.MOST_FAILURES} times to log in")
    return Verdict(State.FAIL, "fail2ban does not watch SSH", _PUSH)


def journal_bounded(facts: ServerFacts) -> Verdict:
    settings = facts.hardening.journal
    if settings is None:
        return Verdict(State.WARN, "how large the journal may grow could not be told")
    if why := journal_limits.unbounded(settings):
        return Verdict(State.FAIL, why, _PUSH)
    return Verdict(State.PASS, f"at most {settings['SystemMaxUse']}")


@dataclass(frozen=True)
class Shut:
    """The firewall of a server that is `exposed` or not."""

    exposed: bool

    def judge(self, facts: ServerFacts) -> Verdict:
        known = facts.hardening
        web = firewall.WEB_PORTS if self.exposed else ()
        wanted = sorted({*known.ssh_ports, *web})
        if known.other_firewall:
            return Verdict(
                State.PASS, f"{known.other_firewall} is at work", firewall.opening(known.other_firewall, wanted)
            )
        if known.open_ports is None:
            return Verdict(State.FAIL, "there is no firewall on the server", _PUSH)
        if missing := [str(port) for port in wanted if port not in known.open_ports]:
            return Verdict(State.FAIL, f"it keeps everybody from port {', '.join(missing)}", _PUSH)
        if known.foreign_rules:
            told = "; ".join(clipped(rule, _LONGEST_RULE) for rule in known.foreign_rules[:_MOST_RULES])
            return Verdict(
                State.FAIL, f"the table inet {firewall.TABLE} has rules that are not freehold's: {told}", _OWN
            )
        return Verdict(State.PASS, f"lets in {', '.join(map(str, known.open_ports))}")


def hardening_checks(log_in: LogIn, *, exposed: bool) -> tuple[Check[ServerFacts], ...]:
    """`log_in` logs in once more, as the connection in use did: by it a repair proves that nobody is shut out."""
    packages = PackagesPart(edge=False)
    shut = Shut(exposed)
    ssh = _mending(f"write {SSHD_FILE}, and keep it when a second login works", SshPart(log_in))
    jail = _mending("install fail2ban where it is missing, and have it watch SSH", packages, Fail2banPart())
    wall = _mending(
        "let in SSH, and the web where the server is exposed, and keep that when a second login works",
        packages, FirewallPart(log_in, exposed=exposed),
    )  # fmt: skip
    journal = _mending("bound the journal", JournalPart())
    return (
        Check("ssh hardened", ssh_hardened, ssh),
        Check("fail2ban running", fail2ban_runs, jail),
        Check("firewall", shut.judge, wall),
        Check("journal bounded", journal_bounded, journal),
    )


def _mending(offer: str, *parts: Part) -> Callable[[ServerFacts], Repair | None]:
    async def work(host: Host) -> None:
        for part in parts:  # one after the other: the next one may need what this one installs
            await prepare(host, await planned_changes(host, [part]))

    def repair(facts: ServerFacts) -> Repair | None:
        can = facts.is_root and facts.systemd and facts.python >= OLDEST_PYTHON
        return Repair(offer, work=work) if can else None

    return repair
