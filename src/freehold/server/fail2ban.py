"""The jail of sshd: addresses that try keys and passwords are shut out. Pure (docs/why/fail2ban.md).

A minimal Debian has no `/var/log/auth.log`, on which Debian's own jail waits: it does not start there. The journal is
there always.
"""

from __future__ import annotations

from collections.abc import Sequence

BAN_S = 3600
FIND_S = 600
MOST_FAILURES = 5
FILTER = "freehold-sshd"


def jail(ssh_ports: Sequence[int]) -> str:
    """The text of the file in `jail.d`. Debian 13's sshd is two programs: sessions log under the other one's name."""
    ports = ",".join(str(port) for port in ssh_ports)
    return f"""# Written by freehold; it is written anew by the next push.
[sshd]
enabled = true
filter = {FILTER}[mode=extra]
backend = systemd
journalmatch = _COMM=sshd + _COMM=sshd-session
port = {ports}
maxretry = {MOST_FAILURES}
findtime = {FIND_S}
bantime = {BAN_S}
banaction = nftables-multiport
banaction_allports = nftables-allports
"""


def login_filter() -> str:
    """The text of `filter.d/freehold-sshd.conf`: Debian's own filter, with who hangs up after a refused key, and with
    whom sshd itself turns away for a while because of that (OpenSSH 9.8 and later, "PerSourcePenalties").

    Debian's mode `extra` takes only those for an attempt who say goodbye as the protocol has it, which OpenSSH's own
    client does not; `aggressive` also takes whoever connects and says nothing, as monitors do. The address is the one
    at the line's end: users' names are of the other side's choosing, and may hold another one.
    """
    return r"""# Written by freehold; it is written anew by the next push.
[INCLUDES]
before = sshd.conf

[Definition]
mdre-extra = %(known/mdre-extra)s
             ^drop connection #\d+ from \[<HOST>\]:\d+ on \[\S+\]:\d+ penalty: failed authentication\s*$
mdre-extra-other = ^<F-MLFFORGET>(?:Connection (?:closed|reset) by|Disconnected from)</F-MLFFORGET> (?:invalid|authenticating) user <F-USER>\S+|.*?</F-USER> <HOST> port \d+ \[preauth\]\s*$
"""  # noqa: E501  a filter has one expression a line
