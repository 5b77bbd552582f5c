"""What may be reached on a server: a table of nftables of our own, which no other program's rules live in. Pure.

Not `/etc/nftables.conf`: Debian's begins with `flush ruleset`, which takes away Docker's rules with all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from freehold.server.layout import FIREWALL_FILE

TABLE = "freehold"
WEB_PORTS = (80, 443)
LIST = ("nft", "list", "table", "inet", TABLE)
"""The command that shows the table as the kernel has it; it fails when there is none."""
CHECK = ("nft", "--check", "--file", FIREWALL_FILE)
DELETE = ("nft", "delete", "table", "inet", TABLE)
_ALWAYS_UDP = (68, 546)
"""Where answers about addresses come in: DHCP and DHCPv6."""
_PORTS = re.compile(r"tcp dport (?:\{([^}]*)\}|(\d+)) accept")
_OURS = tuple(
    re.compile(pattern)
    for pattern in (
        r"table inet \w+ \{|chain input \{|\}",
        r"type filter hook input priority (filter|0)|policy drop",
        r"ct state (established,related|related,established) accept",
        r"ct state invalid drop",
        r'iif "?lo"? accept',
        r"meta l4proto \{ (icmp|ipv6-icmp|1|58)(, (icmp|ipv6-icmp|1|58))? \} accept",
        rf"udp dport \{{ {_ALWAYS_UDP[0]}, {_ALWAYS_UDP[1]} \}} accept",
        r"tcp dport (\{ \d+(, \d+)* \}|\d+) accept",
    )
)
"""Lines of `rules`, as `nft` lists them: 1.0.6 of Debian 12 to 1.1.3 of Debian 13."""


def rules(ports: Iterable[int]) -> str:
    """The text for `nft -f`: TCP ports that anybody may connect to, over IPv4 and IPv6; all else that comes in is
    dropped, but for answers, the machine itself, ICMP, and what addresses are got by. It replaces what it said before.

    `ports` has SSH's: without it nobody could get in any more.
    """
    wanted = ", ".join(str(port) for port in sorted(set(ports)))
    return f"""# Written by freehold; it is written anew by the next push.
table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
	chain input {{
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif lo accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
		udp dport {{ {", ".join(map(str, _ALWAYS_UDP))} }} accept
		tcp dport {{ {wanted} }} accept
	}}
}}
"""


def open_ports(listed: str) -> list[int]:
    """The ports that the rules in what `LIST` says open to everybody; ranges of ports are among `foreign_rules`."""
    found = [words for lines in _PORTS.findall(listed) for words in lines]
    return sorted({int(word) for words in found for word in words.split(",") if word.strip().isdigit()})


def foreign_rules(listed: str) -> list[str]:
    """What in the table that `LIST` shows is none of `rules`: it may let in what is shut, or shut what is open. Of
    several rules that open ports one is ours, and which one cannot be told."""
    lines = [line.strip() for line in re.split(r"[\n;]", listed)]
    opening_ports = [line for line in lines if _PORTS.fullmatch(line)]
    known = set(lines) - (set(opening_ports) if len(opening_ports) > 1 else set())
    ours = {line for line in known if not line or any(each.fullmatch(line) for each in _OURS)}
    return [line for line in lines if line not in ours]


def opening(theirs: str, ports: Sequence[int]) -> str:
    """How the ports are opened in another firewall (`ufw`, `firewalld`), in words."""
    listed = ", ".join(map(str, ports))
    if theirs == "firewalld":
        words = " ".join(f"--add-port={port}/tcp" for port in ports)
        return f"to open {listed}: firewall-cmd --permanent {words} && firewall-cmd --reload"
    return f"to open {listed}: " + "; ".join(f"ufw allow {port}/tcp" for port in ports)


def unit() -> str:
    """A unit that sets the rules before there is a network, at each start of the machine."""
    return f"""# Written by freehold; it is written anew by the next push.
[Unit]
Description=Firewall of freehold
DefaultDependencies=no
Before=network-pre.target shutdown.target
Wants=network-pre.target
After=local-fs.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {FIREWALL_FILE}
ExecReload=/usr/sbin/nft -f {FIREWALL_FILE}
ExecStop=-{"/usr/sbin/" + " ".join(DELETE)}

[Install]
WantedBy=multi-user.target
"""
