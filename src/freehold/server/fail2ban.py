"""The jail of sshd: addresses that try keys and passwords are shut out. Pure.

A minimal Debian has no `/var/log/auth.log`, on which Debian's own jail waits: it does not start there. The journal is
there always.
"""

from __future__ import annotations

from collections.abc import Sequence

BAN_S = 3600
FIND_S = 600
MOST_FAILURES = 5


def jail(ssh_ports: Sequence[int]) -> str:
    """The text of the file in `jail.d`. Debian 13's sshd is two programs: sessions log under the other one's name."""
    ports = ",".join(str(port) for port in ssh_ports)
    return f"""# Written by freehold; it is written anew by the next push.
[sshd]
enabled = true
backend = systemd
journalmatch = _COMM=sshd + _COMM=sshd-session
mode = aggressive
port = {ports}
maxretry = {MOST_FAILURES}
findtime = {FIND_S}
bantime = {BAN_S}
banaction = nftables-multiport
banaction_allports = nftables-allports
"""
