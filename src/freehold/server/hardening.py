"""What is known of how a server is shut: sshd's rules, fail2ban, the firewall, the journal's bound (pure).

`PROBE` is a part of the one question to a server (`server/facts.py`), in POSIX shell, which uses its `say`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from freehold.server import firewall, journal_limits, sshd

PROBE = f"""\
PATH="$PATH:/usr/sbin:/sbin"
mkdir -p /run/sshd 2>/dev/null
say sshd "$(sshd -T 2>/dev/null | tr '\\n' ';')"
say jail "$(fail2ban-client status sshd >/dev/null 2>&1 && echo yes)"
say firewall "$({" ".join(firewall.LIST)} 2>/dev/null | tr '\\n' ';')"
say firewalld "$(systemctl is-active firewalld.service 2>/dev/null)"
say ufw "$(grep -i '^ENABLED=' /etc/ufw/ufw.conf 2>/dev/null)"
say journal "$({" ".join(journal_limits.DUMP)} 2>/dev/null | grep -E '^ *[A-Z][A-Za-z]*=' | tr '\\n' ';')"
"""


@dataclass(frozen=True)
class Hardening:
    """`sshd` is what it says of itself, and empty where it could not be asked. `jail` says whether fail2ban watches it.
    `open_ports` are those that our firewall lets in, None without one, `foreign_rules` what somebody else put into it;
    `other_firewall` is `ufw` or `firewalld` where that is at work. `journal` are the journal's settings, None where
    they could not be told."""

    sshd: Mapping[str, str] = field(default_factory=dict)
    ssh_ports: tuple[int, ...] = ()
    jail: bool = False
    open_ports: tuple[int, ...] | None = None
    foreign_rules: tuple[str, ...] = ()
    other_firewall: str = ""
    journal: Mapping[str, str] | None = None


def read_hardening(said: Mapping[str, str]) -> Hardening:
    """What `PROBE` said."""
    dumped = said.get("sshd", "").replace(";", "\n")
    table = said.get("firewall", "")
    ufw = said.get("ufw", "").replace(" ", "").lower() == "enabled=yes"
    journal = said.get("journal", "").replace(";", "\n")
    return Hardening(
        sshd=sshd.effective(dumped),
        ssh_ports=tuple(sshd.ports(dumped)) if dumped else (),
        jail=said.get("jail") == "yes",
        open_ports=tuple(firewall.open_ports(table)) if table else None,
        foreign_rules=tuple(firewall.foreign_rules(table)),
        other_firewall="firewalld" if said.get("firewalld") == "active" else "ufw" if ufw else "",
        journal=journal_limits.effective(journal) if "journal" in said else None,
    )
